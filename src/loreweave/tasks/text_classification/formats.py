"""Formats of text classification, by name: GLUE's files, tables with any columns, and JSON or Parquet.

A new one is a function that opens a file, a row of `FORMATS`, and a case of `recognise`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from loreweave.corpus.class_labels import NO_LABEL, name_of
from loreweave.corpus.counts import counted
from loreweave.corpus.files.delimited import DELIMITED_SUFFIXES, Cells, csv_rows, has_quoted_cells, tab_rows
from loreweave.corpus.files.json_rows import first_character, json_rows
from loreweave.corpus.files.reading import content_suffix
from loreweave.corpus.files.records import BINARY_SUFFIXES, FileFormat
from loreweave.corpus.files.rows import LeftOut, Row, as_row, field, id_of
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.text_classification.columns import Columns, find_columns, shown
from loreweave.tasks.text_classification.record import TextRecord

Names = Sequence[str]
"""Names of the classes, if a file has numbers instead."""


@dataclass(frozen=True)
class Opened:
    """Format of one file, as its first rows decide.

    Attributes:
        format: the rows, and how they become records.
        columns: the columns that are read.
        keys: names of all columns.
        notes: unusual properties of the file, one line each.
    """

    format: FileFormat[TextRecord]
    columns: Columns
    keys: Sequence[str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A format: a line of help, and (file, columns of the user, names of the classes) -> how the file is read."""

    summary: str
    open: Callable[[Path, Mapping[str, str], Names], Opened]


# ---- GLUE ------------------------------------------------------------------------------------------------------------

_GLUE_TEXTS: tuple[tuple[str, str | None], ...] = (
    ("sentence1", "sentence2"), ("question1", "question2"), ("question", "sentence"), ("#1 String", "#2 String"),
    ("sentence", None),
)  # fmt: skip
_GLUE_LABELS = ("gold_label", "is_duplicate", "Quality", "label")
_GLUE_NUMBER = "score"
_GLUE_OTHERS = {
    "index", "id", "promptID", "captionID", "pairID", "genre", "qid1", "qid2", "filename", "year", "old_index", "source1",
    "source2", "label1", "label2", "label3", "label4", "label5", "sentence1_binary_parse", "sentence2_binary_parse",
    "sentence1_parse", "sentence2_parse", "#1 ID", "#2 ID",
}  # fmt: skip
_GLUE_NAMES = {*_GLUE_OTHERS, *_GLUE_LABELS, _GLUE_NUMBER, *(name for pair in _GLUE_TEXTS for name in pair)}
_COLA = ("source", "label", "star", "sentence")
"""The columns of CoLA's training and dev files, which have no header."""
_GOLD, _NO_AGREEMENT = "gold_label", "-"
"""The gold label of a pair on which the annotators of MNLI and SNLI did not agree."""
_DISAGREED = LeftOut("pairs without a gold label, on which the annotators did not agree (-)")


def is_glue(cells: Sequence[str]) -> bool:
    """Whether a file of GLUE can have this first row."""
    return _is_cola(cells) or (len(cells) > 1 and _glue_columns(cells) is not None)


def open_glue(path: Path, asked: Mapping[str, str], names: Names) -> Opened:
    """A file of GLUE; the header shows the task. Quotes are part of the text.

    Raises:
        DataError: GLUE has no such header.
    """
    if asked:
        raise ConfigurationError("--format: the columns of glue are known; use table:text=COLUMN,... to choose them")
    _, first = next(tab_rows(path))
    header = _COLA if _is_cola(first) else tuple(first)
    columns = _glue_columns(header)
    if columns is None:
        raise DataError(f"found {shown(first)}, expected the header of one of GLUE's files (or --format table)", path=path)
    is_qqp = columns.label == "is_duplicate"

    def convert(cells: list[str], number: str) -> Iterator[TextRecord | LeftOut]:
        if is_qqp and len(cells) != len(header):
            yield LeftOut("broken lines, of which QQP's files have some")
            return
        row = row_of(cells, header)
        if row.get(_GOLD) == _NO_AGREEMENT:
            yield _DISAGREED
            return
        shown_row = {name: cell for name, cell in row.items() if not name.endswith("_parse")}
        # GLUE's submissions number the texts from 0.
        yield _record(shown_row, columns, str(int(number) - 1), names, blank=True)

    rows = _rows(lambda: tab_rows(path), has_header=header is not _COLA)
    return Opened(FileFormat("", convert, rows), columns, header)


def _is_cola(cells: Sequence[str]) -> bool:
    return len(cells) == 4 and cells[1] in ("0", "1") and cells[2] in ("", "*")


def _glue_columns(header: Sequence[str]) -> Columns | None:
    if header == _COLA:
        return Columns("sentence", label="label", chosen=True)
    if not set(header) <= _GLUE_NAMES:
        return None
    texts = next((pair for pair in _GLUE_TEXTS if {name for name in pair if name} <= set(header)), None)
    label = next((name for name in _GLUE_LABELS if name in header), None)
    score = _GLUE_NUMBER if _GLUE_NUMBER in header else None
    if texts is None or (label and score):
        return None
    id = next((name for name in ("index", "id") if name in header), None)
    return Columns(texts[0], texts[1], label, score, id, chosen=True)


# ---- tables and objects with any columns ------------------------------------------------------------------------------


def open_table(path: Path, asked: Mapping[str, str], names: Names) -> Opened:
    """A table with a header, or without one if the user gives the numbers of the columns (from 1).

    Raises:
        DataError: the names do not show which column is the text.
    """
    notes: tuple[str, ...] = ()
    if content_suffix(path) == ".csv":
        read: Callable[[], Iterator[Cells]] = lambda: csv_rows(path)  # noqa: E731
    elif has_quoted_cells(path):
        read = lambda: csv_rows(path, "\t")  # noqa: E731
        notes = ("a program put the cells in quotes: they are read without these quotes",)
    else:
        read = lambda: tab_rows(path)  # noqa: E731
    line, first = next(read())
    numbered = bool(asked) and all(name.isdecimal() and name not in first for name in asked.values())
    header = [str(number) for number in range(1, len(first) + 1)] if numbered else [cell.strip() for cell in first]
    if len(header) == 1:
        found = f"found one column, {first[0][:80]!r}, expected several with tabs between them (commas in a file named .csv)"
        raise DataError(found, path=path, line=line)
    if twice := next((name for place, name in enumerate(header) if name and name in header[:place]), None):
        raise DataError(f"found the column {twice!r} twice in the header", path=path, line=line)
    columns = _found(path, header, asked, "table")

    def convert(cells: list[str], number: str) -> Iterator[TextRecord]:
        yield _record(row_of(cells, header), columns, number, names)

    return Opened(FileFormat("", convert, _rows(read, has_header=not numbered)), columns, header, notes)


def open_json(path: Path, asked: Mapping[str, str], names: Names) -> Opened:
    """JSON Lines, a JSON list, or rows of Parquet files and saved data sets.

    Raises:
        DataError: the names do not show which key is the text.
    """
    first = [row for _, row in islice(json_rows(path), _LOOKED_AT) if isinstance(row, Mapping)]
    keys = list(dict.fromkeys(key for row in first for key in row))
    if not keys:
        raise DataError("found no object, expected objects with a text and a label", path=path)
    columns = _found(path, keys, asked, "json")

    def convert(row: Any, number: str) -> Iterator[TextRecord | LeftOut]:
        disagreed = columns.label == _GOLD and as_row(row).get(_GOLD) == _NO_AGREEMENT
        yield _DISAGREED if disagreed else _record(as_row(row), columns, number, names)

    return Opened(FileFormat("", convert), columns, keys)


_LOOKED_AT = 200
"""Number of objects whose keys are the columns. The first alone may lack a key whose value is null."""


def _found(path: Path, keys: Sequence[str], asked: Mapping[str, str], format: str) -> Columns:
    try:
        return find_columns(keys, asked, format)
    except DataError as error:
        raise DataError(error.message, path=path) from None


# ---- rows and values -------------------------------------------------------------------------------------------------


def _rows(read: Callable[[], Iterator[Cells]], *, has_header: bool) -> Callable[[Path], Iterable[tuple[str, Any]]]:
    return lambda _: ((f"line {line}", cells) for line, cells in islice(read(), int(has_header), None))


def row_of(cells: Sequence[str], header: Sequence[str]) -> dict[str, str]:
    """The cells of a row by the names in the header.

    Raises:
        DataError: the row has another number of cells.
    """
    if len(cells) != len(header):
        raise DataError(f"found {counted(len(cells), 'column')}, expected {len(header)}")
    return dict(zip(header, cells, strict=True))


def _record(row: Row, columns: Columns, number: str, names: Names, *, blank: bool = False) -> TextRecord:
    """The record of a row; `blank`: texts may be blank."""
    texts = [None if name is None else _text(row, name, blank) for name in (columns.text, columns.text_pair)]
    assert texts[0] is not None
    label: str | float | None = None
    if columns.score is not None:
        label = number_of(row.get(columns.score), columns.score)
    elif columns.label is not None:
        label = _label(row.get(columns.label), columns.label, names)
    id = number if columns.id is None else id_of(row, number, columns.id)
    metadata = {name: row[name] for name in columns.others(row)}
    return TextRecord(id, texts[0], texts[1], label, metadata)


def _text(row: Row, name: str, blank: bool) -> str:
    text: str = field(row, name, str)
    if not blank and not text.strip():
        raise DataError("found a blank text", field=name)
    return text


def number_of(value: Any, name: str) -> float | None:
    """A number, also in the form of text; None for a missing value.

    Raises:
        DataError: the value is not a finite number.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise DataError(f"found {in_json(value)}, expected a number", field=name)
    return found


def _label(value: Any, name: str, names: Names) -> str | float | None:
    """The name of a class, or a float, which may stand for a class or a number; None for a missing label."""
    if isinstance(value, list):
        if len(value) != 1:
            raise DataError(f"found {counted(len(value), 'label')}, expected one: a text has one class", field=name)
        value = value[0]
    if isinstance(value, str):
        value = value.strip()
        if names and value.removeprefix("-").isdecimal():
            value = int(value)
    if names and isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or value == "" or (names and type(value) is int and value == NO_LABEL):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return name_of(value, names, name) if names else str(value)
    if isinstance(value, float):
        return number_of(value, name)
    if not isinstance(value, str):
        raise DataError(f"found {in_json(value)}, expected the name of a class or a number", field=name)
    return value


FORMATS = {
    "glue": Layout("The .tsv files of GLUE's eight tasks as they are distributed; the header shows the task", open_glue),
    "table": Layout(
        "A table with a header, with tabs or as .csv; table:text=COLUMN,text_pair=COLUMN,label=COLUMN chooses the columns "
        "(score=COLUMN for numbers)",
        open_table,
    ),
    "json": Layout("JSON Lines, a JSON list or Parquet with text (sentence, premise, ...) and label or score", open_json),
}
"""Name of `--format` -> the format."""


def recognise(path: Path) -> str:
    """The format of a file, by its name and its first row.

    A table with GLUE's header whose cells a program put in quotes is not one of GLUE's.
    """
    suffix = content_suffix(path)
    if path.is_dir() or suffix in BINARY_SUFFIXES or (suffix not in DELIMITED_SUFFIXES and first_character(path) in ("{", "[")):
        return "json"
    _, first = next(tab_rows(path))
    return "glue" if suffix != ".csv" and is_glue(first) and not has_quoted_cells(path) else "table"
