"""Mentions that begin or end inside a word, or have white space at an edge: often the offsets are counted otherwise."""

from __future__ import annotations

import string
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from loreweave.corpus.files.rows import Span
from loreweave.corpus.words import word_offsets

_CONTEXT = 30
"""Number of characters shown on both sides of a mention."""
_NEAR = 16
"""Number of characters on both sides of a place that determine whether it is inside a word."""


def misaligned(words: Sequence[Span], text: str, mentions: Sequence[Span]) -> Iterator[str]:
    """For each mention that begins or ends inside a word, or has blanks at its edges, a description of the error.

    `words` are in order. Only those at the edges of a mention are looked at, because a text can be that of many records.
    """
    for start, end in mentions:
        surface = text[start:end]
        place, after = bisect_left(words, (start,)), bisect_left(words, (end,))
        begins = place < len(words) and words[place][0] == start
        ends = after > 0 and words[after - 1][1] == end
        if surface != surface.strip():
            yield f"{surface!r} has blanks at its edges in {_around(text, start, end)}"
        elif not (begins and ends):
            before = [(words[at - 1], edge) for at, edge in ((place, start), (after, end)) if at > 0]
            cut = [text[first:last] for (first, last), edge in before if edge < last]
            what = f"cuts {', '.join(map(repr, dict.fromkeys(cut)))}" if cut else "does not consist of whole words"
            yield f"{surface!r} {what} in {_around(text, start, end)}"


def is_aligned(text: str, start: int, end: int) -> bool:
    """Whether a mention is one of whole words of `word_offsets`: as `misaligned`, but only the characters near it are read."""
    if not 0 <= start < end <= len(text) or text[start].isspace() or text[end - 1].isspace():
        return False
    return not (_inside_word(text, start) or _inside_word(text, end))


def shortened(text: str, length: int = 2 * _CONTEXT) -> str:
    """The beginning of a text in quotes, for a message."""
    return repr(text if len(text) <= length else text[:length] + "...")


def _around(text: str, start: int, end: int) -> str:
    return shortened(text[max(0, start - _CONTEXT) : end + _CONTEXT], 2 * _CONTEXT + end - start)


def _inside_word(text: str, place: int) -> bool:
    if not 0 < place < len(text) or text[place - 1].isspace() or text[place].isspace():
        return False
    if text[place] in string.punctuation and text[place] not in "_'":
        return False  # a word of its own: known without looking around
    first = max(0, place - _NEAR)
    return all(first + start != place for start, _ in word_offsets(text[first : place + _NEAR]))
