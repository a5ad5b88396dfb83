"""Plain text as documents of lines: text files with blank lines between documents, or JSON and tables with a `text`."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from loreweave.corpus.counts import counted
from loreweave.corpus.exclusion import Exclusion
from loreweave.corpus.files.delimited import DELIMITED_SUFFIXES, cell_rows
from loreweave.corpus.files.json_rows import Placed, json_rows
from loreweave.corpus.files.reading import Pathname, content_suffix, line_value, not_an_object, open_text, read_json_lines
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.files.surrogates import replace_halves
from loreweave.corpus.files.tables import is_table
from loreweave.errors import DataError

_ROW_SUFFIXES = (".json", ".jsonl", ".ndjson")


class Line(NamedTuple):
    """The line without surrounding white space; an empty one ends the document."""

    place: str
    """Source of the line: the document's own id, or file name and line number."""
    text: str


def read_lines(
    files: Iterable[Pathname], exclude: Exclusion | None = None, counts: Counter[str] | None = None, *, unwrap: bool = False
) -> Iterator[Line]:
    """Yield the lines of all files in order, with an empty line between two documents (and between two files).

    JSON in any layout (`corpus.files.json_rows`) and tables (Parquet, Arrow, saved data sets) have one document per row, with
    the lines of its `text`; blank lines inside it do not separate documents. JSON is recognised by the suffix (.json, .jsonl,
    .ndjson), or by a first line that is an object with a `text`. So have .csv and .tsv files whose first line names a column
    `text`. Any other file is UTF-8 text whose blank lines separate documents. Files of text, JSON and cells may be compressed
    (.gz, .xz, .bz2).

    Args:
        exclude: `id` or `title` of documents to exclude, if they are rows.
        counts: receives `files`, `documents_excluded`, `blank_lines_dropped` and `characters_replaced`.
        unwrap: join consecutive lines with spaces, for text whose lines were wrapped at a width.

    Raises:
        DataError: a file cannot be read, is not UTF-8, or has a row without a string `text`; names file and place.
    """
    counts = Counter() if counts is None else counts
    exclude = Exclusion() if exclude is None else exclude
    inside = False  # whether a document has begun
    for file in files:
        counts["files"] += 1
        if inside:
            yield Line("", "")
            inside = False
        rows = _rows(Path(file))
        lines = _text_lines(file, unwrap) if rows is None else _row_lines(file, rows, exclude, counts, unwrap)
        for line in lines:
            inside = bool(line.text)
            yield line


def _rows(path: Path) -> Iterator[Placed] | None:
    """Rows of JSON or of a table, each with its place; None for a text file."""
    if is_table(path):
        return json_rows(path)
    if path.is_dir():
        raise DataError("found a folder without state.json, expected one that datasets' save_to_disk wrote", path=path)
    suffixed = content_suffix(path) in _ROW_SUFFIXES
    if not path.is_file():  # a pipe, which cannot be read twice
        return ((f"line {number}", row) for number, row in read_json_lines(path)) if suffixed else None
    if suffixed or _begins_with_row(path):
        return json_rows(path)
    return _cell_rows(path) if content_suffix(path) in DELIMITED_SUFFIXES else None


def _cell_rows(path: Path) -> Iterator[Placed] | None:
    """Rows of a table whose first line names a column `text`; None for any other file."""
    lines = cell_rows(path)
    names = [name.strip().lower() for name in next(lines, (1, []))[1]]
    return (_of_cells(names, line, cells) for line, cells in lines) if "text" in names else None


def _of_cells(names: Sequence[str], line: int, cells: Sequence[str]) -> Placed:
    if len(cells) != len(names):
        found = f"found {counted(len(cells), 'cell')}, expected {len(names)} as in the first line"
        return f"line {line}", DataError(found)
    return f"line {line}", dict(zip(names, cells, strict=True))


def _begins_with_row(path: Path) -> bool:
    """Whether the first line of a file is a JSON object with a text, as in files without a suffix that tools write."""
    with open_text(path) as file:
        first = next((line for line in file if not line.isspace()), "")
    row = line_value(1, first, path) if first.lstrip().startswith("{") else None
    return isinstance(row, dict) and isinstance(row.get("text"), str)


def _text_lines(file: Pathname, unwrap: bool) -> Iterator[Line]:
    name = Path(file).name
    with open_text(file) as stream:
        for first, text in _joined(stream, unwrap):
            yield Line(f"{name}:{first}", text)


def _joined(lines: Iterable[str], unwrap: bool) -> Iterator[tuple[int, str]]:
    """Stripped lines with their numbers; with `unwrap`, each run of lines as one, with its first number."""
    numbered = ((number, line.strip()) for number, line in enumerate(lines, 1))
    if not unwrap:
        yield from numbered
        return
    for filled, run in groupby(numbered, key=lambda line: bool(line[1])):
        if filled:
            first, text = next(run)
            yield first, " ".join([text, *(text for _, text in run)])
        else:
            yield from run


def _row_lines(
    file: Pathname, rows: Iterable[Placed], exclude: Exclusion, counts: Counter[str], unwrap: bool
) -> Iterator[Line]:
    separate = False
    for at, row in rows:
        if not isinstance(row, dict):
            message = row.message if isinstance(row, DataError) else not_an_object(row).message
            raise DataError(message, path=file, record=at)
        text = row.get("text")
        if not isinstance(text, str):
            raise DataError(f"found {in_json(text)}, expected a string", path=file, record=at, field="text")
        names = [name for name in (row.get("id"), row.get("title")) if isinstance(name, str) and name]
        if exclude.excludes(*names):
            counts["documents_excluded"] += 1
            continue
        if separate:
            yield Line("", "")
        text, replaced = replace_halves(text)  # tokenizers refuse unpaired surrogates
        counts["characters_replaced"] += replaced
        number = at.rpartition(" ")[2]  # of "line 4"
        place, separate = names[0] if names else f"{Path(file).name}:{number}", False
        for _, line in _joined(io.StringIO(text, newline=None), unwrap):  # the same line endings as in text files
            if line:
                separate = True
                yield Line(place, line)
            else:
                counts["blank_lines_dropped"] += 1
