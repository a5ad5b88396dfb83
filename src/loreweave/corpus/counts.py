"""Counts in words: singular for one, plural for any other number."""

from __future__ import annotations


def counted(number: int, one: str, more: str | None = None) -> str:
    """The number with what is counted.

    Args:
        number: how many.
        one: what stands behind 1.
        more: what stands behind any other number; None adds an s to `one`.

    Example:
        >>> counted(1, "record"), counted(2, "record"), counted(1, "mention cuts a word", "mentions cut a word")
        ('1 record', '2 records', '1 mention cuts a word')
    """
    return f"{number} {one if number == 1 else one + 's' if more is None else more}"
