"""Correlations of scores over runs: by hand, as scipy has them, and without a correlation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from loreweave.errors import DataError
from loreweave.metrics.analysis.correlation import correlations, kendall

DEV, TEST = [0.1, 0.2, 0.3, 0.4], [0.2, 0.1, 0.3, 0.5]


def test_by_hand() -> None:
    found = correlations(DEV, TEST, samples=50)
    assert found.pearson is not None and found.spearman is not None and found.kendall is not None
    assert found.kendall.value == pytest.approx((5 - 1) / 6), "one pair of six in the other order"
    assert found.spearman.value == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert found.pearson.value == pytest.approx(np.corrcoef(DEV, TEST)[0, 1])
    assert (found.runs, found.undefined, found.samples) == (4, None, 50)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=12))
def test_values_are_those_of_scipy(rows: list[tuple[int, int]]) -> None:
    first, second = (np.array([row[side] for row in rows], dtype=float) for side in (0, 1))
    assume(first.min() < first.max() and second.min() < second.max())
    found = correlations(first, second, samples=30)
    for estimate, theirs in (
        (found.pearson, stats.pearsonr), (found.spearman, stats.spearmanr), (found.kendall, stats.kendalltau),
    ):  # fmt: skip
        assert estimate is not None
        assert estimate.value == pytest.approx(theirs(first, second).statistic, abs=1e-12)
        assert -1 <= estimate.low <= estimate.high <= 1
    assert found == correlations(first, second, samples=30)


def test_kendall_of_samples_is_that_of_their_runs() -> None:
    random = np.random.default_rng(0)
    first, second = random.random(9), random.random(9)
    draws = random.integers(9, size=(20, 9))
    expected = [stats.kendalltau(first[draw], second[draw]).statistic for draw in draws]
    assert kendall(first, second, draws) == pytest.approx(expected)


def test_interval_holds_the_truth() -> None:
    random = np.random.default_rng(1)
    first = random.normal(size=200)
    found = correlations(first, first + random.normal(size=200), samples=300)
    assert found.pearson is not None
    assert found.pearson.low < np.sqrt(0.5) < found.pearson.high and found.pearson.high - found.pearson.low < 0.2


def test_equal_scores_have_no_correlation_and_say_so() -> None:
    found = correlations([0.5, 0.5, 0.5], [0.1, 0.2, 0.3])
    assert (found.pearson, found.spearman, found.kendall) == (None, None, None)
    assert found.undefined == "all dev scores are equal"
    both = correlations([1, 1, 1], [2, 2, 2], ("train", "dev"))
    assert both.undefined == "all train and all dev scores are equal"
    assert correlations([1, 2], [2, 3]).undefined == "found 2 runs, expected at least 3"
    assert correlations([1], [2]).undefined == "found 1 run, expected at least 3"
    assert correlations([], []).undefined == "found 0 runs, expected at least 3"


def test_samples_without_a_correlation_are_counted() -> None:
    found = correlations([0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 2.0, 3.0], samples=400)
    assert found.undefined_samples == pytest.approx(400 * 0.75**4, abs=40), "the last run not drawn, or nothing else"
    assert found.kendall is not None and np.isfinite([found.kendall.low, found.kendall.high]).all()


def test_wrong_input_is_named() -> None:
    with pytest.raises(DataError, match="found 1 of 3 test scores that are not finite"):
        correlations([1, 2, 3], [1, np.nan, 3])
    with pytest.raises(ValueError, match=r"found shapes \(3,\) and \(2,\)"):
        correlations([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="at least one sample"):
        correlations([1, 2, 3], [1, 2, 3], samples=0)
