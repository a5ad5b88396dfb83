"""The order of draws."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pytest

from loreweave.training.draws import Draws


def test_every_row_once_an_epoch_in_another_order() -> None:
    """One set: each epoch is a permutation of its rows, and epochs differ."""
    draws = Draws([20], seed=3)
    epochs = [[draws[e * 20 + i] for i in range(20)] for e in range(3)]
    assert all(sorted(epoch) == [(0, i) for i in range(20)] for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_a_draw_needs_no_history() -> None:
    """Asked late or early, a draw is the same: that is what resuming rests on."""
    fresh, used = Draws([7, 5], seed=1), Draws([7, 5], seed=1)
    walked = [used[d] for d in range(60)]
    assert [fresh[d] for d in (59, 30, 0)] == [walked[59], walked[30], walked[0]]


@pytest.mark.parametrize(("sizes", "smoothing"), [([9], 0.7), ([7, 5], 0.7), ([30, 2, 11], 0.0), ([40, 1, 1], 1.0)])
def test_many_draws_at_once(sizes: list[int], smoothing: float) -> None:
    """The same as one at a time, in any order, over epochs, also where a set has none or is drawn many times an epoch."""
    draws = Draws(sizes, seed=4, smoothing=smoothing)
    asked = np.random.default_rng(0).integers(0, 5 * sum(sizes), 200)
    sets, rows = draws.rows(asked)
    assert list(zip(sets.tolist(), rows.tolist(), strict=True)) == [draws[draw] for draw in asked.tolist()]
    assert [len(part) for part in draws.rows(asked[:0])] == [0, 0]


def test_the_order_never_changes() -> None:
    """Runs resume with it. Computed with numpy's generator alone: set i has the numbers 0, ... of its draws in an epoch."""
    epoch = np.random.default_rng([3, 0, 1]).permutation(12)  # the second epoch of 7 + 5 rows
    first, second = 7, 5  # draws of each set in an epoch, at a smoothing of 1
    orders = [np.random.default_rng([3, 1, which, 1]).permutation(size) for which, size in enumerate((first, second))]
    expected = [(0, orders[0][turn]) if turn < first else (1, orders[1][turn - first]) for turn in epoch]
    draws = Draws([7, 5], seed=3, smoothing=1.0)
    assert [draws[draw] for draw in range(12, 24)] == expected


def test_each_order_of_a_set_is_made_once_an_epoch() -> None:
    """21 of 42 draws are of the set with two rows: 11 orders of it, which the draws of an epoch read in random order."""
    draws = Draws([40, 2], seed=1, smoothing=0.0)
    for draw in range(42):
        draws[draw]
    assert draws._set_order.cache_info().misses == 12


def test_orders_take_four_bytes_a_row() -> None:
    draws = Draws([7, 5], seed=1)
    assert draws._order_of_epoch(0).itemsize == draws._order_of_set(1, 0).itemsize == 4


def test_a_worker_process_has_the_same_order() -> None:
    draws = Draws([7, 5], seed=1, smoothing=0.3)
    before = [draws[d] for d in range(30)]
    other = pickle.loads(pickle.dumps(draws))
    assert [other[d] for d in range(30)] == before


@pytest.mark.parametrize(("smoothing", "expected"), [(1.0, (900, 100)), (0.0, (500, 500))])
def test_shares_of_languages(smoothing: float, expected: tuple[int, int]) -> None:
    """By size, or evenly."""
    draws = Draws([900, 100], seed=0, smoothing=smoothing)
    counts = Counter(draws[d][0] for d in range(1000))
    assert (counts[0], counts[1]) == expected


def test_smoothing_of_mluke() -> None:
    """900**0.7 : 100**0.7 = 116.9 : 25.1, so 823 and 177 of 1,000."""
    draws = Draws([900, 100], seed=0)
    counts = Counter(draws[d][0] for d in range(1000))
    assert (counts[0], counts[1]) == (823, 177)


def test_rows_of_a_small_set_come_equally_often() -> None:
    """After whole epochs, every row of a set has been drawn as often as any other, give or take one."""
    draws = Draws([40, 6], seed=5, smoothing=0.3)
    for epochs in (1, 2, 5):
        seen = Counter(row for d in range(46 * epochs) for which, row in [draws[d]] if which == 1)
        assert len(seen) == 6
        assert max(seen.values()) - min(seen.values()) <= 1
