"""Comparison of two systems on the same records, against all samples and all swaps of a few records."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score as their_f1

from loreweave.errors import DataError
from loreweave.metrics.analysis.comparison import (
    compare_paired,
    f1_score,
    f1_statistics,
    macro_f1_score,
    macro_f1_statistics,
    mean_score,
    mean_statistics,
)

BETTER, WORSE = np.array([1, 1, 1, 1, 0, 1]), np.array([1, 0, 1, 0, 0, 0])


def test_scores_of_sums_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    predicted, gold = random.random((40, 3)) < 0.4, random.random((40, 3)) < 0.4
    assert f1_score(f1_statistics(predicted, gold).sum(axis=0)) == pytest.approx(their_f1(gold, predicted, average="micro"))
    sums = macro_f1_statistics(predicted, gold).sum(axis=0)
    assert macro_f1_score(sums) == pytest.approx(their_f1(gold, predicted, average="macro"))
    assert mean_score(mean_statistics([1, 0, 0, 1]).sum(axis=0)) == 0.5
    assert f1_score(np.zeros(3)) == macro_f1_score(np.zeros(9)) == mean_score(np.zeros(2)) == 0.0


def test_values_and_difference() -> None:
    found = compare_paired(mean_statistics(BETTER), mean_statistics(WORSE), mean_score)
    assert (found.first.value, found.second.value) == pytest.approx((5 / 6, 2 / 6))
    assert found.difference.value == pytest.approx(0.5)
    assert found.difference.low < 0.5 < found.difference.high
    assert (found.records, found.samples, found.seed) == (6, 1000, 0)


def test_randomisation_is_the_share_of_all_swaps() -> None:
    apart = BETTER - WORSE
    all_swaps = [abs(np.mean(apart * signs)) for signs in itertools.product((1, -1), repeat=6)]
    exact = np.mean(np.array(all_swaps) >= 0.5 - 1e-12)  # three records differ, all for the first: 2 of 8
    assert exact == 0.25
    found = compare_paired(mean_statistics(BETTER), mean_statistics(WORSE), mean_score, samples=4000)
    assert found.randomisation_p == pytest.approx(exact, abs=0.03)


def test_bootstrap_is_the_share_of_all_samples() -> None:
    """All 6^6 samples of six records."""
    apart = BETTER - WORSE
    means = apart[np.array(list(itertools.product(range(6), repeat=6)))].mean(axis=1)
    found = compare_paired(mean_statistics(BETTER), mean_statistics(WORSE), mean_score, samples=4000)
    assert found.bootstrap_p == pytest.approx(np.mean(np.abs(means - 0.5) >= 0.5 - 1e-12), abs=0.02)
    better = np.mean(means > 1e-12) + np.mean(np.abs(means) <= 1e-12) / 2
    assert found.share_better == pytest.approx(better, abs=0.01)


def test_intervals_are_paired() -> None:
    """Systems that are right on nearly the same records: the difference is far surer than either score."""
    random = np.random.default_rng(1)
    first = (random.random(500) < 0.6).astype(int)
    second = first.copy()
    second[np.flatnonzero(first)[:10]] = 0
    found = compare_paired(mean_statistics(first), mean_statistics(second), mean_score)
    assert found.difference.low > 0 and found.bootstrap_p < 0.02 and found.randomisation_p < 0.02
    assert found.first.low < found.second.high, "the intervals of the scores overlap"


def test_equal_systems() -> None:
    found = compare_paired(mean_statistics(BETTER), mean_statistics(BETTER), mean_score, samples=50)
    assert (found.difference.low, found.difference.high) == (0, 0)
    assert (found.bootstrap_p, found.randomisation_p, found.share_better) == (1.0, 1.0, 0.5)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(*[st.booleans()] * 6), min_size=1, max_size=15), st.integers(0, 3))
def test_swapping_the_systems_swaps_the_result(rows: list[tuple[bool, ...]], seed: int) -> None:
    table = np.array(rows).reshape(-1, 3, 2)
    first, second = (f1_statistics(table[:, side], table[:, 2]) for side in (0, 1))
    there, back = (compare_paired(*pair, f1_score, 60, seed) for pair in ((first, second), (second, first)))
    assert (there.first, there.second) == (back.second, back.first)
    assert there.difference.value == pytest.approx(-back.difference.value)
    assert there.difference.low == pytest.approx(-back.difference.high)
    assert there.share_better == pytest.approx(1 - back.share_better)
    assert (there.bootstrap_p, there.randomisation_p) == (back.bootstrap_p, back.randomisation_p)
    assert 1 / 61 <= there.randomisation_p <= 1
    assert there == compare_paired(first, second, f1_score, 60, seed)


def test_without_a_difference_p_is_small_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    found = [
        compare_paired(*(mean_statistics(random.random(60) < 0.5) for _ in range(2)), mean_score, samples=99, seed=number)
        for number in range(100)
    ]
    assert sum(one.randomisation_p <= 0.1 for one in found) <= 18
    assert sum(one.randomisation_p <= 0.5 for one in found) >= 30


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"found shapes \(2, 2\) and \(3, 2\)"):
        compare_paired(mean_statistics([1, 0]), mean_statistics([1, 0, 1]), mean_score)
    with pytest.raises(ValueError, match="found 0 units"):
        compare_paired(np.zeros((0, 2)), np.zeros((0, 2)), mean_score)
    with pytest.raises(DataError, match="found 1 of 4 statistics that are not finite"):
        compare_paired([[np.nan, 1], [0, 1]], [[0, 1], [0, 1]], mean_score)
