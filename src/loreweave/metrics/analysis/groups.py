"""Two groups of numbers, such as scores of seeds: Welch and permutation tests, effect sizes, correction for many tests.

- Welch's t (1947): unequal variances. Its power is the share of `EXPERIMENTS` simulated pairs of normal groups, of the sizes,
  means and spreads found, that it rejects: how likely another experiment of this size finds the effect if it is as large as it
  looks. Such power adds nothing to p;
- permutation test: the share of all ways to deal the numbers into two groups of these sizes whose means differ as much. All
  ways are tried if there are at most `MOST_DEALS`, else as many random ones as there are samples;
- Cohen's d: difference of the means by the pooled standard deviation (Cohen 1988);
- Cliff's delta: share of pairs in which the first is larger minus that in which it is smaller (Cliff 1993);
- paired groups: t test, with the power of the noncentral t; sign-flip permutation test; d of the differences by their standard
  deviation (d_z);
- Holm (1979): p-values that hold for a family of tests together.

Almost-stochastic order is in `stochastic_order`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import nct
from scipy.stats import t as student

from loreweave.metrics.analysis.estimates import Estimate, Floats, finite, percentile_estimate
from loreweave.metrics.resampling import LEVEL
from loreweave.random_streams import stream

MOST_DEALS = 20_000
"""Number of permutations up to which all are tried."""

EXPERIMENTS = 10_000
"""Number of simulated experiments for the power of Welch's test; its error is below 0.01."""

ROUNDING = 1e-12
"""Relative difference up to which two differences of means count as equal."""


@dataclass(frozen=True)
class Group:
    """Size, mean, and standard deviation (of n - 1) of one group; the deviation is None of a single number."""

    size: int
    mean: float
    deviation: float | None


@dataclass(frozen=True)
class TTest:
    """A t test of a difference of means.

    Attributes:
        difference: with the interval of the test.
        statistic, degrees: t and its degrees of freedom.
        p: two-sided.
        power: probability that a test of these sizes rejects at 5 percent, if means and spreads are those found.
    """

    difference: Estimate
    statistic: float
    degrees: float
    p: float
    power: float


@dataclass(frozen=True)
class GroupComparison:
    """Two independent groups.

    Attributes:
        first, second: summaries.
        welch: None where no group has a spread (all numbers equal, or one number each).
        permutation_p: two-sided.
        permutation_exact: whether all permutations were tried.
        cohens_d: with its bootstrap interval; None where no group has a spread.
        cliffs_delta: with its bootstrap interval.
        undefined_samples: Number of bootstrap samples without spread, left out of the interval of `cohens_d`.
        samples, seed: of bootstrap and permutations.
    """

    first: Group
    second: Group
    welch: TTest | None
    permutation_p: float
    permutation_exact: bool
    cohens_d: Estimate | None
    cliffs_delta: Estimate
    undefined_samples: int
    samples: int
    seed: int


@dataclass(frozen=True)
class PairedGroups:
    """Two groups whose numbers belong together one by one, such as the same seeds or names.

    Attributes:
        first, second: summaries.
        test: paired t test; None where all differences are equal, or there is one pair.
        permutation_p: two-sided, of flipped signs.
        permutation_exact: whether all signs were tried.
        cohens_dz: mean difference by the deviation of the differences, with its bootstrap interval; None as for `test`.
        undefined_samples: Number of bootstrap samples without spread, left out of the interval of `cohens_dz`.
        samples, seed: of bootstrap and permutations.
    """

    first: Group
    second: Group
    test: TTest | None
    permutation_p: float
    permutation_exact: bool
    cohens_dz: Estimate | None
    undefined_samples: int
    samples: int
    seed: int


def compare_groups(first: ArrayLike, second: ArrayLike, samples: int = 1000, seed: int = 0) -> GroupComparison:
    """Compare two independent groups of numbers [n] and [m].

    Args:
        first, second: the numbers; differences are first minus second.
        samples: Number of bootstrap samples, and of permutations where not all are tried. Default: 1000.
        seed: equal seeds give equal results.

    Raises:
        DataError: numbers are not finite.
        ValueError: a group is empty, or there are no samples.
    """
    one, other = checked_group(first, "first"), checked_group(second, "second")
    random = _random(samples, seed)
    drawn = [(random.choice(one, len(one)), random.choice(other, len(other))) for _ in range(samples)]
    size, undefined = _effect(cohens_d(one, other), [cohens_d(*pair) for pair in drawn])
    p, exact = permutation_test(one, other, samples, seed)
    return GroupComparison(
        first=summary(one), second=summary(other), welch=welch_test(one, other, seed),
        permutation_p=p, permutation_exact=exact, cohens_d=size,
        cliffs_delta=percentile_estimate(cliffs_delta(one, other), [cliffs_delta(*pair) for pair in drawn]),
        undefined_samples=undefined, samples=samples, seed=seed,
    )  # fmt: skip


def compare_paired_groups(first: ArrayLike, second: ArrayLike, samples: int = 1000, seed: int = 0) -> PairedGroups:
    """Compare two groups of numbers [n] that belong together one by one.

    Args:
        first, second: numbers in the same order; differences are first minus second.
        samples: Number of bootstrap samples, and of random signs where not all are tried. Default: 1000.
        seed: equal seeds give equal results.

    Raises:
        DataError: numbers are not finite.
        ValueError: the lengths differ, the groups are empty, or there are no samples.
    """
    one, other = checked_group(first, "first"), checked_group(second, "second")
    if len(one) != len(other):
        raise ValueError(f"found {len(one)} and {len(other)} numbers, expected pairs")
    apart, random = one - other, _random(samples, seed)
    drawn = [_standardised(random.choice(apart, len(apart))) for _ in range(samples)]
    size, undefined = _effect(_standardised(apart), drawn)
    deviation, mean, degrees = summary(apart).deviation, float(apart.mean()), len(apart) - 1
    test = None
    if deviation:
        error = deviation / math.sqrt(len(apart))
        test = _t_test(mean, error, degrees, _noncentral_power(mean / error, degrees))
    p, exact = _sign_flips(apart, samples, seed)
    return PairedGroups(
        first=summary(one), second=summary(other), test=test, permutation_p=p, permutation_exact=exact,
        cohens_dz=size, undefined_samples=undefined, samples=samples, seed=seed,
    )  # fmt: skip


def checked_group(values: ArrayLike, name: str) -> Floats:
    """The numbers of a group [n], at least one, all finite."""
    numbers = finite(values, f"numbers of the {name} group")
    if numbers.ndim != 1 or not len(numbers):
        raise ValueError(f"found a {name} group of shape {numbers.shape}, expected [numbers], at least one")
    return numbers


def summary(values: Floats) -> Group:
    """Size, mean and standard deviation; equal numbers have a deviation of exactly 0."""
    if len(values) < 2:
        return Group(len(values), float(values.mean()), None)
    return Group(len(values), float(values.mean()), 0.0 if values.min() == values.max() else float(values.std(ddof=1)))


def group_mean(values: ArrayLike) -> Estimate | None:
    """Mean of a group with the interval of Student's t, such as the mean over seeds; None of a single number.

    Raises:
        DataError: numbers are not finite.
        ValueError: there are no numbers.
    """
    numbers = checked_group(values, "given")
    group = summary(numbers)
    if group.deviation is None:
        return None
    half = float(student.ppf((1 + LEVEL) / 2, group.size - 1)) * group.deviation / math.sqrt(group.size)
    return Estimate(group.mean, group.mean - half, group.mean + half)


def welch_test(first: Floats, second: Floats, seed: int = 0) -> TTest | None:
    """Welch's test of two groups [n], [m] of at least two numbers; None where neither has a spread."""
    one, other = summary(first), summary(second)
    if one.deviation is None or other.deviation is None or not one.deviation + other.deviation:
        return None
    # Divided by the larger one, so that tiny spreads do not vanish when they are squared.
    scale = max(one.deviation, other.deviation)
    sizes, spreads = np.array([one.size, other.size]), np.array([one.deviation, other.deviation]) / scale
    error, degrees = _welch_error(spreads**2, sizes)
    difference = one.mean - other.mean
    random = stream(seed, "comparisons of systems", 2)
    apart = difference / scale + random.normal(size=EXPERIMENTS) * error
    again = spreads**2 * random.chisquare(sizes - 1, (EXPERIMENTS, 2)) / (sizes - 1)
    errors, freedom = _welch_error(again, sizes)
    power = float((np.abs(apart) > student.ppf((1 + LEVEL) / 2, freedom) * errors).mean())
    return _t_test(difference, float(error) * scale, float(degrees), power)


def cohens_d(first: Floats, second: Floats) -> float | None:
    """Difference of the means by the pooled standard deviation; None where neither group has a spread."""
    one, other = summary(first), summary(second)
    squares = sum((group.size - 1) * (group.deviation or 0.0) ** 2 for group in (one, other))
    return (one.mean - other.mean) / math.sqrt(squares / (one.size + other.size - 2)) if squares else None


def cliffs_delta(first: Floats, second: Floats) -> float:
    """P(first > second) - P(first < second) over all pairs of numbers, from -1 to 1."""
    ordered = np.sort(second)
    below, up_to = np.searchsorted(ordered, first, "left").sum(), np.searchsorted(ordered, first, "right").sum()
    return float((below + up_to) / (len(first) * len(second)) - 1)


def permutation_test(first: Floats, second: Floats, samples: int = 1000, seed: int = 0) -> tuple[float, bool]:
    """Two-sided p-value of the difference of the means, and whether all permutations were tried."""
    together, size = np.concatenate([first, second]), len(first)
    whole, total = together.sum(), len(together)
    exact = math.comb(total, size) <= MOST_DEALS
    if exact:
        deals = np.array(list(itertools.combinations(range(total), size)))
        sums = together[deals].sum(axis=1)
    else:
        random = stream(seed, "comparisons of systems", 1)
        sums = np.array([random.permutation(together)[:size].sum() for _ in range(samples)])
    differences = np.abs(sums / size - (whole - sums) / (total - size))
    return _share_as_large(differences, abs(first.mean() - second.mean()), float(np.abs(together).max()), exact), exact


def smallest_permutation_p(first: int, second: int, samples: int = 1000) -> float:
    """The smallest p-value that `permutation_test` can have for groups of these sizes; equal ones can also be swapped."""
    deals = math.comb(first + second, first)
    return (1 + (first == second)) / deals if deals <= MOST_DEALS else 1 / (samples + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given: below 0.05 together, no test of the family is wrong with more than 5 percent.

    The smallest of m is multiplied by m, the next by m - 1, ..., and none is made smaller than the one before.
    """
    values = np.asarray(p_values, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("expected p-values from 0 to 1, found others")
    order = np.argsort(values, kind="stable")
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)), 1)
    return [float(value) for value in adjusted]


def _welch_error(variances: Floats, sizes: NDArray[np.int_]) -> tuple[Floats, Floats]:
    """Standard error of the difference, and degrees of freedom, of variances [..., 2]."""
    shares = variances / sizes
    whole = shares.sum(axis=-1)
    return np.sqrt(whole), whole**2 / (shares**2 / (sizes - 1)).sum(axis=-1)


def _t_test(difference: float, error: float, degrees: float, power: float) -> TTest:
    """A t test of a difference with its standard error, at the level of all intervals."""
    statistic = difference / error
    edge = float(student.ppf((1 + LEVEL) / 2, degrees))
    estimate = Estimate(difference, difference - edge * error, difference + edge * error)
    return TTest(estimate, statistic, degrees, float(2 * student.sf(abs(statistic), degrees)), power)


def _noncentral_power(statistic: float, degrees: int) -> float:
    """Probability that a t statistic around this one is beyond the edges of the test."""
    edge = float(student.ppf((1 + LEVEL) / 2, degrees))
    # Far out the noncentral distribution is not computable; the far tail is 0 there, and the near one 1.
    tails = [float(nct.sf(edge, degrees, abs(statistic))), float(nct.cdf(-edge, degrees, abs(statistic)))]
    return min(1.0, sum(other if math.isnan(tail) else tail for tail, other in zip(tails, (1.0, 0.0), strict=True)))


def _effect(value: float | None, drawn: Sequence[float | None]) -> tuple[Estimate | None, int]:
    """An effect size with its interval over the samples that have one, and the number of the others."""
    known = [one for one in drawn if one is not None]
    estimate = percentile_estimate(value, known) if value is not None and known else None
    return estimate, len(drawn) - len(known)


def _standardised(differences: Floats) -> float | None:
    group = summary(differences)
    return group.mean / group.deviation if group.deviation else None


def _sign_flips(differences: Floats, samples: int, seed: int) -> tuple[float, bool]:
    """Two-sided p-value of the mean difference among random signs, and whether all signs were tried."""
    size = len(differences)
    exact = size < 60 and 2**size <= MOST_DEALS
    if exact:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=size)))
        means = signs @ differences / size
    else:
        random = stream(seed, "comparisons of systems", 1)
        means = np.array([(random.integers(2, size=size) * 2.0 - 1) @ differences / size for _ in range(samples)])
    scale = float(np.abs(differences).max())
    return _share_as_large(np.abs(means), abs(float(differences.mean())), scale, exact), exact


def _share_as_large(values: Floats, found: float, scale: float, exact: bool) -> float:
    """The share of values that are as large; drawn ones are joined by the one found, which is among all of them anyway."""
    hits = int((values >= found - ROUNDING * scale).sum())
    return hits / len(values) if exact else (hits + 1) / (len(values) + 1)


def _random(samples: int, seed: int) -> np.random.Generator:
    if samples < 1:
        raise ValueError(f"found {samples} samples, expected at least one")
    return np.random.default_rng(seed)
