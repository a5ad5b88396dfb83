"""Almost-stochastic order: violation ratios by hand and on a fine grid, refusal of few seeds, power that follows the effect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loreweave.metrics.analysis.stochastic_order import TooFewSeeds, almost_stochastic_order, violation_ratios

SCORES = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=7)


def on_a_grid(first: list[float], second: list[float]) -> float:
    """The two integrals at 20,000 midpoints."""
    points = (np.arange(20_000) + 0.5) / 20_000
    one, other = (np.sort(scores)[np.ceil(len(scores) * points).astype(int) - 1] for scores in (first, second))
    whole = ((other - one) ** 2).mean()
    return float((np.maximum(other - one, 0) ** 2).mean() / whole) if whole else 0.5


def test_ratios_by_hand() -> None:
    assert violation_ratios([1, 5], [2, 3]) == pytest.approx(1 / 5), "one below by 1, one above by 2"
    assert violation_ratios([2, 3], [0, 1, 2]) == 0
    assert violation_ratios([0, 1, 2], [2, 3]) == 1
    assert violation_ratios([1, 2], [1, 1, 2, 2]) == 0.5, "equal distributions"
    # [0, 3] against [1, 1, 1]: half of the time 1 below, half 2 above
    assert violation_ratios([3, 0], [1, 1, 1]) == pytest.approx(0.5 / 2.5)


@settings(max_examples=25, deadline=None)
@given(SCORES, SCORES)
def test_ratios_are_the_integrals(first: list[float], second: list[float]) -> None:
    found = float(violation_ratios(first, second))
    assert found == pytest.approx(on_a_grid(first, second), abs=2e-3)
    assert found + float(violation_ratios(second, first)) == pytest.approx(1)
    assert violation_ratios([first, first], [second, second]) == pytest.approx([found, found])


def test_scores_of_any_size() -> None:
    assert violation_ratios(np.array([1, 5]) * 1e-200, np.array([2, 3]) * 1e-200) == pytest.approx(1 / 5)


def test_the_bound_adds_the_spread_of_samples() -> None:
    first, second = [0.70, 0.72, 0.74, 0.71, 0.78], [0.69, 0.73, 0.70, 0.75, 0.66]
    found = almost_stochastic_order(first, second, simulations=20)
    assert found.violation_ratio == pytest.approx(float(violation_ratios(first, second)))
    random = np.random.default_rng(5)
    drawn = [float(violation_ratios(random.choice(first, 5), random.choice(second, 5))) for _ in range(3000)]
    assert found.upper_bound == pytest.approx(min(1, found.violation_ratio + 1.645 * np.std(drawn)), abs=0.05)
    assert almost_stochastic_order(first, second, simulations=1, comparisons=10).upper_bound > found.upper_bound
    assert found == almost_stochastic_order(first, second, simulations=20)


def test_clear_dominance_and_its_direction() -> None:
    low, high = np.linspace(0.60, 0.62, 5), np.linspace(0.80, 0.83, 6)
    better, worse = (almost_stochastic_order(*pair, simulations=20) for pair in ((high, low), (low, high)))
    assert (better.upper_bound, better.dominates, better.power) == (0.0, True, 1.0)
    assert (worse.upper_bound, worse.dominates, worse.power) == (1.0, False, 0.0)
    assert (better.first_size, better.second_size) == (6, 5)
    losses = almost_stochastic_order(low, high, larger_is_better=False, simulations=20)
    assert losses.dominates


def test_power_follows_the_effect() -> None:
    base = np.random.default_rng(6).normal(0, 1, 8)
    powers = [almost_stochastic_order(base + shift, base, samples=50, simulations=60).power for shift in (0.0, 1.0, 3.0)]
    assert powers[0] < powers[1] < powers[2] and powers[0] < 0.25 and powers[2] > 0.9
    found = almost_stochastic_order(base + 3, base, samples=50, simulations=60)
    assert found.false_positives < 0.25


def test_equal_scores_show_no_order() -> None:
    found = almost_stochastic_order([0.5] * 5, [0.5] * 5, samples=20, simulations=5)
    assert (found.violation_ratio, found.upper_bound, found.dominates) == (0.5, 0.5, False)


def test_few_seeds_are_refused() -> None:
    with pytest.raises(TooFewSeeds, match="found 4 and 6 seeds, expected at least 5 in each group"):
        almost_stochastic_order([1.0] * 4, [2.0] * 6)
    with pytest.raises(ValueError, match="found 0 samples"):
        almost_stochastic_order([1.0] * 5, [2.0] * 5, samples=0)
