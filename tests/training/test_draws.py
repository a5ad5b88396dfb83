"""The order of draws."""

from __future__ import annotations

import pickle
from collections import Counter

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
