"""Two systems on the same records: paired bootstrap and approximate randomisation, for any score of summed statistics.

A system is a table of what each record adds to its score [records, columns], and a score is a function of the sums of these
columns: accuracy of (right, 1), micro F1 of (correct, predicted, gold). Records are drawn, or swapped, whole.

- Paired bootstrap (Efron & Tibshirani 1993; Berg-Kirkpatrick et al. 2012): both systems on the same samples of records. The
  p-value is the share of samples whose difference is as far from the difference of the whole as that is from 0;
- approximate randomisation (Noreen 1989; Yeh 2000): each record's rows are swapped between the systems by a fair coin. The
  p-value is the share of swaps whose difference is as large as the one found.

Both p-values are two-sided, and count the data as found as one more draw, so that none is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from loreweave.metrics.analysis.estimates import Estimate, Floats, finite, percentile_estimate
from loreweave.metrics.multilabel import checked
from loreweave.metrics.resampling import resampled_sums
from loreweave.random_streams import stream

Score = Callable[[Floats], Floats]
"""From sums [..., columns] to scores [...]."""

ROUNDING = 1e-12
"""Differences that are equal but for rounding count as equal."""

SWAPS_AT_ONCE = 100


@dataclass(frozen=True)
class PairedComparison:
    """Two systems on the same records.

    Attributes:
        first, second: their scores, with bootstrap intervals over records.
        difference: first minus second, with the interval of the paired bootstrap.
        share_better: share of the bootstrap samples in which the first is better; equal scores count as a half.
        bootstrap_p, randomisation_p: two-sided p-values, without a correction for several comparisons (see `groups.holm`).
        records: Number of records.
        samples, seed: Number of bootstrap samples and of random swaps, and their seed.
    """

    first: Estimate
    second: Estimate
    difference: Estimate
    share_better: float
    bootstrap_p: float
    randomisation_p: float
    records: int
    samples: int
    seed: int


def compare_paired(first: ArrayLike, second: ArrayLike, score: Score, samples: int = 1000, seed: int = 0) -> PairedComparison:
    """Compare two systems on the same records.

    Args:
        first, second: statistics of each record [records, columns], the same records in the same order.
        score: one of `mean_score`, `f1_score`, `macro_f1_score`, or another function of sums.
        samples: Number of bootstrap samples, and of random swaps. Default: 1000.
        seed: equal seeds give equal results.

    Raises:
        DataError: statistics are not finite.
        ValueError: the shapes differ, or there are no records or samples.

    Example:
        >>> right = np.array([1, 1, 1, 0, 1, 1])
        >>> found = compare_paired(mean_statistics(right), mean_statistics(1 - right), mean_score, samples=200)
        >>> round(found.difference.value, 3), found.records
        (0.667, 6)
    """
    tables = [finite(table, "statistics") for table in (first, second)]
    if tables[0].ndim != 2 or tables[0].shape != tables[1].shape:
        raise ValueError(f"found shapes {tables[0].shape} and {tables[1].shape}, expected [records, columns] twice")
    columns = tables[0].shape[1]
    drawn = np.asarray(resampled_sums(np.concatenate(tables, axis=1), samples, seed), dtype=np.float64)
    ones, others = score(drawn[:, :columns]), score(drawn[:, columns:])
    values = [float(score(table.sum(axis=0))) for table in tables]
    difference, differences = values[0] - values[1], ones - others
    centred = np.abs(differences - difference) >= abs(difference) - ROUNDING
    better = (differences > ROUNDING).mean() + (np.abs(differences) <= ROUNDING).mean() / 2
    swapped = np.abs(_swapped_differences(tables[0], tables[1], score, samples, seed)) >= abs(difference) - ROUNDING
    return PairedComparison(
        first=percentile_estimate(values[0], ones),
        second=percentile_estimate(values[1], others),
        difference=percentile_estimate(difference, differences),
        share_better=float(better),
        bootstrap_p=float((centred.sum() + 1) / (samples + 1)),
        randomisation_p=float((swapped.sum() + 1) / (samples + 1)),
        records=len(tables[0]),
        samples=samples,
        seed=seed,
    )


def mean_statistics(values: ArrayLike) -> Floats:
    """Statistics of a mean of one number a record, such as 1 for a right answer. [records, 2]"""
    numbers = np.asarray(values, dtype=np.float64).reshape(-1)
    return np.stack([numbers, np.ones_like(numbers)], axis=1)


def mean_score(sums: Floats) -> Floats:
    """The mean that belongs to `mean_statistics`."""
    return _divide(sums[..., 0], sums[..., 1])


def f1_statistics(predicted: ArrayLike, gold: ArrayLike) -> Floats:
    """Correct, predicted and gold labels of each record, from label sets [records, labels]. [records, 3]"""
    guesses, truth = checked(predicted, gold)
    counts = [(guesses & truth).sum(axis=1), guesses.sum(axis=1), truth.sum(axis=1)]
    return np.stack(counts, axis=1).astype(np.float64)


def f1_score(sums: Floats) -> Floats:
    """Micro F1 of `f1_statistics`, or of any three columns correct, predicted and gold; 0 of nothing."""
    return _divide(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


def macro_f1_statistics(predicted: ArrayLike, gold: ArrayLike) -> Floats:
    """The same counts for each label: all correct ones, then predicted, then gold. [records, 3 * labels]"""
    guesses, truth = checked(predicted, gold)
    return np.concatenate([guesses & truth, guesses, truth], axis=1).astype(np.float64)


def macro_f1_score(sums: Floats) -> Floats:
    """Mean F1 over all labels of `macro_f1_statistics`; a label that is never gold or predicted counts as 0."""
    correct, predicted, gold = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, -1), -2, 0)
    means: Floats = _divide(2 * correct, predicted + gold).mean(axis=-1)
    return means


def _swapped_differences(first: Floats, second: Floats, score: Score, samples: int, seed: int) -> Floats:
    """Difference of the scores after each round of random swaps. [samples]"""
    random = stream(seed, "comparisons of systems", 1)  # another stream than that of the bootstrap
    total, apart = (first + second).sum(axis=0), first - second
    found = []
    for start in range(0, samples, SWAPS_AT_ONCE):
        signs = random.integers(2, size=(min(SWAPS_AT_ONCE, samples - start), len(first))) * 2.0 - 1
        moved = signs @ apart
        found.append(score((total + moved) / 2) - score((total - moved) / 2))
    return np.concatenate(found)


def _divide(parts: Floats, wholes: Floats) -> Floats:
    """parts / wholes, 0 where the whole is 0."""
    return np.divide(parts, wholes, out=np.zeros(np.shape(parts)), where=np.asarray(wholes) > 0)
