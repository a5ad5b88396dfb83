"""Scores by a property of the records, such as their length: in strata of about equal size, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from loreweave.metrics.analysis.comparison import Score
from loreweave.metrics.analysis.estimates import Estimate, finite, percentile_estimate
from loreweave.metrics.resampling import resampled_sums


@dataclass(frozen=True)
class Stratum:
    """The records whose property is between `lowest` and `highest`, both included, and their score."""

    lowest: float
    highest: float
    records: int
    score: Estimate


def scores_by(
    values: ArrayLike, statistics: ArrayLike, score: Score, strata: int = 5, samples: int = 1000, seed: int = 0
) -> tuple[Stratum, ...]:
    """The score of records with small, middle and large values.

    Records of equal value stay together, so there are fewer strata where many values are equal, and they differ in size.

    Args:
        values: the property of each record, such as its number of tokens [records].
        statistics: of each record, as in `comparison` [records, columns].
        score: from sums of statistics to a score.
        strata: Number of strata. Default: 5.
        samples: Number of bootstrap samples of the records of each stratum. Default: 1000.
        seed: equal seeds give equal intervals.

    Returns:
        Strata in the order of their values; none of no records.

    Raises:
        DataError: values or statistics are not finite.
        ValueError: the lengths differ, or there are no strata or samples.
    """
    property_, table = finite(values, "values"), finite(statistics, "statistics")
    if property_.ndim != 1 or table.ndim != 2 or len(table) != len(property_) or strata < 1:
        raise ValueError(
            f"found shapes {property_.shape} and {table.shape} and {strata} strata, "
            "expected [records], [records, columns] and at least one stratum"
        )
    if not len(property_):
        return ()
    edges = np.quantile(property_, np.linspace(0, 1, strata + 1)[1:-1])
    numbers = np.searchsorted(edges, property_)
    found = []
    for number in np.unique(numbers):
        members = numbers == number
        drawn = np.asarray(resampled_sums(table[members], samples, seed), dtype=np.float64)
        estimate = percentile_estimate(float(score(table[members].sum(axis=0))), score(drawn))
        found.append(Stratum(float(property_[members].min()), float(property_[members].max()), int(members.sum()), estimate))
    return tuple(found)
