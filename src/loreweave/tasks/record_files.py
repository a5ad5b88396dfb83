"""Files of records as tasks read them: rows with their place, fields with their type, an account of what is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from loreweave.corpus.files import json_lines_or_errors, open_text, read_json
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.registry import R, ReadResult

Row = Mapping[str, Any]
Span = tuple[int, int]


@dataclass(frozen=True)
class LeftOut:
    """A part of a row that gives no record, or that its record goes without.

    Attributes:
        reason: what is counted, in words.
        error: what is wrong with it; None where the format has something that the task has no use for.
        of_record: whether the row's record is kept and goes without it.
    """

    reason: str
    error: DataError | None = None
    of_record: bool = False

    @classmethod
    def bad(cls, error: DataError) -> LeftOut:
        """For something that is wrong, by its field."""
        return cls(f"bad {error.field or 'record'}", error)


def json_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Rows with their place, of a JSON list or of JSON lines, whichever the first character says; in the place of a line
    that is no object the error."""
    if first_character(path) == "[":
        yield from ((f"record {number}", row) for number, row in enumerate(read_json(path), 1))
    else:
        yield from ((f"line {number}", row) for number, row in json_lines_or_errors(path))


@dataclass(frozen=True)
class FileFormat(Generic[R]):
    """One published layout.

    Attributes:
        summary: a line of help.
        convert: (row, its number) -> its records, and what it leaves out; raises a DataError for a bad row.
        rows: a file's rows, each with its place for messages; an error in the place of a row is a bad record.
    """

    summary: str
    convert: Callable[[Any, str], Iterable[R | LeftOut]]
    rows: Callable[[Path], Iterable[tuple[str, Any]]] = json_rows


def read_records(
    path: Path, format: str | None, skip_bad: bool, formats: Mapping[str, FileFormat[R]], recognise: Callable[[Path], str]
) -> ReadResult[R]:
    """Read a file in one of a task's formats.

    Args:
        path: the file.
        format: its name; None asks `recognise`.
        skip_bad: leave bad records out, count and list them, instead of an error at the first.
        formats: the task's formats by name.
        recognise: a file -> the name of its format.

    Raises:
        ConfigurationError: no such format.
        DataError: names the file, the place and the field; or there is no record in the file.
    """
    if format is not None and format not in formats:
        raise ConfigurationError(f"unknown format {format!r}; this task reads {', '.join(formats)}")
    if first_character(path) == "":
        raise DataError("found an empty file, expected records", path=path)
    chosen = formats[format or recognise(path)]
    result: ReadResult[R] = ReadResult([])
    number = 0
    for number, (place, row) in enumerate(chosen.rows(path), 1):
        for item in _converted(chosen, row, str(number)):
            if not isinstance(item, LeftOut):
                result.records.append(item)
                result.places.append(place)
            elif item.of_record:
                result.dropped[item.reason] += 1
            elif item.error is not None and not skip_bad:
                raise DataError(item.error.message, path=path, record=place, field=item.error.field) from None
            else:
                result.leave_out(item.reason, None if item.error is None else f"{place}: {item.error}")
    if number == 0:
        raise DataError("found no records", path=path)
    return result


def _converted(format: FileFormat[R], row: Any, number: str) -> Iterator[R | LeftOut]:
    if isinstance(row, DataError):
        yield LeftOut("broken line", DataError(row.message))
        return
    try:
        yield from format.convert(row, number)
    except DataError as error:
        yield LeftOut.bad(error)


def recognise_by_keys(path: Path, row: Any, signs: Mapping[str, str]) -> str:
    """The format whose sign (a key) is in the first row.

    Raises:
        DataError: none is; names the keys that were found.
    """
    for sign, format in signs.items():
        if isinstance(row, Mapping) and sign in row:
            return format
    known = ", ".join(dict.fromkeys(signs.values()))
    found = f"the keys {', '.join(map(str, row))}" if isinstance(row, Mapping) else type(row).__name__
    raise DataError(f"record 1: found {found}, expected a record of {known}", path=path)


def first_row(path: Path) -> Any:
    """The first row of a JSON list or of JSON lines that is not broken.

    Raises:
        DataError: there is none.
    """
    broken = None
    for _, row in json_rows(path):
        if not isinstance(row, DataError):
            return row
        broken = broken or row
    raise broken or DataError("found no records", path=path)


def first_character(path: Path) -> str:
    """The first character that is no white space; empty where there is none."""
    with open_text(path) as file:
        return next((line.lstrip()[0] for line in file if line.strip()), "")


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


def describe_skipped(read: ReadResult[Any], path: Path, shown: int = 5) -> list[str]:
    """Lines that say what of a file was left out or looks odd: the counts, and the first errors; none where all was well."""
    kept = [f"{path}: {note}" for note in read.notes]
    kept += [f"{path}: left out {count} {reason}" for reason, count in sorted(read.dropped.items())]
    if not read.skipped:
        return kept
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(read.skipped.items()))
    more = [f"  and {len(read.left_out) - shown} more"] if len(read.left_out) > shown else []
    first = [f"  {line}" for line in read.left_out[:shown]]
    return [f"{path}: skipped {sum(read.skipped.values())} records ({reasons})", *first, *more, *kept]
