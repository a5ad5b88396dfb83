"""Spans inside windows, compared with a look at all of them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loreweave.encoding.span_index import SpanIndex

PLACES = st.tuples(st.integers(0, 12), st.integers(0, 12))


@given(st.lists(PLACES, max_size=20), st.lists(PLACES, min_size=1, max_size=5))
def test_spans_inside_windows_are_those_that_a_look_at_all_finds(
    spans: list[tuple[int, int]], windows: list[tuple[int, int]]
) -> None:
    index = SpanIndex(spans)
    for first, last in windows:
        expected = [number for number, (start, end) in enumerate(spans) if first <= start < end <= last]
        assert index.inside(first, last) == expected


def test_a_window_does_not_look_at_all_spans() -> None:
    looked = []

    class Counted(list[tuple[int, int]]):
        def __getitem__(self, number: Any) -> Any:
            looked.append(number)
            return super().__getitem__(number)

    index = SpanIndex(Counted((start, start + 1) for start in range(10_000)))
    looked.clear()
    assert index.inside(5000, 5003) == [5000, 5001, 5002]
    assert len(looked) < 50
