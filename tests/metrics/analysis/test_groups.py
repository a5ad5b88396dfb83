"""Comparison of two groups of numbers: by hand, by all permutations, and as scipy has it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from loreweave.errors import DataError
from loreweave.metrics.analysis.estimates import Estimate
from loreweave.metrics.analysis.groups import (
    Group,
    cliffs_delta,
    cohens_d,
    compare_groups,
    compare_paired_groups,
    group_mean,
    holm,
    permutation_test,
    smallest_permutation_p,
    welch_test,
)

A, B = np.array([3.0, 4.0, 5.0, 6.0]), np.array([1.0, 2.0, 3.0])
NUMBERS = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=7)


def test_effect_sizes_by_hand() -> None:
    pooled = math.sqrt((5 + 2) / 5)  # sums of squares 5 and 2, 3 + 2 degrees of freedom
    assert cohens_d(A, B) == pytest.approx((4.5 - 2) / pooled)
    assert cliffs_delta(A, B) == pytest.approx((11 - 0) / 12), "eleven pairs larger, one equal"


def test_welch_is_that_of_scipy() -> None:
    theirs = stats.ttest_ind(A, B, equal_var=False)
    found = welch_test(A, B)
    assert found is not None
    assert (found.statistic, found.degrees, found.p) == pytest.approx((theirs.statistic, theirs.df, theirs.pvalue))
    interval = theirs.confidence_interval()
    assert (found.difference.value, found.difference.low, found.difference.high) == pytest.approx((2.5, *interval))


def test_power_is_the_share_of_simulated_tests_that_reject() -> None:
    found = welch_test(A, B)
    assert found is not None
    random = np.random.default_rng(0)
    again = [random.normal(group.mean(), group.std(ddof=1), (20_000, len(group))) for group in (A, B)]
    share = np.mean(stats.ttest_ind(*again, axis=1, equal_var=False).pvalue < 0.05)
    assert found.power == pytest.approx(share, abs=0.015)
    none, sure = welch_test(A, A + 0.0), welch_test(A, A + 1000)
    assert none is not None and none.power == pytest.approx(0.05, abs=0.015)
    assert sure is not None and sure.power == pytest.approx(1)


def test_mean_over_seeds_is_that_of_a_t_test() -> None:
    found, interval = group_mean(A), stats.ttest_1samp(A, 0).confidence_interval()
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((4.5, *interval))
    assert group_mean([1.0]) is None and group_mean([0.1] * 3) == Estimate(pytest.approx(0.1), *[pytest.approx(0.1)] * 2)


def test_permutations_are_all_of_them() -> None:
    theirs = stats.permutation_test((A, B), lambda one, other: abs(one.mean() - other.mean()), alternative="greater")
    assert permutation_test(A, B) == (pytest.approx(theirs.pvalue), True)
    assert permutation_test(A, B)[0] == pytest.approx(3 / 35), "either 3 with 4, 5, 6; or 1, 2, 3, 3 together"


def test_many_numbers_are_permuted_at_random() -> None:
    random = np.random.default_rng(1)
    first, second = random.normal(0.5, 1, 40), random.normal(0, 1, 30)
    p, exact = permutation_test(first, second, samples=2000)
    assert not exact and p == pytest.approx(stats.ttest_ind(first, second).pvalue, abs=0.02)


@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")  # scipy's, of constant groups
@settings(max_examples=25, deadline=None)
@given(NUMBERS, NUMBERS)
def test_groups_are_symmetric_and_finite(first: list[float], second: list[float]) -> None:
    there, back = compare_groups(first, second, samples=30), compare_groups(second, first, samples=30)
    assert there.permutation_p == pytest.approx(back.permutation_p)
    assert there.cliffs_delta.value == pytest.approx(-back.cliffs_delta.value)
    pairs = [np.sign(one - other) for one in first for other in second]
    assert there.cliffs_delta.value == pytest.approx(np.mean(pairs))
    assert -1 <= there.cliffs_delta.low <= there.cliffs_delta.high <= 1
    assert (there.cohens_d is None) == (len(set(first)) == len(set(second)) == 1) == (there.welch is None)
    if there.welch is not None and back.welch is not None:
        theirs = stats.ttest_ind(first, second, equal_var=False)
        assert (there.welch.statistic, there.welch.p) == pytest.approx((theirs.statistic, theirs.pvalue), abs=1e-9)
        assert there.welch.power == pytest.approx(back.welch.power, abs=0.03) and 0 <= there.welch.power <= 1
    assert there == compare_groups(first, second, samples=30)


def test_groups_without_spread() -> None:
    found = compare_groups([1.0, 1.0, 1.0], [2.0, 2.0, 2.0], samples=10)
    assert (found.welch, found.cohens_d, found.undefined_samples) == (None, None, 10)
    assert (found.cliffs_delta.value, found.permutation_p) == (-1.0, pytest.approx(2 / 20))
    assert compare_groups([1.0], [2.0, 3.0], samples=10).first == Group(1, 1.0, None)
    assert compare_groups([0.1] * 3, [0.1] * 3, samples=10).permutation_p == 1.0


def test_samples_without_spread_are_counted() -> None:
    found = compare_groups([1.0, 2.0], [3.0, 4.0], samples=200)
    assert 0 < found.undefined_samples < 100 and found.cohens_d is not None and np.isfinite(found.cohens_d.high)


def test_paired_groups_by_hand_and_by_scipy() -> None:
    first, second = [3.0, 5.0, 4.0, 8.0], [1.0, 4.0, 4.0, 5.0]  # differences 2, 1, 0, 3
    found = compare_paired_groups(first, second, samples=50)
    theirs = stats.ttest_rel(first, second)
    assert found.test is not None and found.cohens_dz is not None
    assert (found.test.statistic, found.test.p, found.test.degrees) == pytest.approx((theirs.statistic, theirs.pvalue, 3))
    assert found.cohens_dz.value == pytest.approx(1.5 / np.std([2, 1, 0, 3], ddof=1))
    random = np.random.default_rng(2)
    again = random.normal(1.5, np.std([2, 1, 0, 3], ddof=1), (20_000, 4))
    assert found.test.power == pytest.approx(np.mean(stats.ttest_1samp(again, 0, axis=1).pvalue < 0.05), abs=0.015)
    assert (found.permutation_p, found.permutation_exact) == (4 / 16, True), "all plus or all minus, 0 with either sign"
    same = compare_paired_groups([1.0, 2.0], [0.0, 1.0], samples=5)
    assert (same.test, same.cohens_dz, same.undefined_samples) == (None, None, 5)
    assert not compare_paired_groups(np.arange(30.0), np.zeros(30), samples=99).permutation_exact


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0] and holm([]) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=10))
def test_holm_lies_between_the_value_and_bonferroni(values: list[float]) -> None:
    found = holm(values)
    for value, adjusted in zip(values, found, strict=True):
        assert value <= adjusted <= min(1.0, value * len(values) + 1e-12) or adjusted == pytest.approx(max(found))
    ordered = [found[number] for number in np.argsort(values, kind="stable")]
    assert ordered == sorted(ordered)


def test_wrong_input_is_named() -> None:
    with pytest.raises(DataError, match="found 1 of 2 numbers of the second group that are not finite"):
        compare_groups([1.0], [math.inf, 1.0])
    with pytest.raises(ValueError, match="found a first group"):
        compare_groups([], [1.0])
    with pytest.raises(ValueError, match="found 2 and 1 numbers, expected pairs"):
        compare_paired_groups([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="found 0 samples"):
        compare_groups([1.0], [2.0], samples=0)
    with pytest.raises(ValueError, match="p-values from 0 to 1"):
        holm([1.2])


@pytest.mark.parametrize("first", [1, 2, 3, 4])
@pytest.mark.parametrize("second", [1, 2, 3, 5])
def test_groups_that_are_far_apart_have_the_smallest_p_value_of_their_sizes(first: int, second: int) -> None:
    low, high = 0.01 * np.arange(first), 9 + 0.01 * np.arange(second) ** 2
    assert permutation_test(low, high)[0] == pytest.approx(smallest_permutation_p(first, second))


def test_the_smallest_p_value_of_drawn_permutations_is_that_of_their_number() -> None:
    low, high = np.arange(12.0), 900 + np.arange(12.0)
    assert permutation_test(low, high, samples=99) == (smallest_permutation_p(12, 12, 99), False)
    assert smallest_permutation_p(12, 12, 99) == 0.01
