"""Windows over long contexts: the rule of the most context, by hand and against its definition."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loreweave.tasks.extractive_qa.windows import Window, windows_of

SIZES = [(384, 100, 128), (1000, 317, 128), (700, 500, 1), (50, 7, 3), (1500, 90, 16)]


def test_windows_by_hand() -> None:
    # Windows 0-5, 3-8 and 6-9. Sub-word 4 has 1 on its right in the first and 1 on its left in the second: the first counts.
    # 8 has 0 in the second (its last), and 1 in the third; 7 has 1 on both sides, and the second is longer.
    assert windows_of(10, 6, 3) == [Window(0, 6, 0, 5), Window(3, 9, 5, 8), Window(6, 10, 8, 10)]


def test_a_context_that_fits_has_one_window() -> None:
    assert windows_of(6, 6, 3) == [Window(0, 6, 0, 6)]
    assert windows_of(0, 6, 3) == [Window(0, 0, 0, 0)]


def test_the_stride_is_no_longer_than_a_window() -> None:
    assert [(window.first, window.last) for window in windows_of(10, 4, 100)] == [(0, 4), (4, 8), (8, 10)]


@pytest.mark.parametrize(("length", "room", "stride"), SIZES)
def test_every_sub_word_is_owned_once_by_the_window_with_most_context(length: int, room: int, stride: int) -> None:
    check(length, room, stride)


def test_a_book_is_read_in_windows() -> None:
    windows = windows_of(400_000, 384, 128)  # a table of all windows and all sub-words would have 10 GB
    assert len(windows) == 3123 and windows[-1].last == 400_000
    assert sum(window.own_last - window.own_first for window in windows) == 400_000


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 300), st.integers(1, 80), st.integers(1, 90))
def test_any_windows(length: int, room: int, stride: int) -> None:
    check(length, room, stride)


def check(length: int, room: int, stride: int) -> None:
    """Compare with BERT's rule, written out for each sub-word."""
    windows = windows_of(length, room, stride)
    assert windows[0].first == 0 and windows[-1].last == length
    assert all(window.last - window.first <= room for window in windows)
    for place in range(length):
        contexts = []
        for window in windows:
            if window.first <= place < window.last:
                size = window.last - window.first
                contexts.append((min(place - window.first, window.last - 1 - place) + 0.01 * size, window))
        best = max(context for context, _ in contexts)
        owner = next(window for context, window in contexts if context == best)
        assert [window for window in windows if window.own_first <= place < window.own_last] == [owner]
