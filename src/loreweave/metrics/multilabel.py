"""Scores of multi-label predictions: micro, loose macro and strict precision, recall and F1.

Predictions and gold labels are boolean arrays `[examples, labels]`. Definitions: Ling & Weld (2012, section 5.1) as
computed by the scorer of UFET (Choi et al., 2018); micro is also the score of Open Entity (Yamada et al. 2020, section 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class PrecisionRecallF1:
    """Precision, recall and F1 between 0 and 1; each is 0 if its denominator is 0."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def predicted_labels(logits: ArrayLike, threshold: ArrayLike = 0.0) -> Bools:
    """Labels whose logit is above `threshold`, one or one a label; a logit of 0 is a probability of one half."""
    return np.asarray(logits, dtype=np.float64) > np.asarray(threshold, dtype=np.float64)


def micro(predicted: ArrayLike, gold: ArrayLike) -> PrecisionRecallF1:
    """Micro average, from the counts over all examples and labels: correct / predicted and correct / gold."""
    predicted, gold = checked(predicted, gold)
    correct = float((predicted & gold).sum())
    return PrecisionRecallF1(_divide(correct, predicted.sum()), _divide(correct, gold.sum()))


def macro(predicted: ArrayLike, gold: ArrayLike) -> PrecisionRecallF1:
    """Loose macro: mean precision of the examples with a prediction, mean recall of the examples with a gold label."""
    predicted, gold = checked(predicted, gold)
    correct = (predicted & gold).sum(axis=1)
    return PrecisionRecallF1(_mean_ratio(correct, predicted.sum(axis=1)), _mean_ratio(correct, gold.sum(axis=1)))


def strict(predicted: ArrayLike, gold: ArrayLike) -> PrecisionRecallF1:
    """Strict: correct label sets divided by the examples with a prediction (precision) and with a gold label (recall).

    UFET's scorer divides both by the number of all examples, which is `accuracy`. The two agree where every example has both.
    """
    predicted, gold = checked(predicted, gold)
    has_prediction, has_gold = predicted.any(axis=1), gold.any(axis=1)
    correct = float(((predicted == gold).all(axis=1) & has_gold).sum())
    return PrecisionRecallF1(_divide(correct, has_prediction.sum()), _divide(correct, has_gold.sum()))


def accuracy(predicted: ArrayLike, gold: ArrayLike) -> float:
    """Share of the examples whose predicted set equals the gold set, empty sets included."""
    predicted, gold = checked(predicted, gold)
    return _divide(float((predicted == gold).all(axis=1).sum()), len(gold))


def multilabel_scores(predicted: ArrayLike, gold: ArrayLike) -> dict[str, float]:
    """All scores by name: `micro_precision` ... `strict_f1`, and `accuracy`."""
    scores: dict[str, float] = {}
    for name, score in (("micro", micro), ("macro", macro), ("strict", strict)):
        value = score(predicted, gold)
        scores |= {f"{name}_precision": value.precision, f"{name}_recall": value.recall, f"{name}_f1": value.f1}
    return scores | {"accuracy": accuracy(predicted, gold)}


def per_label(predicted: ArrayLike, gold: ArrayLike, labels: Sequence[str]) -> list[dict[str, float | int | str]]:
    """One row per label: `label, gold, predicted, correct, precision, recall, f1`, in the order of `labels`.

    Raises:
        ValueError: the arrays do not have one column for each label.
    """
    predicted, gold = checked(predicted, gold)
    if gold.shape[1] != len(labels):
        raise ValueError(f"found {gold.shape[1]} columns, expected one for each of {len(labels)} labels")
    rows: list[dict[str, float | int | str]] = []
    for column, label in enumerate(labels):
        guess, truth = predicted[:, column], gold[:, column]
        correct = int((guess & truth).sum())
        value = PrecisionRecallF1(_divide(correct, guess.sum()), _divide(correct, truth.sum()))
        row: dict[str, float | int | str] = {"label": label, "gold": int(truth.sum()), "predicted": int(guess.sum())}
        row |= {"correct": correct, "precision": value.precision, "recall": value.recall, "f1": value.f1}
        rows.append(row)
    return rows


def checked(predicted: ArrayLike, gold: ArrayLike) -> tuple[Bools, Bools]:
    """Both as booleans [examples, labels].

    Raises:
        ValueError: the shapes differ, or values are not 0 or 1.
    """
    predicted, gold = np.asarray(predicted), np.asarray(gold)
    if predicted.ndim != 2 or predicted.shape != gold.shape:
        raise ValueError(f"found shapes {predicted.shape} and {gold.shape}, expected [examples, labels] twice")
    for name, values in (("predictions", predicted), ("gold labels", gold)):
        if values.dtype != np.bool_ and not np.isin(values, (0, 1)).all():
            raise ValueError(f"{name} must be 0 or 1; turn logits into labels with predicted_labels() first")
    return predicted.astype(np.bool_), gold.astype(np.bool_)


def _divide(part: float, whole: float | np.integer) -> float:
    return float(part) / float(whole) if whole else 0.0


def _mean_ratio(parts: NDArray[np.int_], wholes: NDArray[np.int_]) -> float:
    """Mean of part / whole over the rows whose whole is not zero."""
    present = wholes > 0
    return float((parts[present] / wholes[present]).mean()) if present.any() else 0.0
