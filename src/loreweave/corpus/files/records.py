"""Files of records in one of several formats. Each row is converted, and what is left out is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic

from loreweave.corpus.counts import counted, tallied
from loreweave.corpus.files.delimited import DELIMITED_SUFFIXES
from loreweave.corpus.files.json_rows import first_character, json_rows
from loreweave.corpus.files.read_result import R, ReadResult
from loreweave.corpus.files.reading import content_suffix
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.files.strict_json import kind_of
from loreweave.corpus.files.surrogates import check_halves
from loreweave.corpus.files.tables import TABLE_SUFFIXES
from loreweave.corpus.mention_formats.unsupported import unsupported_tool
from loreweave.errors import ConfigurationError, DataError

BINARY_SUFFIXES = (*TABLE_SUFFIXES, ".spacy")
"""Suffixes of files that are not text."""
NEARLY = 0.8
"""Similarity from which on a key counts as misspelled: `obj_lable` and `obj_label` have 0.89."""


@dataclass(frozen=True)
class FileFormat(Generic[R]):
    """One file format.

    Attributes:
        summary: one line of help.
        convert: (row, its number) -> its records, and what was left out; raises a DataError for a bad row.
        rows: rows of a file, each with its place for messages; an error instead of a row is a bad record.
    """

    summary: str
    convert: Callable[[Any, str], Iterable[R | LeftOut]]
    rows: Callable[[Path], Iterable[tuple[str, Any]]] = json_rows


def read_records(
    path: Path, format: str | None, skip_bad: bool, formats: Mapping[str, FileFormat[R]], recognise: Callable[[Path], str]
) -> ReadResult[R]:
    """Read a file in one of several formats.

    Args:
        path: the file.
        format: name of the format; None calls `recognise`.
        skip_bad: skip, count and list bad records, instead of raising the first error.
        formats: the formats by name.
        recognise: file -> name of its format.

    Raises:
        ConfigurationError: unknown format.
        DataError: names the file, the place and the field; or the file has no record.
    """
    if format is not None and format not in formats:
        raise ConfigurationError(f"unknown format {format!r}; this task reads {', '.join(formats)}")
    check_not_empty(path)
    result: ReadResult[R] = ReadResult([])
    for place, record in stream_records(path, formats[format or recognise(path)], skip_bad, result):
        result.records.append(record)
        result.places.append(place)
    return result


def stream_records(
    path: Path, format: FileFormat[R], skip_bad: bool, account: ReadResult[Any], prefix: str = ""
) -> Iterator[tuple[str, R]]:
    """Yield the place and the record of everything that a file has, one after the other.

    Args:
        path: the file.
        format: its format.
        skip_bad: skip, count and list bad records, instead of raising the first error.
        account: receives the counts of what is left out; its records and places do not change.
        prefix: text before the number that is the id of a row without an id.

    Raises:
        DataError: names the file, the place and the field; or there is no record in the file.
    """
    number = 0
    for number, (place, row) in enumerate(format.rows(path), 1):
        for record in kept(_converted(format, row, f"{prefix}{number}"), place, path, skip_bad, account):
            yield place, record
    if number == 0:
        raise DataError("found no records", path=path)


def kept(items: Iterable[R | LeftOut], place: str, path: Path, skip_bad: bool, account: ReadResult[Any]) -> Iterator[R]:
    """Yield the records among what a row was converted to; the rest is counted in `account`.

    Raises:
        DataError: a record is bad and `skip_bad` is not set; names the file, the place and the field.
    """
    for item in _with_errors(items):
        if not isinstance(item, LeftOut):
            yield item
        elif item.converted:
            account.converted[item.reason] += 1
        elif item.of_record:
            account.dropped[item.reason] += 1
            account.lost.append(("dropped", _line(place, item)))
        elif item.error is not None and not skip_bad:
            raise DataError(item.error.message, path=path, record=place, field=item.error.field) from None
        else:
            account.leave_out(item.reason, None if item.error is None else f"{place}: {item.error}")
            if item.error is None:
                account.lost.append(("unused", _line(place, item)))


def _line(place: str, item: LeftOut) -> str:
    return f"{place}: {item.reason}" + (f", {item.detail}" if item.detail else "")


def check_not_empty(path: Path) -> None:
    """Refuse an empty text file.

    Raises:
        DataError: the file is empty.
    """
    if not path.is_dir() and content_suffix(path) not in BINARY_SUFFIXES and first_character(path) == "":
        raise DataError("found an empty file, expected records", path=path)


def _converted(format: FileFormat[R], row: Any, number: str) -> Iterator[R | LeftOut]:
    if isinstance(row, DataError):
        yield LeftOut("broken line", DataError(row.message))
        return
    try:
        check_halves(row)
    except DataError as error:
        yield LeftOut.bad(error)
        return
    yield from format.convert(row, number)


def _with_errors(items: Iterable[R | LeftOut]) -> Iterator[R | LeftOut]:
    """The items; an error that converting the row raises is the last of them."""
    try:
        yield from items
    except DataError as error:
        yield LeftOut.bad(error)


def recognise_by_keys(path: Path, row: Any, signs: Mapping[str, str]) -> str:
    """Name of the format whose characteristic key is in the first row.

    Raises:
        DataError: there is none; names the keys that were found, and a characteristic key that one of them nearly is.
    """
    for sign, format in signs.items():
        if isinstance(row, Mapping) and sign in row:
            return format
    error, keys = wrong_keys(path, row, dict.fromkeys(signs.values())), map(str, row) if isinstance(row, Mapping) else ()
    close = next((sign for key in keys for sign in get_close_matches(key, list(signs), n=1, cutoff=NEARLY)), None)
    raise error if close is None else DataError(f"{error.message}; did you mean {close!r}?", path=path)


def wrong_keys(path: Path, row: Any, formats: Iterable[str]) -> DataError:
    """Error for a file whose first row is of no known format; names the keys that were found."""
    if row is None:
        return DataError(f"found no file in one of the formats {', '.join(formats)}", path=path)
    if (found := unsupported_tool(row)) is not None:
        return DataError(found, path=path)
    if isinstance(row, Mapping) and row.get("data") == []:
        return DataError("found no records, but an empty list", path=path, field="data")
    found = f"the keys {', '.join(map(str, row))}" if isinstance(row, Mapping) else kind_of(row)
    return DataError(f"record 1: found {found}, expected a record of {', '.join(formats)}", path=path)


def first_row(path: Path) -> Any:
    """First valid row of a JSON list or of JSON lines.

    Raises:
        DataError: there is none.
    """
    suffix, broken = content_suffix(path), None
    if suffix in DELIMITED_SUFFIXES and first_character(path) not in ("{", "[", ""):
        raise DataError(f"found a {suffix} file without JSON, expected JSON Lines or a JSON list", path=path)
    for _, row in json_rows(path):
        if not isinstance(row, DataError):
            return row
        broken = broken or row
    raise broken or DataError("found no records", path=path)


def describe_skipped(read: ReadResult[Any], path: Path, shown: int = 5) -> list[str]:
    """Lines about what was left out of a file or looks unusual: the counts, and the first errors; none if there is nothing."""
    kept = [f"{path}: {note}" for note in read.remarks()]
    kept += [f"{path}: left out: {tallied(read.dropped)}"] if read.dropped else []
    if not read.skipped:
        return kept
    more = [f"  and {len(read.left_out) - shown} more"] if len(read.left_out) > shown else []
    first = [f"  {line}" for line in read.left_out[:shown]]
    return [f"{path}: skipped {counted(sum(read.skipped.values()), 'record')}: {tallied(read.skipped)}", *first, *more, *kept]
