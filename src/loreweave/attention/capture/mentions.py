"""Mentions of a text that a user names by their words or their characters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from loreweave.errors import DataError

Given = str | tuple[int, int]
"""A mention: its words (`Los Angeles`), or its characters (`(17, 28)`, or `17-28`)."""
_OFFSETS = re.compile(r"(\d+)-(\d+)")


def find_mentions(text: str, given: Sequence[Given]) -> list[tuple[int, int]]:
    """(start, end) characters of each mention.

    Raises:
        DataError: the text does not contain a mention, contains it several times, or is shorter.

    Example:
        >>> find_mentions("Ann lives in Oslo.", ["Oslo", (0, 3)])
        [(13, 17), (0, 3)]
    """
    return [_found(text, mention) for mention in given]


def mentions_of_texts(
    texts: Sequence[str],
    given: Sequence[Given],
    report: Callable[[str], None] | None = None,
    places: Sequence[str | None] = (),
) -> list[list[tuple[int, int]]]:
    """(start, end) characters of each mention in each text.

    Args:
        texts: the texts.
        given: the mentions, each of which is in every text.
        report: called with mentions that overlap.
        places: file and line of each text, for messages; None or nothing: its number is named.

    Raises:
        DataError: see `find_mentions`; of several texts, it names the place or the number of the text.
    """
    found = []
    for number, text in enumerate(texts, 1):
        where = (places[number - 1] if places else None) or f"text {number}"
        try:
            spans = find_mentions(text, given)
        except DataError as error:
            if len(texts) == 1:
                raise
            raise DataError(f"{where}: {error.message} (each --mention must be in every text)") from None
        for (before, end), (start, last) in pairwise(sorted(spans)):
            if start < end and report is not None:
                report(f"{where}: the mentions {text[before:end]!r} and {text[start:last]!r} overlap")
        found.append(spans)
    return found


def _found(text: str, mention: Given) -> tuple[int, int]:
    """Characters of one mention."""
    if isinstance(mention, tuple):
        return _checked(text, *mention)
    places = [match.start() for match in re.finditer(f"(?={re.escape(mention)})", text)] if mention else []
    if not places and (offsets := _OFFSETS.fullmatch(mention)):
        return _checked(text, int(offsets[1]), int(offsets[2]))
    spans = [(place, place + len(mention)) for place in places]
    whole = [(start, end) for start, end in spans if not _inside_word(text, start, end)]
    spans = whole or spans
    if not spans:
        raise DataError(
            f"found no {mention!r} in the text {text!r}; give the mention as it is written there, or its characters"
        )
    if len(spans) > 1:
        where = " or ".join(f"{start}-{end}" for start, end in spans)
        raise DataError(f"found {mention!r} {len(spans)} times in the text; give the characters of the one you mean: {where}")
    return spans[0]


def _checked(text: str, start: int, end: int) -> tuple[int, int]:
    """The characters, if they are in the text."""
    if not 0 <= start < end <= len(text):
        raise DataError(f"found the mention {start}-{end}, expected characters from 0 to {len(text)} of the text {text!r}")
    return start, end


def _inside_word(text: str, start: int, end: int) -> bool:
    """Whether a mention begins or ends inside a word."""
    before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    after = end < len(text) and text[end].isalnum() and text[end - 1].isalnum()
    return before or after
