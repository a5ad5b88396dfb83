"""Rows of files as mappings: their fields with their types, their spans, and an account of what a row loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loreweave.errors import DataError

Row = Mapping[str, Any]
Span = tuple[int, int]


@dataclass(frozen=True)
class LeftOut:
    """A part of a row that gives no record, or that its record goes without.

    Attributes:
        reason: what is counted, in words.
        error: what is wrong with it; None where the format has something that the task has no use for.
        of_record: whether the row's record is kept and goes without it.
        detail: what it is, such as the characters of a mention; empty where the reason says it.
    """

    reason: str
    error: DataError | None = None
    of_record: bool = False
    detail: str = ""

    @classmethod
    def bad(cls, error: DataError) -> LeftOut:
        """For something that is wrong, by its field."""
        return cls(f"bad {error.field or 'record'}", error)


def as_row(row: Any) -> Row:
    """A row that is an object.

    Raises:
        DataError: it is something else.
    """
    if not isinstance(row, Mapping):
        raise DataError(f"found {type(row).__name__}, expected an object")
    return row


def field(row: Row, name: str, kind: type) -> Any:
    """A field that must be there, of that very type (a number is no truth value)."""
    value = row.get(name)
    if type(value) is not kind:
        found = f"found {value!r}" if name in row else "found nothing"
        raise DataError(f"{found}, expected {_KINDS.get(kind, kind.__name__)}", field=name)
    return value


_KINDS = {str: "a string", int: "an integer", list: "a list", dict: "an object"}


def objects(row: Row, name: str) -> list[Row]:
    """A field that must be a list of objects."""
    value = field(row, name, list)
    if not all(isinstance(each, Mapping) for each in value):
        raise DataError(f"found {value!r}, expected a list of objects", field=name)
    return list(value)


def words(row: Row, name: str) -> list[str]:
    """A field that must be a list of strings."""
    value = row.get(name)
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise DataError(f"found {value!r}, expected a list of strings", field=name)
    return value


def join_words(tokens: Sequence[str]) -> tuple[str, list[Span]]:
    """Tokens joined by single spaces, and the characters of each."""
    spans: list[Span] = []
    place = 0
    for token in tokens:
        spans.append((place, place + len(token)))
        place += len(token) + 1
    return " ".join(tokens), spans


def trimmed(text: str, start: int, end: int) -> Span:
    """The span without the white space at its ends; of white space alone nothing is left."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def check_span(text: str, start: int, end: int, name: str | None = None) -> None:
    """Refuse characters that are empty, blank or outside the text; `name` of the field, by default `start` or `end`.

    Raises:
        DataError: names the field and what was found.
    """
    if not 0 <= start < end <= len(text):
        raise DataError(
            f"found the span ({start}, {end}) in a text of {len(text)} characters, expected 0 <= start < end <= length",
            field=name or ("end" if 0 <= start < len(text) else "start"),
        )
    if not text[start:end].strip():
        raise DataError(f"found a blank mention at ({start}, {end})", field=name or "start")
