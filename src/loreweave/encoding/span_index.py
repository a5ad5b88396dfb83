"""Spans by their beginnings: those inside a window, without a look at the others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from loreweave.encoding.encoded_text import Span


class SpanIndex:
    """Finds the spans inside each of many windows of a long text.

    Args:
        spans: first and last place (exclusive) of each, in any order; they may overlap, and empty ones are in no window.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._by_start = sorted((number for number, (start, end) in enumerate(spans) if start < end), key=self._start)

    def _start(self, number: int) -> int:
        return self._spans[number][0]

    def inside(self, first: int, last: int) -> list[int]:
        """Numbers of the spans that lie wholly in [first, last), in the order of the spans that were given.

        Example:
            >>> SpanIndex([(4, 6), (0, 2), (1, 9), (3, 5)]).inside(0, 6)
            [0, 1, 3]
        """
        low, high = (bisect_left(self._by_start, edge, key=self._start) for edge in (first, last))
        return sorted(number for number in self._by_start[low:high] if self._spans[number][1] <= last)
