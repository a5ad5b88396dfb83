"""Bootstrap intervals: the spread of a score over samples of its units (episodes, triples) with replacement."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
"""Confidence level of all intervals."""

INTERVALS = f"intervals_{100 * LEVEL:.0f}_percent"
"""The name of tables with intervals in results."""

SPARSE_SAMPLES = 50
"""Number of samples that a sparse table is multiplied with at a time."""


def resampled_sums(table: Any, samples: int, seed: int) -> NDArray[np.number]:
    """Sums over the units of each sample.

    Args:
        table: the values of each unit [units, columns], also a sparse array. Values of one unit are drawn together.
        samples: the number of samples, each with as many units as there are.
        seed: equal seeds give equal samples.

    Returns:
        [samples, columns], of the type of `table`.

    Raises:
        ValueError: there are no units, or no samples.
    """
    units = table.shape[0]
    if not units or samples < 1:
        raise ValueError(f"found {units} units and {samples} samples, expected at least one of each")
    random = np.random.default_rng(seed)

    def times_drawn() -> NDArray[np.int_]:
        return np.bincount(random.integers(units, size=units), minlength=units)

    if isinstance(table, np.ndarray):
        return np.stack([times_drawn() @ table for _ in range(samples)])
    columns = table.T.tocsr()  # scipy is not imported here, so that commands without a model start fast
    starts = range(0, samples, SPARSE_SAMPLES)
    drawn = (np.stack([times_drawn() for _ in range(min(SPARSE_SAMPLES, samples - start))]) for start in starts)
    return np.concatenate([(columns @ weights.T).T for weights in drawn])


def interval(values: NDArray[np.floating]) -> dict[str, float]:
    """`low` and `high`: the percentiles between which `LEVEL` of the values [samples] lie."""
    low, high = np.quantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return {"low": float(low), "high": float(high)}
