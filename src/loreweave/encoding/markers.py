"""Marker tokens around mentions, including mentions that touch, overlap, nest or are equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from loreweave.encoding.encoded_text import Span

T = TypeVar("T")


@dataclass(slots=True)
class Markers:
    """Positions of the markers.

    Attributes:
        insertions: (position in the words without markers, marker id), in the order of the result.
        spans: each mention in the words with markers, including its own two markers.
    """

    insertions: list[tuple[int, int]]
    spans: list[Span]

    def weave(self, items: list[T], marker: Callable[[int], T]) -> list[T]:
        """`items`, one for each word, with `marker(id)` inserted for each marker."""
        woven: list[T] = []
        cut = 0
        for position, marker_id in self.insertions:
            woven += items[cut:position]
            woven.append(marker(marker_id))
            cut = position
        return woven + items[cut:]


def place_markers(spans: Sequence[Span], marker_ids: Sequence[int]) -> Markers:
    """Put `marker_ids[m]` on both sides of the token span `spans[m]`.

    Where several markers meet, mentions that end there close first (inner before outer), then those
    that start there open (outer before inner; of two equal mentions the first one is the outer one).
    """
    events: list[tuple[tuple[int, ...], int, bool]] = []
    for mention, (start, end) in enumerate(spans):
        events.append((_opening(start, end, mention), mention, True))
        events.append((_closing(start, end, mention), mention, False))
    events.sort()
    insertions: list[tuple[int, int]] = []
    woven = [[0, 0] for _ in spans]
    for index, (key, mention, opens) in enumerate(events):
        position = key[0] + index
        insertions.append((key[0], marker_ids[mention]))
        woven[mention][0 if opens else 1] = position if opens else position + 1
    return Markers(insertions, [(start, end) for start, end in woven])


# Keys sort by position; at one position: endings (0), mentions without tokens (1), beginnings (2).
def _opening(start: int, end: int, mention: int) -> tuple[int, ...]:
    return (start, 1, mention, 0) if start == end else (start, 2, -end, mention)


def _closing(start: int, end: int, mention: int) -> tuple[int, ...]:
    return (end, 1, mention, 1) if start == end else (end, 0, -start, -mention)
