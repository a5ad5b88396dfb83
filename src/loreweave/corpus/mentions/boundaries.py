"""Words of normalised text: where a name may begin and end."""

from __future__ import annotations

import re
from itertools import accumulate

from loreweave.corpus.words import word_offsets

_USUAL = re.compile("[^\0-\u02ff\u0370-\u0482\u048a-\u058f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u20a0-\u20cf\u2100-\u2bff]")
"""Anything but Latin, Greek, Cyrillic and Armenian letters and common symbols, which have no combining marks among them."""
_WORDS = re.compile(r"(?:(?<=\w)['’])?\w+ ?|[^\w ] ?")
"""The words of `corpus.words.word_offsets` in such text, each with the space after it."""


def split_words(text: str) -> tuple[list[str], list[int]]:
    """Words of a normalised text, each with the space after it if there is one, and the place where each begins.

    They are the words of `word_offsets`, which this finds several times faster in text of the usual scripts.

    Example:
        >>> split_words("ann's new york.")
        (['ann', "'s ", 'new ', 'york', '.'], [0, 3, 6, 10, 14])
    """
    if text.isascii() or _USUAL.search(text) is None:
        words = _WORDS.findall(text)
        starts = list(accumulate(map(len, words), initial=0))
        starts.pop()
        return words, starts
    places = word_offsets(text)
    starts = [start for start, _ in places]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)], starts
