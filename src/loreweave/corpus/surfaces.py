"""Checks of a mention's text in a file against its offsets.

Annotation tools count offsets differently. Python counts code points. JavaScript, and therefore most annotation tools
in a browser, counts UTF-16 code units, where a character beyond U+FFFF (an emoji) counts as two.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from loreweave.errors import DataError

SURFACE_KEYS = ("text", "name", "mention", "surface")
"""Keys of a mention that may contain its text."""
_PAIR = re.compile("[\U00010000-\U0010ffff]")
"""A character that is two UTF-16 code units."""


def surfaces_agree(found: str, given: str) -> bool:
    """Whether two surfaces are equal except for case, white space and the composition of accents.

    White space is ignored because joined tokens differ from the original text ("U.S ." and "U.S.").
    """
    return found == given or _folded(found) == _folded(given)


def check_surface(text: str, start: int, end: int, given: Any, field: str) -> None:
    """Refuse offsets whose characters are not the given surface.

    Args:
        text: whole text that the offsets refer to.
        start, end: characters of the mention in code points, `end` exclusive; they may lie outside the text.
        given: text of the mention in the file; None if the file does not have it.
        field: name of that field in the file, for the message.

    Raises:
        DataError: the characters differ. The message shows them, and the way of counting that would fit: UTF-16 code
            units, an inclusive `end`, or offsets from 1.
    """
    found = text[max(0, start) : max(0, end)]
    if _is_surface(found, given, field):
        return
    raise DataError(
        f"found {given!r}, but the text has {found!r} at ({start}, {end}){_explanation(text, start, end, given)}", field=field
    )


def check_given_surface(text: str, start: int, end: int, row: Mapping[str, Any], prefix: str = "") -> None:
    """Check a mention's JSON object, under any of `SURFACE_KEYS`; `prefix` is put before the name of the field."""
    for key in SURFACE_KEYS:
        if key in row:
            check_surface(text, start, end, row[key], prefix + key)


def check_token_surface(tokens: Sequence[str], start: int, end: int, given: Any, field: str) -> None:
    """Check the tokens from `start` to `end` (exclusive), joined by spaces.

    Raises:
        DataError: the tokens differ; if they fit with an inclusive `end`, the message says so.
    """
    found = " ".join(tokens[max(0, start) : max(0, end)])
    if _is_surface(found, given, field):
        return
    hint = other_token_counting(tokens, start, end, given)
    raise DataError(f"found {given!r}, but tokens {start} to {end} (excluded) are {found!r}{hint}", field=field)


def _is_surface(found: str, given: Any, field: str) -> bool:
    """Whether the text at a mention is what the file gives, if it gives it."""
    if given is None:
        return True
    if not isinstance(given, str):
        raise DataError(f"found {given!r}, expected a string, the text of the mention", field=field)
    return bool(found.strip()) and surfaces_agree(found, given)


def other_token_counting(tokens: Sequence[str], start: int, end: int, given: str) -> str:
    """Another way of counting tokens that would fit, for a message; empty if there is none."""
    if surfaces_agree(" ".join(tokens[max(0, start) : max(0, end)]), given) or not 0 <= start <= end:
        return ""
    fits = bool(given.strip()) and surfaces_agree(" ".join(tokens[start : end + 1]), given)
    return "; it fits if the end is inclusive, but ends are exclusive in this format" if fits else ""


def from_utf16(text: str, offset: int) -> int | None:
    """Code point where `offset` UTF-16 code units of the text end; None if that is inside a character or outside the text.

    Example:
        >>> from_utf16("\N{GRINNING FACE} Mia", 3)
        2
    """
    halves = _second_halves(text)
    pairs = bisect_left(halves, offset)
    inside = pairs < len(halves) and halves[pairs] == offset
    place = offset - pairs
    return place if 0 <= place <= len(text) and not inside else None


@lru_cache(maxsize=1)  # The mentions of a text ask one after the other; a search for each would be quadratic.
def _second_halves(text: str) -> list[int]:
    """Offsets in UTF-16 code units that are inside a character: one for each beyond U+FFFF, in order."""
    return [found.start() + pairs + 1 for pairs, found in enumerate(_PAIR.finditer(text))]


def fits_utf16(text: str, start: int, end: int, given: str) -> bool:
    """Whether the offsets count UTF-16 code units: those characters are the surface, and differ from those in code points."""
    first, last = from_utf16(text, start), from_utf16(text, end)
    if first is None or last is None or (first, last) == (start, end):
        return False
    return surfaces_agree(text[first:last], given)


def utf16_words(text: str, words: Sequence[tuple[int, int]], spans: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Number of mentions that are whole words with offsets in code points, and number of those in UTF-16 code units only.

    Only mentions after a character beyond U+FFFF count, where the two differ.
    """
    points = units = 0
    if not _second_halves(text):
        return points, units
    begins, ends = {start for start, _ in words}, {end for _, end in words}
    for start, end in spans:
        if (from_utf16(text, start), from_utf16(text, end)) == (start, end):
            continue
        if start in begins and end in ends:
            points += 1
            continue
        # A blank at an edge may have been trimmed.
        starts = [start, start - 1] if text[start - 1 : start].isspace() else [start]
        stops = [end, end + 1] if text[end : end + 1].isspace() else [end]
        units += any(from_utf16(text, a) in begins and from_utf16(text, b) in ends for a in starts for b in stops)
    return points, units


UTF16_HINT = "the offsets fit in UTF-16 code units, as in browsers, but code points are expected"


def other_counting(text: str, start: int, end: int, given: str) -> str:
    """Another way of counting characters that would fit, for a message; empty if there is none."""
    if surfaces_agree(text[max(0, start) : max(0, end)], given):
        return ""
    if fits_utf16(text, start, end, given):
        way_out = "convert them: loreweave.corpus.surfaces.from_utf16(text, offset)"
        return f"; {UTF16_HINT} ({way_out})"
    if _fits_bytes(text, start, end, given):
        also = ", and characters that are counted from 1" if surfaces_agree(text[start - 1 : end - 1], given) else ""
        return f"; the offsets fit bytes of UTF-8{also}, where code points from 0 are expected"
    if "\r\n" in text and 0 <= start < end and surfaces_agree(text.replace("\r\n", "\n")[start:end], given):
        return "; the offsets fit if a line end of two characters (CRLF) counts as one"
    whole = 0 <= start <= end < len(text) and text[start].strip() and text[end].strip()
    if whole and surfaces_agree(text[start : end + 1], given):
        return "; it fits if the end is inclusive, but an exclusive end is expected: add 1 to each end"
    if 0 < start < end and surfaces_agree(text[start - 1 : end - 1], given):
        return "; it fits if characters are counted from 1, but 0 is expected: subtract 1 from each offset"
    if 0 < start <= end and surfaces_agree(text[start - 1 : end], given):
        return "; it fits if characters are counted from 1 and the end is inclusive: subtract 1 from each start"
    return ""


def _fits_bytes(text: str, start: int, end: int, given: str) -> bool:
    """Whether the offsets count bytes of UTF-8, which in ASCII text equal code points."""
    if text.isascii() or not 0 <= start < end:
        return False
    return surfaces_agree(text.encode("utf-8", "replace")[start:end].decode("utf-8", "replace"), given)


def _explanation(text: str, start: int, end: int, given: str) -> str:
    """The way of counting that gives the surface, or the nearest place where the text has it."""
    other = other_counting(text, start, end, given)
    if other:
        return other
    places = _places(text, given)
    if not places:
        return ", which has no such characters anywhere"
    nearest = min(places, key=lambda place: abs(place - start))
    return f"; the nearest such characters are at ({nearest}, {nearest + len(given)})"


def _places(text: str, given: str) -> list[int]:
    found, place = [], text.find(given) if given else -1
    while place >= 0:
        found.append(place)
        place = text.find(given, place + 1)
    return found


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).casefold().split())
