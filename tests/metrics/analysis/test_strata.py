"""Scores by a property of the records."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.errors import DataError
from loreweave.metrics.analysis.comparison import f1_score, mean_score, mean_statistics
from loreweave.metrics.analysis.strata import scores_by


def test_by_hand() -> None:
    short, long = scores_by([3, 1, 9, 8], mean_statistics([1, 1, 0, 1]), mean_score, strata=2, samples=100)
    assert (short.lowest, short.highest, short.records, short.score.value) == (1, 3, 2, 1.0)
    assert (long.lowest, long.highest, long.records, long.score.value) == (8, 9, 2, 0.5)
    assert (short.score.low, short.score.high, long.score.low, long.score.high) == (1, 1, 0, 1)


def test_a_score_of_sums_is_not_a_mean_of_scores() -> None:
    (found,) = scores_by([1, 2], [[1, 1, 1], [1, 4, 2]], f1_score, strata=1, samples=10)
    assert found.score.value == pytest.approx(2 * 2 / (5 + 3))


def test_equal_values_stay_together_and_none_is_lost() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([np.full(30, 7), random.integers(1, 40, size=21)])
    found = scores_by(values, mean_statistics(random.random(51) < 0.5), mean_score, samples=10)
    assert sum(one.records for one in found) == 51 and len(found) <= 5
    assert all(one.highest < after.lowest for one, after in zip(found, found[1:], strict=False))
    assert len(scores_by(np.full(9, 3), mean_statistics(np.ones(9)), mean_score, samples=5)) == 1
    assert scores_by([], np.zeros((0, 2)), mean_score) == ()


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"found shapes \(2,\) and \(1, 2\)"):
        scores_by([1, 2], mean_statistics([1]), mean_score)
    with pytest.raises(DataError, match="found 1 of 1 values that are not finite"):
        scores_by([np.inf], mean_statistics([1]), mean_score)
