"""Rows of a JSON file in any layout, each with its place: JSON lines, a list, objects over several lines, a wrapper object.

Errors in the JSON name the place. Python's parser accepts some input that is not JSON or silently loses data. This is
refused: `NaN` and `Infinity`, and a repeated key in one object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from loreweave.corpus.class_labels import Features, features_of_folder, features_of_list, with_label_names
from loreweave.corpus.files.reading import line_value, open_text
from loreweave.corpus.files.strict_json import DECODER, NotJsonError, broken_json
from loreweave.corpus.files.tables import is_table, table_rows
from loreweave.errors import DataError

Placed = tuple[str, Any]
"""Place of a row for messages ("line 3", "record 3"), and the row, or an error instead of it."""

WRAPPERS: dict[str, tuple[type, ...]] = {
    "data": (dict, list), "rows": (dict,), "examples": (dict,), "annotations": (list, type(None)),
}  # fmt: skip
"""Key of a wrapper object that contains the rows, and what the rows are: written by many tools, by the data set
server, and by annotation tools that write pairs for spaCy."""

_BLANK = re.compile(r"\s*")


def first_character(path: Path) -> str:
    """First character that is not white space; empty if there is none. `{` for a table, whose rows are objects.

    Raises:
        DataError: the path is a pipe, of which the following reading would only have the rest.
    """
    if is_table(path):
        return "{"
    if path.is_fifo():
        raise DataError("found a pipe, which can be read only once, expected a file: write the data to one first", path=path)
    with open_text(path) as file:
        return next((line.lstrip()[0] for line in file if line.strip()), "")


def json_rows(path: Path) -> Iterator[Placed]:
    """Rows with their place, of a JSON list, JSON lines, one wrapper object, or a table (Parquet, a saved data set); the
    content determines which.

    Numbers of class labels become names if the file, or `dataset_info.json` in its folder, has them.

    Yields:
        (place, row); for a line that is broken or not an object, the error instead of the row.

    Raises:
        DataError: a list, or an object over several lines, is broken; names the line.
    """
    if is_table(path):
        yield from table_rows(path)
        return
    features = features_of_folder(path)
    rows = _list_rows(path) if first_character(path) == "[" else _object_rows(path)
    for place, row in rows:
        yield place, _named(row, features)


def _named(row: Any, features: Features) -> Any:
    """The row with the names of its class labels, or an error instead of it."""
    if not features or not isinstance(row, dict):
        return row
    try:
        return with_label_names(row, features)
    except DataError as error:
        return error


def _list_rows(path: Path) -> Iterator[Placed]:
    """Rows of a list, or of several lists one after the other, which are one row each (one pair per line)."""
    with open_text(path) as file:
        text = file.read()
    values = list(_values(text, path))
    if len(values) > 1:
        yield from ((f"line {line}", value) for line, value in values)
    else:
        yield from ((f"record {number}", row) for number, row in enumerate(values[0][1], 1))


def _object_rows(path: Path) -> Iterator[Placed]:
    """Rows of JSON lines, streamed; if the first object covers several lines, the whole file is read."""
    with open_text(path) as file:
        lines = ((number, line) for number, line in enumerate(file, 1) if not line.isspace())
        first, second = next(lines, None), next(lines, None)
        if first is None:
            return
        head = line_value(*first, path)
        if isinstance(head, DataError) and second is not None and isinstance(line_value(*second, path), DataError):
            yield from _spread_rows(path, head)
            return
        if second is None and isinstance(head, dict) and (wrapped := _unwrapped(head)) is not None:
            yield from wrapped
            return
        yield f"line {first[0]}", head
        for number, line in chain([second] if second else [], lines):
            yield f"line {number}", line_value(number, line, path)


def _spread_rows(path: Path, error: DataError) -> Iterator[Placed]:
    """Objects over several lines, one after the other; `error` is the error of the first line alone."""
    with open_text(path) as file:
        text = file.read()
    if text.lstrip()[:1] != "{":
        raise error
    values = list(_values(text, path))
    if len(values) == 1 and (wrapped := _unwrapped(values[0][1])) is not None:
        yield from wrapped
        return
    yield from ((f"line {line}", value) for line, value in values)


def _unwrapped(value: dict[str, Any]) -> Iterable[Placed] | None:
    """Rows inside a wrapper object; None if the object is a row itself."""
    key = next((key for key, kinds in WRAPPERS.items() if _is_rows(value.get(key), kinds)), None)
    if key is None or "text" in value or "tokens" in value:
        return None
    rows = value[key]
    if key == "rows" and all(isinstance(row.get("row"), dict) for row in rows if isinstance(row, dict)):
        rows = [row["row"] if isinstance(row, dict) else row for row in rows]
    features = value.get("features")
    names = features_of_list(features) if isinstance(features, list) else features if isinstance(features, Mapping) else {}
    return [(f"record {number}", _named(row, names)) for number, row in enumerate(rows, 1)]


def _is_rows(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, kinds) for row in value)


def _values(text: str, path: Path) -> Iterator[tuple[int, Any]]:
    """Line and value of each value in a text."""
    place, line = 0, 1
    while True:
        before, place = place, _skip(text, place)
        line += text.count("\n", before, place)
        if place == len(text):
            return
        try:
            value, end = DECODER.raw_decode(text, place)
        except json.JSONDecodeError as error:
            comma = _trailing_comma(text, error.pos)
            at = error if comma is None else json.JSONDecodeError("a comma before the closing bracket", text, comma)
            raise DataError(f"found {broken_json(at)}", path=path, line=at.lineno) from None
        except (NotJsonError, RecursionError, ValueError) as error:
            raise _in_its_row(text, place, line, path, error) from None
        yield line, value
        line += text.count("\n", place, end)
        place = end


def _in_its_row(text: str, start: int, line: int, path: Path, error: Exception) -> DataError:
    """Error for a value, with its row of the list and its line."""
    place, number = start, 0
    if text[start] == "[":
        place = _skip(text, start + 1)
        while place < len(text) and text[place] not in "]":
            number += 1
            try:
                _, end = DECODER.raw_decode(text, place)
            except (ValueError, NotJsonError, RecursionError):
                break
            place = _skip(text, end)
            place = _skip(text, place + 1) if text[place : place + 1] == "," else place
    record = f"record {number}" if number else None
    return DataError(f"found {error}", path=path, line=line + text.count("\n", start, place), record=record)


def _trailing_comma(text: str, place: int) -> int | None:
    """The position of a comma before a closing bracket, if the parser stopped there (at or after it, by its version)."""
    comma = place if text[place : place + 1] == "," else len(text[:place].rstrip()) - 1
    return comma if text[comma : comma + 1] == "," and text[_skip(text, comma + 1) :][:1] in ("]", "}") else None


def _skip(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    return found.end() if found else place
