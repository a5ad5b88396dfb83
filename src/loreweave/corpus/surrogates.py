"""Halves of surrogate pairs: JSON can hold one alone (`"\\ud83d"`), UTF-8 and the tokenizers cannot."""

from __future__ import annotations

import re

_HALF = re.compile("[\ud800-\udfff]")


def has_half(text: str) -> bool:
    """Whether there is half a pair in the text."""
    # Most texts are ASCII, and know it: a graph has millions of them.
    return not text.isascii() and _HALF.search(text) is not None


def replace_halves(text: str) -> tuple[str, int]:
    """The text with U+FFFD for every half of a pair, which leaves it as long as it was, and how many there were."""
    return _HALF.subn("\ufffd", text) if not text.isascii() else (text, 0)
