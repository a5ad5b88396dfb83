from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.encoding.words.truncation import lengths_within, window_on_mentions
from loreweave.errors import ConfigurationError

sizes = st.integers(0, 30)


@given(sizes, sizes, sizes)
def test_longest_first_takes_tokens_one_by_one(first: int, second: int, budget: int) -> None:
    left, right = first, second
    while left + right > budget:
        if left > right:
            left -= 1
        else:
            right -= 1
    assert lengths_within(first, second, budget, "longest_first") == (left, right)


def test_only_one_text_is_cut() -> None:
    assert lengths_within(10, 5, 8, "only_first") == (3, 5)
    assert lengths_within(5, 10, 8, "only_second") == (5, 3)
    with pytest.raises(ConfigurationError, match="found 10 tokens in the text that 'only_second' does not truncate"):
        lengths_within(10, 5, 8, "only_second")


def test_the_window_has_the_mention_in_its_middle() -> None:
    assert window_on_mentions(20, [(9, 11)], 6) == [7, 8, 9, 10, 11, 12]


def test_the_window_stays_inside_the_text() -> None:
    assert window_on_mentions(20, [(0, 2)], 6) == list(range(6))
    assert window_on_mentions(20, [(18, 20)], 6) == list(range(14, 20))


def test_mentions_far_apart_lose_what_is_between_them() -> None:
    assert window_on_mentions(30, [(2, 5), (25, 28)], 10) == [1, 2, 3, 4, 5, 24, 25, 26, 27, 28]


def test_long_mentions_keep_their_markers_and_their_beginnings() -> None:
    assert window_on_mentions(40, [(0, 20), (20, 40)], 10) == [0, 1, 2, 3, 19, 20, 21, 22, 23, 39]


def test_no_room_for_markers() -> None:
    with pytest.raises(ConfigurationError, match="found room for 3 tokens, expected at least 4"):
        window_on_mentions(40, [(0, 9), (10, 40)], 3)


@given(st.data())
def test_markers_always_stay(data: st.DataObject) -> None:
    length = data.draw(st.integers(4, 60))
    cuts = sorted(data.draw(st.lists(st.integers(0, length), min_size=4, max_size=4, unique=True)))
    mentions = [(cuts[0], cuts[1]), (cuts[2], cuts[3])]
    budget = data.draw(st.integers(4, length))
    kept = window_on_mentions(length, mentions, budget)
    assert len(kept) == budget and kept == sorted(set(kept))
    assert {place for start, end in mentions for place in (start, end - 1)} <= set(kept)
