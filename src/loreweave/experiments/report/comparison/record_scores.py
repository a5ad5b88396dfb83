"""What each record adds to a score, found from the rows of predictions, for the tests that draw records.

How a score is counted can depend on settings that the rows do not show, such as the label for no relation. So there are
several ways for a metric, and the one that gives the recorded scores of all runs is taken; if none does, there is no test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from loreweave.experiments.report.prediction_rows import NIL, Row, items_of, label_of_item
from loreweave.experiments.runs.recorded import is_number
from loreweave.metrics.analysis.comparison import Score, f1_score, mean_score
from loreweave.metrics.analysis.estimates import Floats
from loreweave.metrics.answers import LANGUAGES, score_answer
from loreweave.metrics.ranks import RANK_KINDS
from loreweave.tasks.relations.files import NEGATIVE_LABELS

_EQUAL = 1e-6
"""Difference up to which a score counts as the recorded one."""
_SIDES = ("head_rank", "relation_rank", "tail_rank")


@dataclass(frozen=True)
class Way:
    """A way to count a score: statistics of rows [rows, columns], and the score of their sums."""

    statistics: Callable[[Sequence[Row]], Floats]
    score: Score


def way_to_count(metric: str, runs: Sequence[tuple[Sequence[Row], float]]) -> Way | None:
    """The way that gives the recorded score of every run from its rows; None if no way does.

    Args:
        metric: name of the metric.
        runs: the rows with gold answers of each run, and its recorded score.
    """
    return next((way for way in _ways(metric, runs) if all(_gives(way, *run) for run in runs)), None)


def _gives(way: Way, rows: Sequence[Row], recorded: float) -> bool:
    table = way.statistics(rows)
    return bool(np.isfinite(table).all()) and abs(float(way.score(table.sum(axis=0))) - recorded) <= _EQUAL


def _ways(metric: str, runs: Sequence[tuple[Sequence[Row], float]]) -> Iterator[Way]:
    every = [row for rows, _ in runs for row in rows]
    if all(is_number(row.get(metric)) for row in every):
        yield _means(lambda row: float(row[metric]))
    if metric in ("exact_match", "f1") and all(_is_answer(row) for row in every):
        yield from _of_answers(metric, every)
    if all(is_number(row.get("rank", 0)) for row in every) and any("rank" in row for row in every):
        yield from _of_ranks(metric, lambda row: [float(row["rank"])])
    if any(isinstance(row.get(side), Mapping) for row in every for side in _SIDES):
        for kind in RANK_KINDS:
            yield from _of_ranks(metric, partial(_ranks_of_sides, kind))
    if all("gold" in row and "predicted" in row for row in every):
        yield from _of_labels(metric, every)


def _of_answers(metric: str, rows: Sequence[Row]) -> Iterator[Way]:
    """Exact match and F1 of answers to questions, by the rules of SQuAD or of a language."""
    number = 0 if metric == "exact_match" else 1
    negative = any(not row.get("gold") for row in rows)

    def value(language: str | None, row: Row) -> float:
        return float(score_answer(row["predicted"], row["gold"], language, with_negative=negative)[number])

    for language in (None, *LANGUAGES):
        yield _means(partial(value, language))


def _of_ranks(metric: str, ranks: Callable[[Row], Sequence[float]]) -> Iterator[Way]:
    """Mean reciprocal rank and hits among the first k of all ranks of a row."""
    name, _, place = metric.rpartition("_")
    values: Callable[[Floats], Floats]
    if metric == "mrr":
        values = np.reciprocal
    elif name in ("p_at", "hits_at") and place.isdecimal():
        values = lambda found: (found <= int(place)).astype(np.float64)  # noqa: E731
    else:
        return
    yield _per_row(lambda row: [values(np.array(ranks(row), dtype=np.float64)).sum(), len(ranks(row))], mean_score)


def _ranks_of_sides(kind: str, row: Row) -> list[float]:
    return [row[side][kind] for side in _SIDES if side in row]


def _of_labels(metric: str, rows: Sequence[Row]) -> Iterator[Way]:
    """Scores of labels, sets of labels, mentions and facts."""
    labels = sorted({label_of_item(item) for row in rows for name in ("gold", "predicted") for item in items_of(row[name])})
    if metric == "accuracy":
        yield _means(lambda row: float(set(items_of(row["predicted"])) == set(items_of(row["gold"]))))
        yield _per_row(_linked, mean_score)
    if metric in _PARTS:
        which, score = _PARTS[metric]
        if which == "micro":
            yield _micro(set(labels), score)
            negative = [label for label in labels if label in NEGATIVE_LABELS]
            for label in [*negative, *(label for label in labels if label not in negative)]:
                yield _micro(set(labels) - {label}, score)
        elif which == "one":
            for label in labels:
                yield _micro({label}, score)
        else:
            yield _per_row(_strict, score)
    if metric == "macro_f1":
        for counted in (_with_gold_or_predicted, _with_gold):
            yield Way(lambda given: _counts_by_label(given, labels), _macro(counted))
        yield _per_row(_loose, _loose_f1)
    if metric == "matthews_correlation":
        yield Way(lambda given: _confusion(given, labels), _matthews)


def _micro(labels: set[str], score: Score) -> Way:
    """Correct, predicted and gold items with some labels."""

    def count(row: Row) -> Sequence[float]:
        guesses, truth = ({i for i in items_of(row[name]) if label_of_item(i) in labels} for name in ("predicted", "gold"))
        return [len(guesses & truth), len(guesses), len(truth)]

    return _per_row(count, score)


def _strict(row: Row) -> Sequence[float]:
    guesses, truth = set(items_of(row["predicted"])), set(items_of(row["gold"]))
    return [float(bool(truth) and guesses == truth), float(bool(guesses)), float(bool(truth))]


def _loose(row: Row) -> Sequence[float]:
    """Precision and whether there is a prediction, recall and whether there is a gold label."""
    guesses, truth = set(items_of(row["predicted"])), set(items_of(row["gold"]))
    right = len(guesses & truth)
    return [right / max(1, len(guesses)), float(bool(guesses)), right / max(1, len(truth)), float(bool(truth))]


def _linked(row: Row) -> Sequence[float]:
    """Right and all mentions whose entity is in the knowledge base."""
    truth = {item for item in items_of(row["gold"]) if label_of_item(item) != NIL}
    return [len(truth & set(items_of(row["predicted"]))), len(truth)]


def _counts_by_label(rows: Sequence[Row], labels: Sequence[str]) -> Floats:
    """Correct, predicted and gold items of each label: all correct ones, then predicted, then gold [rows, 3 * labels]."""
    places = {label: number for number, label in enumerate(labels)}
    table = np.zeros((len(rows), 3, len(labels)))
    for counts, row in zip(table, rows, strict=True):
        guesses, truth = set(items_of(row["predicted"])), set(items_of(row["gold"]))
        for line, items in zip(counts, (guesses & truth, guesses, truth), strict=True):
            for item in items:
                line[places[label_of_item(item)]] += 1
    return table.reshape(len(rows), -1)


def _confusion(rows: Sequence[Row], labels: Sequence[str]) -> Floats:
    """Right, one, predicted labels, gold labels [rows, 2 + 2 * labels]."""
    by_label = _counts_by_label(rows, labels).reshape(len(rows), 3, -1)
    right = by_label[:, :1].sum(axis=2)
    return np.concatenate([right, np.ones_like(right), by_label[:, 1], by_label[:, 2]], axis=1)


def _matthews(sums: Floats) -> Floats:
    right, number = sums[..., 0], sums[..., 1]
    guesses, truths = np.split(sums[..., 2:], 2, axis=-1)
    missing = number - guesses.sum(axis=-1)  # no prediction counts as one more class
    spread = (number**2 - (guesses**2).sum(axis=-1) - missing**2) * (number**2 - (truths**2).sum(axis=-1))
    return _ratio(right * number - (guesses * truths).sum(axis=-1), np.sqrt(np.maximum(spread, 0)))


def _macro(counted: Callable[[Floats, Floats], Floats]) -> Score:
    """Mean F1 of the labels that count; labels of other runs that are not there are no part of it."""

    def score(sums: Floats) -> Floats:
        correct, predicted, gold = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, -1), -2, 0)
        present = counted(predicted, gold)
        return _ratio((_ratio(2 * correct, predicted + gold) * present).sum(axis=-1), present.sum(axis=-1))

    return score


def _with_gold_or_predicted(predicted: Floats, gold: Floats) -> Floats:
    return (predicted + gold > 0).astype(np.float64)


def _with_gold(predicted: Floats, gold: Floats) -> Floats:
    return (gold > 0).astype(np.float64)


def _precision(sums: Floats) -> Floats:
    return _ratio(sums[..., 0], sums[..., 1])


def _recall(sums: Floats) -> Floats:
    return _ratio(sums[..., 0], sums[..., 2])


def _loose_f1(sums: Floats) -> Floats:
    precision, recall = _ratio(sums[..., 0], sums[..., 1]), _ratio(sums[..., 2], sums[..., 3])
    return _ratio(2 * precision * recall, precision + recall)


_KINDS: dict[str, Score] = {"f1": f1_score, "precision": _precision, "recall": _recall}
_PARTS: dict[str, tuple[str, Score]] = {
    **{f"micro_{name}": ("micro", score) for name, score in _KINDS.items()},
    **{f"strict_{name}": ("strict", score) for name, score in _KINDS.items()},
    **{name: ("one", score) for name, score in _KINDS.items()},
}
COUNTED = (
    "accuracy", "exact_match", "f1", "macro_f1", "matthews_correlation", "mrr", "hits_at_k", "p_at_k", "micro and strict F1, "
    "precision and recall",
)  # fmt: skip
"""What can be counted by record, in words."""


def _per_row(count: Callable[[Row], Sequence[float]], score: Score) -> Way:
    return Way(lambda rows: np.array([count(row) for row in rows], dtype=np.float64), score)


def _means(value: Callable[[Row], float]) -> Way:
    return _per_row(lambda row: [value(row), 1.0], mean_score)


def _is_answer(row: Row) -> bool:
    """Whether a row has a text as the answer to a question, and texts that are right."""
    return isinstance(row.get("gold"), list) and (row.get("predicted") is None or isinstance(row["predicted"], str))


def _ratio(parts: Floats, wholes: Floats) -> Floats:
    found: Floats = np.divide(parts, wholes, out=np.zeros(np.shape(parts)), where=np.asarray(wholes) > 0)
    return found
