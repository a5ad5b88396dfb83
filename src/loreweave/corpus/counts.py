"""Counts and lists in words: singular for one, plural for any other number; long lists are shortened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def counted(number: int, one: str, more: str | None = None) -> str:
    """The number and what is counted.

    Args:
        number: the number; a thousand and more are written with commas.
        one: words after 1.
        more: words after any other number. Default: `one` with an s.

    Example:
        >>> counted(1, "record"), counted(2, "record"), counted(1, "mention cuts a word", "mentions cut a word")
        ('1 record', '2 records', '1 mention cuts a word')
    """
    return f"{number:,} {one if number == 1 else one + 's' if more is None else more}"


def tallied(counts: Mapping[str, int]) -> str:
    """Counts by name, in the order of the mapping; counts of zero are left out.

    Example:
        >>> tallied({"texts truncated": 2, "empty lines": 0, "mentions that cut a word": 1})
        'texts truncated (2), mentions that cut a word (1)'
    """
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items() if count)


def tallied_fields(counts: Mapping[str, int]) -> str:
    """As `tallied`, for names that are written with underscores.

    Example:
        >>> tallied_fields({"texts_truncated": 2})
        'texts truncated (2)'
    """
    return tallied({name.replace("_", " "): count for name, count in counts.items()})


def listed(names: Iterable[object], shown: int = 5, total: int | None = None) -> str:
    """The first few names, and the number of the others.

    Args:
        names: the names.
        shown: maximum number of names to show.
        total: number of all names. Default: number of `names`.

    Example:
        >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], shown=2), listed(["a"], total=7)
        ('a, b, c', 'a, b and 1 more', 'a and 6 more')
    """
    words = [str(name) for name in names]
    others = (len(words) if total is None else total) - len(words[:shown])
    return ", ".join(words[:shown]) + (f" and {others:,} more" if others else "")
