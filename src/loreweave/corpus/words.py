"""Words of raw text in any script, for texts without given tokens."""

from __future__ import annotations

import re
from bisect import bisect_right
from unicodedata import category

_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x109F),  # Tibetan, Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x303B), (0x3041, 0x318F), (0x31A0, 0x31BF), (0x31F0, 0x31FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1B000, 0x1B16F), (0x20000, 0x3FFFF),
)  # fmt: skip
"""Code points of scripts without spaces between words. Hangul has spaces."""
_FIRST = [first for first, _ in _UNSPACED]
_APOSTROPHES = "'’"
_JOINERS = "\u200c\u200d"


PLAIN_WORD = re.compile(r"\w+|[^\w\s]")
"""Simple words, as in English benchmarks: runs of letters, digits and underscores, and every other character separately."""


def word_offsets(text: str) -> list[tuple[int, int]]:
    """Characters of each word.

    A word is a run of letters, digits and underscores; an apostrophe between letters begins a new word, as in treebanks
    (`Ann` `'s`). Any other character is a word of its own, and so is each letter of a script without spaces between
    words (Han, kana, Thai, ...), because a name may begin at any of them. Combining marks stay with their base.

    Example:
        >>> [text[start:end] for text in ["Ann's 東京 U.S."] for start, end in word_offsets(text)]
        ['Ann', "'s", '東', '京', 'U', '.', 'S', '.']
    """
    words: list[tuple[int, int]] = []
    goes_on = False
    for place, character in enumerate(text):
        touches = bool(words) and words[-1][1] == place
        if character.isspace():
            goes_on = False
        elif touches and (_is_mark(character) or (goes_on and _in_spaced_word(character))):
            words[-1] = (words[-1][0], place + 1)
        else:
            suffix = goes_on and character in _APOSTROPHES and _in_spaced_word(text[place + 1 : place + 2])
            goes_on = suffix or _in_spaced_word(character)
            words.append((place, place + 1))
    return words


def _is_mark(character: str) -> bool:
    return character in _JOINERS or category(character)[0] == "M"


def _in_spaced_word(character: str) -> bool:
    if not (character.isalnum() or character == "_"):
        return False
    code = ord(character)
    if code < _FIRST[0]:
        return True
    return code > _UNSPACED[bisect_right(_FIRST, code) - 1][1]
