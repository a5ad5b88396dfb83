"""Rows of tables in text: CSV, and cells with tabs between them, with or without quotes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from loreweave.corpus.files.reading import content_suffix, open_text
from loreweave.errors import DataError

Cells = tuple[int, list[str]]
"""The line (from 1) in which a row begins, and its cells."""

DELIMITED_SUFFIXES = (".csv", ".tsv")
DELIMITERS = ",;\t|"
_LONGEST_CELL = 2**31 - 1
_LOOKED_AT = 20_000
"""Lines that say whether cells are in quotes."""


def csv_rows(path: Path, delimiter: str | None = None) -> Iterator[Cells]:
    """Yield the rows of a CSV file, whose cells may be in quotes and then hold the delimiter and line breaks.

    Args:
        path: the file.
        delimiter: between cells; None takes the one of comma, semicolon, tab and bar that the first line has most of.

    Raises:
        DataError: quotes that do not close, or are followed by more.
    """
    csv.field_size_limit(_LONGEST_CELL)  # the module's own limit of 131,072 is less than a long document has
    with open_text(path) as file:
        if delimiter is None:
            first = re.sub(r'"[^"]*"', "", file.readline())
            file.seek(0)
            delimiter = max(DELIMITERS, key=lambda mark: (first.count(mark), -DELIMITERS.index(mark)))
        rows, line = csv.reader(file, delimiter=delimiter, strict=True), 1
        while True:
            try:
                cells = next(rows, None)
            except csv.Error as error:
                raise DataError(
                    f"found a row that is not valid CSV ({error}), expected closed quotes, and two quotes for one inside",
                    path=path,
                    line=line,
                ) from None
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = rows.line_num + 1


def tab_rows(path: Path) -> Iterator[Cells]:
    """Yield the cells of lines with tabs, as they are: quotes are text. Blank lines are left out."""
    with open_text(path) as file:
        for line, text in enumerate(file, 1):
            if not text.isspace():
                yield line, text.rstrip("\r\n").split("\t")


def cell_rows(path: Path) -> Iterator[Cells]:
    """Rows of a `.csv` file, or of lines with tabs, whose cells are read without the quotes of a program.

    Raises:
        DataError: see `csv_rows`.
    """
    if content_suffix(path) == ".csv":
        yield from csv_rows(path)
        return
    quoted = has_quoted_cells(path)
    yield from ((line, [unquoted(cell) if quoted else cell for cell in cells]) for line, cells in tab_rows(path))


def unquoted(cell: str) -> str:
    """A cell whose text a program put in quotes, without them; any other cell as it is."""
    return cell[1:-1].replace('""', '"') if _in_quotes(cell) else cell


def has_quoted_cells(path: Path) -> bool:
    """Whether a program put cells of a file with tabs in quotes, as for CSV: all names; the cells that have quotes inside; or,
    as Excel, exactly those and the cells with a comma.

    Quotes of the text itself open and close anywhere; where one such cell is, no quotes are taken for a program's.
    """
    doubled, header, with_comma, other = False, False, False, False
    for place, (_, cells) in enumerate(islice(tab_rows(path), _LOOKED_AT)):
        header |= place == 0 and all(map(_in_quotes, cells))
        for cell in cells:
            quoted, inner, comma = _in_quotes(cell), '""' in cell[1:-1], "," in cell
            if '"' in cell and not quoted:
                return False
            doubled |= inner
            with_comma |= quoted and comma
            other |= quoted != (comma or inner)
    return doubled or header or (with_comma and not other)


def _in_quotes(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1].replace('""', "")
