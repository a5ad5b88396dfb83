"""Scores of predicted numbers: the correlations of GLUE's STS-B, and the mean squared error."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def pearson(predicted: ArrayLike, gold: ArrayLike) -> float:
    """Linear correlation, from -1 to 1; 0 where all predictions, or all gold numbers, are the same."""
    first, second = _checked(predicted, gold)
    if len(first) < 2 or first.min() == first.max() or second.min() == second.max():
        return 0.0
    # Divided by the largest deviation before they are squared: numbers of any size neither overflow nor vanish.
    first, second = (values / np.abs(values).max() for values in (first - first.mean(), second - second.mean()))
    found = float(first @ second / np.sqrt((first @ first) * (second @ second)))
    return min(1.0, max(-1.0, found))


def spearman(predicted: ArrayLike, gold: ArrayLike) -> float:
    """Correlation of the ranks; equal numbers share the mean of their ranks. 0 as for `pearson`."""
    return pearson(*map(ranks, _checked(predicted, gold)))


def ranks(values: ArrayLike) -> Floats:
    """The rank of each number from 1, the smallest first; equal numbers have the mean of their ranks."""
    _, inverse, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: Floats = (last - counts + 1 + last) / 2
    return means[inverse.reshape(-1)]


def regression_scores(predicted: ArrayLike, gold: ArrayLike) -> dict[str, float]:
    """All of them by name."""
    first, second = _checked(predicted, gold)
    error = float(np.mean((first - second) ** 2)) if len(first) else 0.0
    return {"pearson": pearson(first, second), "spearman": spearman(first, second), "mean_squared_error": error}


def _checked(predicted: ArrayLike, gold: ArrayLike) -> tuple[Floats, Floats]:
    first, second = (np.asarray(values, dtype=np.float64) for values in (predicted, gold))
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(f"found shapes {first.shape} and {second.shape}, expected [examples] twice")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("found a number that is not finite")
    return first, second
