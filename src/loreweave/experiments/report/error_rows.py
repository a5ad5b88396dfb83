"""Wrong predictions as data of the task again, with what the model thought of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from loreweave.errors import ConfigurationError
from loreweave.experiments.report.outputs import ClassOutputs
from loreweave.experiments.report.prediction_rows import Row, items_of
from loreweave.metrics.analysis.margins import margins
from loreweave.metrics.probabilities import by_name
from loreweave.tasks.registry import load_task

LIKELY = 3
"""Number of most probable labels that are shown."""


def gold_key(task: str | None, rows: Collection[Row] = ()) -> str | None:
    """Key of the gold answer in data of a task; None if these rows of its predictions are not data: they have no text, or they
    are documents with several answers where the data have one label.
    """
    try:
        training = None if task is None else load_task(task).training
    except ConfigurationError:  # a task of a package that is not installed here
        return None
    key = None if training is None else training.gold
    fits = all("text" in row and not (key == "label" and isinstance(row["gold"], list)) for row in rows)
    return key if fits else None


def error_rows(wrong: Mapping[int, Row], key: str | None, outputs: ClassOutputs | None) -> Iterator[dict[str, Any]]:
    """Rows of wrong predictions in the layout of the task's data.

    The gold answer has the name `key`. `missed` and `spurious` are what only the gold answer or only the prediction has. For
    predictions with logits, there are `most_likely`, the most probable labels and their probabilities, `probabilities`, those
    of all labels, `margin`, the distance in logits by which the record is wrong, and `loss`, its cross-entropy (for several
    labels the mean of theirs).

    Args:
        wrong: rows of predictions, by their places among all predictions of the split.
        key: see `gold_key`; None leaves the gold answer under `gold`.
        outputs: probabilities of the records.
    """
    known = {} if outputs is None else dict(_of_outputs(outputs))
    for place, row in wrong.items():
        gold, predicted = row["gold"], row["predicted"]
        data = {name: value for name, value in row.items() if name not in ("gold", "predicted", "probabilities")}
        found = data | {key or "gold": gold, "predicted": predicted}
        if isinstance(gold, list) and isinstance(predicted, list):
            found |= {"missed": _only(gold, predicted), "spurious": _only(predicted, gold)}
        yield found | known.get(place, {})


def probability_rows(outputs: ClassOutputs) -> Iterator[dict[str, Any]]:
    """Every record with the probabilities of all labels, the most probable first."""
    for row, chances in zip(outputs.rows, outputs.probabilities, strict=True):
        said = {name: row[name] for name in ("id", "gold", "predicted") if name in row}
        yield said | {"probabilities": by_name(chances, outputs.labels)}


def by_mention(rows: Collection[Row], wrong: Collection[Row]) -> list[list[object]]:
    """Mention in lower case, number of records and of wrong ones, and their share; the most frequent errors first."""
    total, errors = _mentions(rows), _mentions(wrong)
    order = sorted(total, key=lambda mention: (-errors[mention], -total[mention], mention))
    return [[mention, total[mention], errors[mention], errors[mention] / total[mention]] for mention in order]


def _mentions(rows: Collection[Row]) -> Counter[str]:
    return Counter(row["mention"].strip().lower() for row in rows if isinstance(row.get("mention"), str))


def _of_outputs(outputs: ClassOutputs) -> Iterator[tuple[int, dict[str, Any]]]:
    """Place of each record among the predictions, and its facts from the logits."""
    apart, losses = _margins(outputs), _losses(outputs)
    for number, (place, chances) in enumerate(zip(outputs.places, outputs.probabilities, strict=True)):
        scored = by_name(chances, outputs.labels)
        facts: dict[str, Any] = {"most_likely": [list(pair) for pair in list(scored.items())[:LIKELY]], "probabilities": scored}
        for name, values in (("margin", apart), ("loss", losses)):
            if values is not None:
                facts[name] = round(float(values[number]), 6)
        yield place, facts


def _margins(outputs: ClassOutputs) -> np.ndarray | None:
    """Margins; None if a type is not predicted from a probability of 0.5 on, or logits are not finite."""
    if not np.isfinite(outputs.logits).all() or len(outputs.labels) < 2:
        return None
    if not outputs.multi_label:
        return margins(outputs.logits, outputs.gold.argmax(axis=1))
    return margins(outputs.logits, outputs.gold) if ((outputs.logits > 0) == outputs.predicted).all() else None


def _losses(outputs: ClassOutputs) -> np.ndarray | None:
    """Cross-entropy of each record; None if logits are not finite."""
    logits = outputs.logits.astype(np.float64)
    if not np.isfinite(logits).all():
        return None
    if outputs.multi_label:
        losses: np.ndarray = (np.logaddexp(0, logits) - logits * outputs.gold).mean(axis=1)
        return losses
    whole: np.ndarray = np.logaddexp.reduce(logits, axis=1)
    found: np.ndarray = whole - np.where(outputs.gold, logits, -np.inf).max(axis=1)
    return found


def _only(these: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """What one list has and the other lacks; mentions are the same if place and label are."""
    known = set(items_of(list(others)))
    return [each for each in these if not known.issuperset(items_of([each]))]
