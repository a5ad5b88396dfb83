"""Correlation of two scores over runs, such as dev against test: Pearson, Spearman and Kendall with bootstrap intervals.

Kendall's coefficient is tau-b, corrected for ties (Kendall 1945). Runs are drawn with replacement, both scores of a run
together. A sample in which one score is the same everywhere has no correlation; such samples are left out and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from loreweave.corpus.counts import counted
from loreweave.metrics.analysis.estimates import Estimate, Floats, finite, percentile_estimate
from loreweave.metrics.regression import pearson, spearman

FEWEST_RUNS = 3
"""Two points always lie on a line."""

MOST_RUNS = 5000
"""Kendall's coefficient compares all pairs of runs at once."""


@dataclass(frozen=True)
class Correlations:
    """Correlations of two scores.

    Attributes:
        pearson, spearman, kendall: with intervals; None where there is no correlation.
        undefined: why there is none, in words ("all dev scores are equal"); None where there is one.
        runs: Number of runs.
        undefined_samples: Number of bootstrap samples without a correlation, left out of the intervals.
        samples, seed: of the bootstrap.
    """

    pearson: Estimate | None
    spearman: Estimate | None
    kendall: Estimate | None
    undefined: str | None
    runs: int
    undefined_samples: int
    samples: int
    seed: int


def correlations(
    first: ArrayLike,
    second: ArrayLike,
    names: tuple[str, str] = ("dev", "test"),
    samples: int = 1000,
    seed: int = 0,
) -> Correlations:
    """Correlate two scores of the same runs.

    Args:
        first, second: scores in the same order [runs].
        names: what they are, for `undefined` and errors. Default: dev and test.
        samples: Number of bootstrap samples. Default: 1000.
        seed: equal seeds give equal intervals.

    Raises:
        DataError: scores are not finite.
        ValueError: the lengths differ, there are more than 5,000 runs, or no samples.
    """
    one, other = (finite(values, f"{name} scores") for values, name in zip((first, second), names, strict=True))
    if one.ndim != 1 or one.shape != other.shape or len(one) > MOST_RUNS or samples < 1:
        raise ValueError(
            f"found shapes {one.shape} and {other.shape} and {samples} samples, "
            f"expected [runs] twice, at most {MOST_RUNS:,} runs, and at least one sample"
        )
    reason = _undefined(one, other, names)
    if reason:
        return Correlations(None, None, None, reason, len(one), 0, samples, seed)
    random = np.random.default_rng(seed)
    draws = random.integers(len(one), size=(samples, len(one)))
    known = draws[(np.ptp(one[draws], axis=1) > 0) & (np.ptp(other[draws], axis=1) > 0)]

    def estimate(value: float, drawn: ArrayLike) -> Estimate:
        values = np.asarray(drawn, dtype=np.float64)
        return percentile_estimate(value, values if len(values) else np.array([value]))

    return Correlations(
        pearson=estimate(pearson(one, other), [pearson(one[draw], other[draw]) for draw in known]),
        spearman=estimate(spearman(one, other), [spearman(one[draw], other[draw]) for draw in known]),
        kendall=estimate(float(kendall(one, other)[0]), kendall(one, other, known)),
        undefined=None,
        runs=len(one),
        undefined_samples=samples - len(known),
        samples=samples,
        seed=seed,
    )


def kendall(first: Floats, second: Floats, draws: NDArray[np.integer] | None = None) -> Floats:
    """Kendall's tau-b of two scores [runs], or of samples of the runs.

    Args:
        first, second: scores, each with at least two different values in each sample.
        draws: numbers of the runs in each sample [samples, runs]. Default: all runs once.

    Returns:
        [samples], or [1].
    """
    runs = len(first)
    draws = np.arange(runs)[None] if draws is None else draws
    counts = np.zeros((len(draws), runs))
    np.add.at(counts, (np.arange(len(draws))[:, None], draws), 1)
    orders = [np.sign(scores[:, None] - scores) for scores in (first, second)]
    agreement, *untied = (
        ((counts @ pairs) * counts).sum(axis=1) for pairs in (orders[0] * orders[1], orders[0] ** 2, orders[1] ** 2)
    )
    found: Floats = np.clip(agreement / np.sqrt(untied[0] * untied[1]), -1, 1)
    return found


def _undefined(first: Floats, second: Floats, names: tuple[str, str]) -> str | None:
    if len(first) < FEWEST_RUNS:
        return f"found {counted(len(first), 'run')}, expected at least {FEWEST_RUNS}"
    equal = [name for name, scores in zip(names, (first, second), strict=True) if scores.min() == scores.max()]
    return f"all {' and all '.join(equal)} scores are equal" if equal else None
