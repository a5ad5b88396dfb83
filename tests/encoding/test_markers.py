from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loreweave.encoding.markers import place_markers

HEAD, TAIL = -1, -2


def marked(spans: list[tuple[int, int]], length: int = 6) -> tuple[list[int], list[tuple[int, int]]]:
    markers = place_markers(spans, [HEAD, TAIL][: len(spans)])
    return markers.weave(list(range(length)), int), markers.spans


def test_one_mention_gets_the_same_marker_on_both_sides() -> None:
    assert marked([(1, 3)]) == ([0, HEAD, 1, 2, HEAD, 3, 4, 5], [(1, 5)])


def test_spans_come_in_the_order_given_whatever_the_order_in_the_text() -> None:
    assert marked([(4, 5), (0, 1)]) == ([TAIL, 0, TAIL, 1, 2, 3, HEAD, 4, HEAD, 5], [(6, 9), (0, 3)])


def test_touching_mentions_close_before_they_open() -> None:
    assert marked([(0, 2), (2, 4)])[0] == [HEAD, 0, 1, HEAD, TAIL, 2, 3, TAIL, 4, 5]


def test_nested_mentions_nest_their_markers() -> None:
    assert marked([(0, 4), (1, 2)]) == ([HEAD, 0, TAIL, 1, TAIL, 2, 3, HEAD, 4, 5], [(0, 8), (2, 5)])
    assert marked([(0, 4), (0, 2)])[0][:3] == [HEAD, TAIL, 0]
    assert marked([(0, 4), (2, 4)])[0][5:9] == [3, TAIL, HEAD, 4]


def test_equal_mentions() -> None:
    assert marked([(1, 2), (1, 2)])[0] == [0, HEAD, TAIL, 1, TAIL, HEAD, 2, 3, 4, 5]


def test_mentions_without_tokens() -> None:
    assert marked([(2, 2), (2, 3)])[0] == [0, 1, HEAD, HEAD, TAIL, 2, TAIL, 3, 4, 5]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda s: (min(s), max(s))), max_size=2))
def test_markers_frame_their_mention_and_change_nothing_else(spans: list[tuple[int, int]]) -> None:
    woven, placed = marked(spans)
    assert [word for word in woven if word >= 0] == list(range(6))
    for (start, end), (new_start, new_end), marker in zip(spans, placed, (HEAD, TAIL), strict=False):
        assert woven[new_start] == woven[new_end - 1] == marker
        assert [word for word in woven[new_start:new_end] if word >= 0] == list(range(start, end))
