"""Scores of relation classification: TACRED's micro F1, SemEval-2010 task 8's official macro F1, accuracy.

Predictions and gold are label names, one per example. A prediction of None means that a system skipped the example: it is
wrong, and it is not counted as a prediction. The negative label (`no_relation`, `Other`) is given by name.

Definitions: the scorer of TACRED (Zhang et al., 2017) and scorer 1.2 of SemEval-2010 task 8 (Hendrickx et al., 2010).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from loreweave.metrics.multilabel import PrecisionRecallF1

DIRECTIONS = ("(e1,e2)", "(e2,e1)")
Direction = Literal["official", "labels", "ignored"]


@dataclass(frozen=True)
class RelationCounts:
    """Number of examples of one relation: with that gold label, with that prediction, and with both."""

    gold: int = 0
    predicted: int = 0
    correct: int = 0

    @property
    def score(self) -> PrecisionRecallF1:
        """Precision and recall; each is 0 if its denominator is 0."""
        precision = self.correct / self.predicted if self.predicted else 0.0
        return PrecisionRecallF1(precision, self.correct / self.gold if self.gold else 0.0)


@dataclass(frozen=True)
class MacroScore:
    """Means over relations; `f1` is the mean of their F1 values, not the F1 of the means."""

    precision: float
    recall: float
    f1: float


def relation_of(label: str) -> str:
    """A label without its direction: `Cause-Effect` for `Cause-Effect(e2,e1)`."""
    for direction in DIRECTIONS:
        label = label.removesuffix(direction)
    return label


def count_labels(predicted: Sequence[str | None], gold: Sequence[str]) -> dict[str, RelationCounts]:
    """Counts of every label that occurs, sorted by name."""
    return _counts(predicted, gold, _same, _same)


def count_relations(
    predicted: Sequence[str | None], gold: Sequence[str], direction: Direction = "official"
) -> dict[str, RelationCounts]:
    """Counts of every relation that has a gold example, sorted by name, in one of SemEval's three ways.

    Args:
        predicted: label names with directions, None for skipped examples.
        gold: label names with directions.
        direction: `official`: relations without direction, correct only if the direction is right too ((9+1)-way,
            directionality taken into account); `labels`: each directed label is a relation ((2*9+1)-way); `ignored`:
            relations without direction, where a wrong direction is not an error ((9+1)-way, ignoring directionality).
    """
    group = _same if direction == "labels" else relation_of
    counts = _counts(predicted, gold, group, relation_of if direction == "ignored" else _same)
    return {relation: count for relation, count in counts.items() if count.gold}


def micro(counts: Mapping[str, RelationCounts], negative: str | None) -> PrecisionRecallF1:
    """Micro average: the sums over all relations but the negative one."""
    kept = [count for relation, count in counts.items() if relation != negative]
    total = RelationCounts(sum(c.gold for c in kept), sum(c.predicted for c in kept), sum(c.correct for c in kept))
    return total.score


def macro(counts: Mapping[str, RelationCounts], negative: str | None) -> MacroScore:
    """Macro average over all relations but the negative one; 0 if there is none."""
    scores = [count.score for relation, count in counts.items() if relation != negative]
    return MacroScore(_mean(s.precision for s in scores), _mean(s.recall for s in scores), _mean(s.f1 for s in scores))


def accuracy(predicted: Sequence[str | None], gold: Sequence[str]) -> float:
    """Share of the examples with the right label, direction and negative label included."""
    return _mean(float(guess == truth) for guess, truth in zip(predicted, gold, strict=True))


def relation_scores(predicted: Sequence[str | None], gold: Sequence[str], negative: str | None) -> dict[str, float]:
    """All scores by name.

    `micro_*` is TACRED's score: every predicted label counts, including labels without a gold example. `macro_*` is
    SemEval's official score: over relations without direction that have a gold example, correct only with the right
    direction. For labels without directions it is the usual macro average.
    """
    small = micro(count_labels(predicted, gold), negative)
    large = macro(count_relations(predicted, gold), negative)
    return {
        "micro_precision": small.precision, "micro_recall": small.recall, "micro_f1": small.f1,
        "macro_precision": large.precision, "macro_recall": large.recall, "macro_f1": large.f1,
        "accuracy": accuracy(predicted, gold),
    }  # fmt: skip


def per_label(
    predicted: Sequence[str | None], gold: Sequence[str], labels: Sequence[str]
) -> list[dict[str, float | int | str]]:
    """One row per label: `label, gold, predicted, correct, precision, recall, f1`, in the order of `labels`."""
    counts = count_labels(predicted, gold)
    rows: list[dict[str, float | int | str]] = []
    for label in labels:
        count = counts.get(label, RelationCounts())
        row: dict[str, float | int | str] = {"label": label, "gold": count.gold, "predicted": count.predicted}
        score = count.score
        row |= {"correct": count.correct, "precision": score.precision, "recall": score.recall, "f1": score.f1}
        rows.append(row)
    return rows


def _counts(
    predicted: Sequence[str | None], gold: Sequence[str], group: Callable[[str], str], equal: Callable[[str], str]
) -> dict[str, RelationCounts]:
    """Counts by `group` of a label; a prediction is correct if `equal` gives the same for both labels."""
    check_same_length(predicted, gold)
    golds = Counter(map(group, gold))
    guesses = Counter(group(guess) for guess in predicted if guess is not None)
    pairs = zip(predicted, gold, strict=True)
    right = Counter(group(truth) for guess, truth in pairs if guess is not None and equal(guess) == equal(truth))
    return {name: RelationCounts(golds[name], guesses[name], right[name]) for name in sorted(golds | guesses)}


def check_same_length(predicted: Sequence[str | None], gold: Sequence[str]) -> None:
    """Raise a `ValueError` if the number of predictions is not that of gold labels."""
    if len(predicted) != len(gold):
        raise ValueError(f"found {len(predicted)} predictions for {len(gold)} gold labels")


def _same(label: str) -> str:
    return label


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0
