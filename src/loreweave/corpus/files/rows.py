"""Rows of files as mappings: typed fields, spans, and a description of what a row loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.strict_json import in_json, kind_of
from loreweave.errors import DataError

Row = Mapping[str, Any]
Span = tuple[int, int]
NO_ID = (None, "")
"""Values of a field that mean that a row has no id."""


@dataclass(frozen=True)
class LeftOut:
    """A part of a row that gives no record, that is missing from the row's record, or that the record has in another form.

    Attributes:
        reason: name of the count, in words.
        error: the error; None if it is something that the task does not use.
        of_record: whether the row's record is kept without this part.
        converted: whether the row's record is kept with this part, in another form.
        detail: the part itself, such as the text of a mention; empty if the reason is enough.
    """

    reason: str
    error: DataError | None = None
    of_record: bool = False
    converted: bool = False
    detail: str = ""

    @classmethod
    def bad(cls, error: DataError) -> LeftOut:
        """For an error, by its field."""
        return cls(f"bad {error.field or 'record'}", error)


def as_row(row: Any) -> Row:
    """Check that a row is an object.

    Raises:
        DataError: it is not.
    """
    if not isinstance(row, Mapping):
        raise DataError(f"found {kind_of(row)}, expected an object")
    return row


def field(row: Row, name: str, kind: type) -> Any:
    """A required field of exactly this type (a number is not a boolean)."""
    value = row.get(name)
    if type(value) is not kind:
        found = f"found {in_json(value)}" if name in row else "found nothing"
        there = f" (fields here: {', '.join(map(repr, list(row)[:_SHOWN]))})" if name not in row and row else ""
        raise DataError(f"{found}, expected {_KINDS.get(kind, kind.__name__)}{there}", field=name)
    return value


_SHOWN = 8
"""Maximum number of fields that an error lists."""
_KINDS = {str: "a string", int: "an integer", list: "a list", dict: "an object"}


def id_of(row: Row, otherwise: str, *names: str) -> str:
    """Id of a row: the first of these fields (default: `id`) that is neither null nor an empty string, or else `otherwise`."""
    return next((str(row[name]) for name in names or ("id",) if row.get(name) not in NO_ID), otherwise)


def with_id(row: Row, number: str) -> Row:
    """The row, with its number as the `id` if it has none."""
    return {**row, "id": number} if row.get("id") in NO_ID else row


def objects(row: Row, name: str) -> list[Row]:
    """A required field with a list of objects."""
    value = field(row, name, list)
    if not all(isinstance(each, Mapping) for each in value):
        raise DataError(f"found {in_json(value)}, expected a list of objects", field=name)
    return list(value)


def words(row: Row, name: str) -> list[str]:
    """A required field with a list of strings."""
    value = row.get(name)
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise DataError(f"found {in_json(value)}, expected a list of strings", field=name)
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
    """The span without white space at its ends; empty if it is white space only."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def check_span(text: str, start: int, end: int, name: str | None = None) -> None:
    """Refuse spans that are empty, blank or outside the text; `name` is the field, by default `start` or `end`.

    Raises:
        DataError: names the field and what was found.
    """
    if not 0 <= start < end <= len(text):
        raise DataError(
            f"found the span ({start}, {end}) in a text of {counted(len(text), 'character')}, "
            "expected 0 <= start < end <= length",
            field=name or ("end" if 0 <= start < len(text) else "start"),
        )
    if not text[start:end].strip():
        raise DataError(f"found a blank mention at ({start}, {end})", field=name or "start")
