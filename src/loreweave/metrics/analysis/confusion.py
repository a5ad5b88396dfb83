"""Confusion of classes: single-label matrices, multi-label counts and structures, and where missed labels went.

Single-label classes are numbers [records], from 0 in the order of the names, and -1 for a record without one ("rejected").
Multi-label sets are boolean [records, labels]. The order of the names is always given: classes that do not occur keep their
rows and columns.

Rates of an empty row or column are masked, not NaN: `MaskedArray.tolist()` has None there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from loreweave.metrics.analysis.estimates import Floats, finite
from loreweave.metrics.multilabel import Bools, PrecisionRecallF1, accuracy, checked, micro, per_label
from loreweave.metrics.probabilities import softmax
from loreweave.metrics.relations import RelationCounts

Ints = NDArray[np.int_]
Normalised = Literal["true", "pred", "all"]

REJECT = "reject"
"""The class of records without a label."""

NONE = "none"
"""The column of labels that were missed while nothing was predicted in their place."""


@dataclass(frozen=True)
class Confusion:
    """Gold classes (rows) against predictions (columns).

    Attributes:
        rows: names of gold classes.
        columns: names of predictions.
        counts: whole numbers, or shares of records in an error flow [rows, columns].
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: Floats

    def rates(self, over: Normalised = "true") -> np.ma.MaskedArray:
        """Counts divided by sums, named as in scikit-learn: "true" of rows, "pred" of columns, "all" of everything.

        Returns:
            [rows, columns]; cells whose sum is 0 are masked.
        """
        axes: dict[str, int | None] = {"true": 1, "pred": 0, "all": None}
        if over not in axes:
            raise ValueError(f"found normalisation {over!r}, expected 'true', 'pred' or 'all'")
        sums = np.broadcast_to(self.counts.sum(axis=axes[over], keepdims=True), self.counts.shape)
        values = np.divide(self.counts, sums, out=np.zeros_like(self.counts), where=sums > 0)
        return np.ma.MaskedArray(values, mask=sums <= 0)


@dataclass(frozen=True)
class LabelCounts:
    """One label against the rest: number of records with it right, spurious, missed, and rightly absent."""

    label: str
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def support(self) -> int:
        """Number of records with the gold label."""
        return self.true_positives + self.false_negatives

    @property
    def score(self) -> PrecisionRecallF1:
        """Precision and recall; each is 0 if its denominator is 0."""
        return RelationCounts(self.support, self.true_positives + self.false_positives, self.true_positives).score

    @property
    def confusion(self) -> Confusion:
        """The matrix [[TN, FP], [FN, TP]] of `other` and the label."""
        counts = [[self.true_negatives, self.false_positives], [self.false_negatives, self.true_positives]]
        names = (free_name("other", [self.label]), self.label)
        return Confusion(names, names, np.array(counts, dtype=np.float64))


@dataclass(frozen=True)
class Average:
    """Precision, recall and F1 averaged in one way; `f1` is the mean of F1 values but for `micro`."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Averages:
    """All averages.

    Attributes:
        micro: from the counts over all records and labels.
        macro: means over all labels that are given; one without gold labels and predictions counts as 0.
        weighted: means over labels, weighted by support.
        examples: means over records; one without gold labels, or without predictions, counts as 0.
        exact_match: share of the records whose predicted set is the gold set, empty sets included.
    """

    micro: Average
    macro: Average
    weighted: Average
    examples: Average
    exact_match: float


@dataclass(frozen=True)
class ThreeStructures:
    """The three confusion structures of multi-label sets with a last column `reject`, which records without a label have.

    Attributes:
        multi_label_all: each label, and `reject`, against the rest, over all records.
        single_label_only: confusion of the records with at most one gold label and at most one predicted label.
        multi_label_only: each label against the rest, over the other records.
        single_records, multi_records: numbers of both kinds of records.
    """

    multi_label_all: tuple[LabelCounts, ...]
    single_label_only: Confusion
    multi_label_only: tuple[LabelCounts, ...]
    single_records: int
    multi_records: int


@dataclass(frozen=True)
class ErrorFlow:
    """Where the gold labels of multi-label records went.

    Attributes:
        confusion: [labels, labels + 1]; hits on the diagonal; a missed label is shared equally over the spurious labels of its
            record, or goes to the last column, `none`. Each row sums to the support of its label.
        unprompted: Number of spurious predictions of each label in records that miss nothing, which have no row [labels].
    """

    confusion: Confusion
    unprompted: Ints


def predicted_classes(logits: ArrayLike, threshold: float | None = None) -> Ints:
    """The class with the largest logit, the first of equal ones; -1 where its probability is below `threshold`.

    Args:
        logits: scores before the softmax [records, classes].
        threshold: Default: no record is rejected.

    Raises:
        DataError: logits are not finite.
    """
    scores = finite(logits, "logits")
    if scores.ndim != 2 or not scores.shape[1]:
        raise ValueError(f"found logits of shape {scores.shape}, expected [records, classes]")
    classes: Ints = scores.argmax(axis=1)
    return classes if threshold is None else np.where(softmax(scores).max(axis=1) < threshold, -1, classes)


def single_label_confusion(
    predicted: ArrayLike, gold: ArrayLike, labels: Sequence[str], rejected: str | None = None
) -> Confusion:
    """Number of records of each gold class with each prediction.

    Args:
        predicted, gold: class numbers [records], -1 for none.
        labels: names of the classes, in the order of the rows and columns.
        rejected: name of a last class, for records with -1. Default: there must be none.

    Raises:
        ValueError: the lengths differ, or a class number is out of range.
    """
    names = (*labels,) if rejected is None else (*labels, rejected)
    lowest = 0 if rejected is None else -1
    sides = [np.asarray(side) for side in (gold, predicted)]
    if sides[0].ndim != 1 or sides[0].shape != sides[1].shape:
        raise ValueError(f"found shapes {sides[1].shape} and {sides[0].shape}, expected [records] twice")
    for name, side in zip(("gold", "predicted"), sides, strict=True):
        if side.size and (not np.issubdtype(side.dtype, np.integer) or side.min() < lowest or side.max() >= len(labels)):
            raise ValueError(f"expected {name} class numbers from {lowest} to {len(labels) - 1}, found others")
    size = len(names)
    rows, columns = (np.where(side < 0, size - 1, side).astype(np.int_) for side in sides)
    counts = np.bincount(rows * size + columns, minlength=size * size).reshape(size, size)
    return Confusion(names, names, counts.astype(np.float64))


def one_hot(classes: ArrayLike, labels: int) -> Bools:
    """Class numbers [records] as label sets [records, labels]; -1 is the empty set."""
    found: Bools = np.asarray(classes)[:, None] == np.arange(labels)
    return found


def label_counts(predicted: ArrayLike, gold: ArrayLike, labels: Sequence[str]) -> tuple[LabelCounts, ...]:
    """Each label against the rest, in the order of `labels`.

    Args:
        predicted, gold: label sets [records, labels]; of single-label records those of `one_hot`.
        labels: names of the columns.
    """
    found = []
    for row in per_label(predicted, gold, labels):
        right, guessed, true = int(row["correct"]), int(row["predicted"]), int(row["gold"])
        rest = len(np.asarray(gold)) - guessed - true + right
        found.append(LabelCounts(str(row["label"]), right, guessed - right, true - right, rest))
    return tuple(found)


def averages(predicted: ArrayLike, gold: ArrayLike) -> Averages:
    """Averages of precision, recall and F1 over label sets [records, labels], as in scikit-learn with 0 for 0/0."""
    guesses, truth = checked(predicted, gold)
    small = micro(guesses, truth)
    hits = guesses & truth
    by_label = _ratios(hits.sum(axis=0), guesses.sum(axis=0), truth.sum(axis=0))
    by_record = _ratios(hits.sum(axis=1), guesses.sum(axis=1), truth.sum(axis=1))
    return Averages(
        micro=Average(small.precision, small.recall, small.f1),
        macro=_mean(by_label),
        weighted=_mean(by_label, truth.sum(axis=0)),
        examples=_mean(by_record),
        exact_match=accuracy(guesses, truth),
    )


def with_reject(labels: ArrayLike) -> Bools:
    """Label sets [records, labels] with a last column for the records without a label [records, labels + 1]."""
    sets = np.asarray(labels, dtype=np.bool_)
    return np.concatenate([sets, ~sets.any(axis=1, keepdims=True)], axis=1)


def three_structures(predicted: ArrayLike, gold: ArrayLike, labels: Sequence[str], reject: str = REJECT) -> ThreeStructures:
    """Confusion of multi-label sets as three structures: all records, those with single labels, those with several.

    Args:
        predicted, gold: label sets [records, labels].
        labels: names of the columns.
        reject: name of the column of records without a label; parentheses are added where a label has that name.
    """
    guesses, truth = (with_reject(side) for side in checked(predicted, gold))
    names = (*labels, free_name(reject, labels))
    single = (guesses.sum(axis=1) == 1) & (truth.sum(axis=1) == 1)
    return ThreeStructures(
        multi_label_all=label_counts(guesses, truth, names),
        single_label_only=single_label_confusion(guesses[single].argmax(axis=1), truth[single].argmax(axis=1), names),
        multi_label_only=label_counts(guesses[~single], truth[~single], names),
        single_records=int(single.sum()),
        multi_records=int((~single).sum()),
    )


def error_flow(predicted: ArrayLike, gold: ArrayLike, labels: Sequence[str], none: str = NONE) -> ErrorFlow:
    """Share each missed label over the spurious labels of its record; see `ErrorFlow`.

    Args:
        predicted, gold: label sets [records, labels].
        labels: names of the columns.
        none: name of the last column; parentheses are added where a label has that name.
    """
    guesses, truth = checked(predicted, gold)
    _check_names(guesses, labels)
    missed, spurious = (truth & ~guesses).astype(np.float64), (guesses & ~truth).astype(np.float64)
    number = spurious.sum(axis=1, keepdims=True)
    shares = np.concatenate([spurious / np.maximum(number, 1), number == 0], axis=1)
    counts = missed.T @ shares
    counts[:, : len(labels)] += np.diag((guesses & truth).sum(axis=0))
    unprompted = spurious[~missed.any(axis=1)].sum(axis=0).astype(np.int_)
    return ErrorFlow(Confusion((*labels,), (*labels, free_name(none, labels)), counts), unprompted)


def cooccurrence(predicted: ArrayLike, gold: ArrayLike, labels: Sequence[str]) -> Confusion:
    """Number of records with a gold label and a predicted label, right or not, for each two labels.

    Gold labels given twice show which of them occur together.
    """
    guesses, truth = checked(predicted, gold)
    _check_names(guesses, labels)
    return Confusion((*labels,), (*labels,), truth.astype(np.float64).T @ guesses.astype(np.float64))


def free_name(name: str, labels: Sequence[str]) -> str:
    """`name`, in parentheses where it is a label already."""
    while name in labels:
        name = f"({name})"
    return name


def _check_names(sets: Bools, labels: Sequence[str]) -> None:
    if sets.shape[1] != len(labels):
        raise ValueError(f"found {sets.shape[1]} columns, expected one for each of {len(labels)} labels")


def _ratios(hits: Ints, guesses: Ints, truth: Ints) -> Floats:
    """Precision, recall and F1 of each, 0 for 0/0. [3, number]"""
    parts, wholes = np.stack([hits, hits, 2 * hits]), np.stack([guesses, truth, guesses + truth])
    return np.divide(parts, wholes, out=np.zeros(parts.shape), where=wholes > 0)


def _mean(ratios: Floats, weights: Ints | None = None) -> Average:
    """Mean of ratios [3, number]; 0 where there are none."""
    if not (ratios.shape[1] if weights is None else weights.sum()):
        return Average(0.0, 0.0, 0.0)
    return Average(*(float(value) for value in np.average(ratios, axis=1, weights=weights)))
