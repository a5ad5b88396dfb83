"""Scores are ratios of sums, with spreads over draws and intervals over test units."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.experiments.probes.scores import Measure


def measure(counts: list[list[list[int]]]) -> Measure:
    return Measure("typing", "mine", "10 labels", 10, "accuracy", np.array(counts), len(counts[0]))


def test_the_score_is_the_mean_over_draws_and_the_spread_their_deviation() -> None:
    right_of_four = [[[1, 1], [1, 1], [0, 1], [0, 1]], [[1, 1], [1, 1], [1, 1], [0, 1]]]
    row = measure(right_of_four).row(bootstrap=200, seed=0)
    assert row["draws"] == [0.5, 0.75] and row["score"] == 0.625
    assert row["spread"] == pytest.approx(np.std([0.5, 0.75], ddof=1))
    assert row["low"] <= 0.625 <= row["high"]
    assert measure(right_of_four[:1]).row(10, 0)["spread"] is None


def test_micro_f1_is_a_ratio_of_sums_and_0_without_any() -> None:
    # 2 * 1 right of (2 predicted + 2 gold), and 2 * 2 of (2 + 2): not the mean of both F1 but 6 / 8
    assert measure([[[2, 4], [4, 4]]]).row(10, 0)["score"] == 0.75
    assert measure([[[0, 0]]]).row(10, 0)["score"] == 0.0


def test_a_difference_uses_the_same_resamples_for_both() -> None:
    first = measure([[[unit % 2, 1] for unit in range(40)]])
    better = measure([[[min(1, unit % 4), 1] for unit in range(40)]])
    same = first.minus(first, 100, 0)
    assert (same["difference"], same["low"], same["high"]) == (0.0, 0.0, 0.0)
    found = better.minus(first, 500, 0)
    assert found["difference"] == pytest.approx(0.25)
    assert 0 < found["low"] < 0.25 < found["high"] < 0.5
