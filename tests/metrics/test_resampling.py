"""Bootstrap samples and their percentiles, against the known spread of a mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from loreweave.metrics.resampling import INTERVALS, interval, resampled_sums


def test_units_are_drawn_whole_and_with_replacement() -> None:
    table = np.array([[1, 10], [2, 20], [4, 40]])
    sums = resampled_sums(table, 200, seed=0)
    assert sums.shape == (200, 2) and np.issubdtype(sums.dtype, np.integer)
    assert (sums[:, 1] == 10 * sums[:, 0]).all(), "values of a unit are drawn together"
    assert sums[:, 0].min() == 3 and sums[:, 0].max() == 12, "a unit may be drawn three times"
    assert (sums == resampled_sums(table, 200, seed=0)).all() and (sums != resampled_sums(table, 200, seed=1)).any()


def test_the_interval_of_a_mean() -> None:
    """A half of 400 has a standard error of 0.025."""
    table = (np.arange(400) % 2).astype(np.float64)[:, None]
    found = interval(resampled_sums(table, 1000, seed=0)[:, 0] / 400)
    assert found["low"] == pytest.approx(0.5 - 1.96 * 0.025, abs=0.005)
    assert found["high"] == pytest.approx(0.5 + 1.96 * 0.025, abs=0.005)


def test_the_percentiles() -> None:
    assert interval(np.arange(1001) / 1000) == pytest.approx({"low": 0.025, "high": 0.975})
    assert INTERVALS == "intervals_95_percent"


def test_nothing_to_draw_from() -> None:
    with pytest.raises(ValueError, match="found 0 units and 3 samples"):
        resampled_sums(np.zeros((0, 2)), 3, seed=0)


def test_a_sparse_table_gives_the_same_sums() -> None:
    table = np.array([[1.0, 0.0, 0.5], [0.0, 2.0, 0.0], [4.0, 0.0, 0.0]])
    assert (resampled_sums(csr_array(table), 120, seed=3) == resampled_sums(table, 120, seed=3)).all()
