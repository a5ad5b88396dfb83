"""Size and balance of data sets: records by number of labels, labels by number of records, drift between splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from loreweave.metrics.multilabel import checked


@dataclass(frozen=True)
class Balance:
    """Number of labels and records of one split.

    Attributes:
        records: Number of records.
        without_label, with_one_label, with_several_labels: how many of them have so many labels.
        labels: names, in the order given.
        counts: Number of records with each label.
        cardinality: mean number of labels of a record; 0 of no records.
    """

    records: int
    without_label: int
    with_one_label: int
    with_several_labels: int
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    cardinality: float


def balance(gold: ArrayLike, labels: Sequence[str]) -> Balance:
    """Count labels and records.

    Args:
        gold: label sets [records, labels]; of single-label records those of `confusion.one_hot`.
        labels: names of the columns.

    Raises:
        ValueError: the columns are not those of `labels`, or values are not 0 or 1.
    """
    sets, _ = checked(gold, gold)
    if sets.shape[1] != len(labels):
        raise ValueError(f"found {sets.shape[1]} columns, expected one for each of {len(labels)} labels")
    numbers = sets.sum(axis=1)
    return Balance(
        records=len(sets),
        without_label=int((numbers == 0).sum()),
        with_one_label=int((numbers == 1).sum()),
        with_several_labels=int((numbers > 1).sum()),
        labels=(*labels,),
        counts=tuple(int(count) for count in sets.sum(axis=0)),
        cardinality=float(numbers.mean()) if len(sets) else 0.0,
    )


def drift(first: ArrayLike, second: ArrayLike) -> float | None:
    """Jensen-Shannon divergence of two distributions, in bits: 0 for equal ones, 1 for those that share nothing.

    The mean of the Kullback-Leibler divergences of both from their mean (Lin 1991).

    Args:
        first, second: counts of the same labels in two splits [labels].

    Returns:
        None where a split has no label at all.

    Raises:
        ValueError: the lengths differ, or a count is negative or not finite.
    """
    one, other = (np.asarray(counts, dtype=np.float64) for counts in (first, second))
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(f"found shapes {one.shape} and {other.shape}, expected [labels] twice")
    for counts in (one, other):
        if not np.isfinite(counts).all() or (counts < 0).any():
            raise ValueError("found counts that are negative or not finite, expected numbers of records")
    if not one.sum() or not other.sum():
        return None
    one, other = one / one.sum(), other / other.sum()
    entropies = [_entropy(shares) for shares in ((one + other) / 2, one, other)]
    return float(np.clip(entropies[0] - (entropies[1] + entropies[2]) / 2, 0, 1))


def _entropy(shares: NDArray[np.float64]) -> float:
    """Entropy in bits; without scipy, so that commands without a model start fast."""
    there = shares[shares > 0]
    return float(-(there * np.log2(there)).sum())
