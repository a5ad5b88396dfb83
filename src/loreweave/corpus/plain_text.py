"""Plain text as documents of lines: text files with blank lines between documents, or tables with a column `text`."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from loreweave.corpus.files.reading import Pathname, content_suffix, open_text, read_json_lines
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.files.surrogates import replace_halves
from loreweave.errors import DataError


class Line(NamedTuple):
    """The line without surrounding white space; an empty one ends the document."""

    place: str
    """Source of the line: the document's own id, or file name and line number."""
    text: str


def read_lines(
    files: Iterable[Pathname], exclude: Collection[str] = (), counts: Counter[str] | None = None, *, unwrap: bool = False
) -> Iterator[Line]:
    """Yield the lines of all files in order, with an empty line between two documents (and between two files).

    A `.jsonl` or `.parquet` file, or a folder saved by `datasets`, has one document per row, with the lines of its `text`;
    blank lines inside it do not separate documents. Any other file is UTF-8 text whose blank lines separate documents. Text
    files may be compressed (.gz, .xz, .bz2).

    Args:
        exclude: `id` or `title` of documents to exclude, if they are rows.
        counts: receives `files`, `documents_excluded`, `blank_lines_dropped` and `characters_replaced`.
        unwrap: join consecutive lines with spaces, for text whose lines were wrapped at a width.

    Raises:
        DataError: a file cannot be read, is not UTF-8, or has a row without a string `text`; names file and line.
    """
    counts = Counter() if counts is None else counts
    inside = False  # whether a document has begun
    for file in files:
        counts["files"] += 1
        if inside:
            yield Line("", "")
            inside = False
        rows = _rows(file)
        lines = _text_lines(file, unwrap) if rows is None else _row_lines(file, rows, frozenset(exclude), counts, unwrap)
        for line in lines:
            inside = bool(line.text)
            yield line


def _rows(file: Pathname) -> Iterator[tuple[int, Mapping[str, Any]]] | None:
    """Numbered rows of a table; None for a text file."""
    path = Path(file)
    if path.is_dir():
        return _data_set_rows(path)
    if path.suffix == ".parquet":
        return _parquet_rows(path)
    return read_json_lines(file) if content_suffix(file) == ".jsonl" else None


def _data_set_rows(folder: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    from datasets import Dataset, load_from_disk

    if not (folder / "state.json").is_file():
        raise DataError("found a folder without state.json, expected one that datasets' save_to_disk wrote", path=folder)
    dataset = load_from_disk(str(folder))
    assert isinstance(dataset, Dataset)  # a dictionary of splits has no state.json
    yield from enumerate(dataset, 1)


def _parquet_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"found no Parquet file that can be read ({error})", path=path) from None
    number = 0
    for batch in table.iter_batches():
        for row in batch.to_pylist():
            number += 1
            yield number, row


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
    file: Pathname,
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    exclude: frozenset[str],
    counts: Counter[str],
    unwrap: bool,
) -> Iterator[Line]:
    separate = False
    for number, row in rows:
        text = row.get("text")
        if not isinstance(text, str):
            raise DataError(f"found {in_json(text)}, expected a string", path=file, line=number, field="text")
        names = [name for name in (row.get("id"), row.get("title")) if isinstance(name, str) and name]
        if not exclude.isdisjoint(names):
            counts["documents_excluded"] += 1
            continue
        if separate:
            yield Line("", "")
        text, replaced = replace_halves(text)  # tokenizers refuse unpaired surrogates
        counts["characters_replaced"] += replaced
        place, separate = names[0] if names else f"{Path(file).name}:{number}", False
        for _, line in _joined(io.StringIO(text, newline=None), unwrap):  # the same line endings as in text files
            if line:
                separate = True
                yield Line(place, line)
            else:
                counts["blank_lines_dropped"] += 1
