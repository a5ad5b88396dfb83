"""A value with its bootstrap interval, and the check that all numbers are finite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from loreweave.errors import DataError
from loreweave.metrics.resampling import interval, resampled_sums

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value and the ends of its interval, of the confidence level `resampling.LEVEL`."""

    value: float
    low: float
    high: float


def percentile_estimate(value: float, samples: ArrayLike) -> Estimate:
    """`value` with the percentiles of its bootstrap values [samples]."""
    ends = interval(np.asarray(samples, dtype=np.float64))
    return Estimate(float(value), ends["low"], ends["high"])


def reversed_estimate(value: float, samples: ArrayLike, truth: float, lowest: float = 0.0, highest: float = 1.0) -> Estimate:
    """`value` with the basic ("reversed percentile") interval, for statistics with a bias.

    An error of calibration cannot be below 0, so chance makes it too large, and larger still in each sample: percentiles of
    the samples lie above the truth. The basic interval takes the deviation of the samples from the value that is true for
    them as the deviation of `value` from the truth: `[value - (high - truth), value - (low - truth)]`. The interval may lie
    below a value that is too large by chance. Davison & Hinkley (1997), section 5.2.

    Args:
        value: the estimate.
        samples: its bootstrap values [samples].
        truth: what the estimate aims at, of the data from which the samples were drawn.
        lowest, highest: the ends are cut to this range.
    """
    ends = interval(np.asarray(samples, dtype=np.float64))
    low, high = (float(np.clip(value - (end - truth), lowest, highest)) for end in (ends["high"], ends["low"]))
    return Estimate(float(value), low, high)


def mean_estimate(values: ArrayLike, samples: int = 1000, seed: int = 0) -> Estimate:
    """Mean of one number a record [records], with its bootstrap interval over records.

    Raises:
        ValueError: there are no records.
    """
    table = np.asarray(values, dtype=np.float64).reshape(-1, 1)
    return percentile_estimate(table.sum() / max(len(table), 1), resampled_sums(table, samples, seed)[:, 0] / len(table))


def finite(values: ArrayLike, name: str) -> Floats:
    """The values in double precision.

    Raises:
        DataError: some are not finite; the message has their number.
    """
    found = np.asarray(values, dtype=np.float64)
    bad = int((~np.isfinite(found)).sum())
    if bad:
        raise DataError(f"found {bad:,} of {found.size:,} {name} that are not finite (NaN or infinite), expected numbers")
    return found
