"""Almost-stochastic order of two groups of scores over seeds: whether one system is better over all of its runs.

With quantile functions F^-1 and G^-1 of the scores of systems A and B, A would be stochastically larger if F^-1(t) >= G^-1(t)
for all t. The violation ratio says how far that is from true (del Barrio, Cuesta-Albertos & Matrán 2018):

    epsilon = integral where G^-1 > F^-1 of (G^-1 - F^-1)^2  /  integral of (G^-1 - F^-1)^2

between 0 (A is always larger) and 1 (B is); 0.5 where both are equal. Dror, Shlomov & Reichart (2019), "Deep Dominance", test
with an upper bound of it,

    epsilon_min = epsilon + z_confidence * standard deviation of epsilon over bootstrap samples of both groups

cut to 0 and 1: A is almost stochastically larger if epsilon_min is below a threshold, 0.5 in their paper; 0.2 keeps the false
positives of small groups lower (Ulmer, Hardmeier & Frellsen 2022, "deep-significance"). The quantile functions are steps, so
that the integrals are sums without an error.

The power is that of the same test on `simulations` pairs of groups of these sizes, drawn from normal distributions with the
means and standard deviations found; the false positives are those where both means are equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from loreweave.errors import ConfigurationError
from loreweave.metrics.analysis.estimates import Floats
from loreweave.metrics.analysis.groups import checked_group
from loreweave.random_streams import stream

FEWEST_SEEDS = 5
"""In each group; of fewer, the bootstrap says nothing about other seeds."""


class TooFewSeeds(ConfigurationError):
    """A group of seeds that is too small for the test."""


@dataclass(frozen=True)
class StochasticOrder:
    """The test that the first group is almost stochastically larger than the second.

    Attributes:
        violation_ratio: epsilon.
        upper_bound: epsilon_min.
        threshold: below which the bound counts as dominance.
        power: share of simulated experiments of these sizes, with the effect found, in which the test finds dominance.
        false_positives: the same share without an effect.
        first_size, second_size: Number of scores in each group.
        samples, simulations, seed: of the bootstrap, of the power, and of both.
    """

    violation_ratio: float
    upper_bound: float
    threshold: float
    power: float
    false_positives: float
    first_size: int
    second_size: int
    samples: int
    simulations: int
    seed: int

    @property
    def dominates(self) -> bool:
        """Whether the first group is almost stochastically larger."""
        return self.upper_bound < self.threshold


def almost_stochastic_order(
    first: ArrayLike,
    second: ArrayLike,
    *,
    threshold: float = 0.2,
    confidence: float = 0.95,
    comparisons: int = 1,
    larger_is_better: bool = True,
    samples: int = 1000,
    simulations: int = 200,
    seed: int = 0,
) -> StochasticOrder:
    """Test whether the first group of scores is almost stochastically better than the second.

    Args:
        first, second: a score of each seed [n] and [m].
        threshold: Default: 0.2.
        confidence: of the upper bound. Default: 0.95.
        comparisons: Number of tests that are made together; the error of each is divided by it (Bonferroni). Default: 1.
        larger_is_better: whether larger scores are better, as for F1; not for losses and perplexities. Default: True.
        samples: Number of bootstrap samples. Default: 1000.
        simulations: Number of simulated experiments for power and false positives, each with 100 samples. Default: 200.
        seed: equal seeds give equal results.

    Raises:
        TooFewSeeds: a group has fewer than 5 scores.
        DataError: scores are not finite.
        ValueError: a number of samples, simulations or comparisons is below 1.
    """
    one, other = checked_group(first, "first"), checked_group(second, "second")
    if min(len(one), len(other)) < FEWEST_SEEDS:
        raise TooFewSeeds(
            f"almost-stochastic order: found {len(one)} and {len(other)} seeds, expected at least {FEWEST_SEEDS} in each group"
        )
    if min(samples, simulations, comparisons) < 1:
        found = f"{samples} samples, {simulations} simulations and {comparisons} comparisons"
        raise ValueError(f"found {found}, expected at least one of each")
    if not larger_is_better:
        one, other = -one, -other
    quantile = float(ndtri(1 - (1 - confidence) / comparisons))
    bound = _upper_bound(one, other, quantile, samples, stream(seed, "comparisons of systems", 0))
    shares = []
    for number, shift in ((1, 0.0), (2, float(other.mean() - one.mean()))):
        random = stream(seed, "comparisons of systems", number)
        hits = [_simulated_bound(one + shift, other, quantile, random) < threshold for _ in range(simulations)]
        shares.append(sum(hits) / simulations)
    return StochasticOrder(
        violation_ratio=float(violation_ratios(one, other)), upper_bound=bound, threshold=threshold,
        power=shares[0], false_positives=shares[1], first_size=len(one), second_size=len(other),
        samples=samples, simulations=simulations, seed=seed,
    )  # fmt: skip


def violation_ratios(first: ArrayLike, second: ArrayLike) -> Floats:
    """Violation ratio of scores [..., n] against scores [..., m], for each pair of groups [...]; 0.5 for equal groups."""
    one, other = (np.sort(np.asarray(values, dtype=np.float64), axis=-1) for values in (first, second))
    # Between neighbouring multiples of 1/n and 1/m both quantile functions are constant.
    sizes = one.shape[-1], other.shape[-1]
    edges = np.unique(np.concatenate([np.arange(size + 1) * (sizes[0] * sizes[1] // size) for size in sizes]))
    middles, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    places = [np.floor(middles / (sizes[0] * sizes[1]) * size).astype(np.int_) for size in sizes]
    gaps = other[..., places[1]] - one[..., places[0]]
    # Divided by the largest gap before they are squared: scores of any size neither overflow nor vanish.
    largest = np.abs(gaps).max(axis=-1, keepdims=True)
    gaps = gaps / np.where(largest > 0, largest, 1)
    whole, violated = gaps**2 @ widths, np.maximum(gaps, 0) ** 2 @ widths
    return np.divide(violated, whole, out=np.full(np.shape(whole), 0.5), where=whole > 0)


def _upper_bound(first: Floats, second: Floats, quantile: float, samples: int, random: np.random.Generator) -> float:
    """epsilon_min of two groups."""
    drawn = violation_ratios(random.choice(first, (samples, len(first))), random.choice(second, (samples, len(second))))
    return float(np.clip(violation_ratios(first, second) + quantile * drawn.std(), 0, 1))


def _simulated_bound(first: Floats, second: Floats, quantile: float, random: np.random.Generator) -> float:
    """epsilon_min of another experiment: as many scores, normal, with the means and spreads of these."""
    one, other = (random.normal(group.mean(), group.std(ddof=1), len(group)) for group in (first, second))
    return _upper_bound(one, other, quantile, 100, random)
