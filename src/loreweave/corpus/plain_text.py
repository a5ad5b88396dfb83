"""Plain text in documents of lines: text files with blank lines between documents, or JSON Lines with `text`."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from loreweave.corpus.files import Pathname, content_suffix, open_text, read_json_lines
from loreweave.corpus.surrogates import replace_halves
from loreweave.errors import DataError


class Line(NamedTuple):
    """A line without white space around it; an empty one ends the document."""

    place: str
    """Where the line comes from: the document's own id, or file name and line number."""
    text: str


def read_lines(files: Iterable[Pathname], exclude: Collection[str] = (), counts: Counter[str] | None = None) -> Iterator[Line]:
    """Yield the lines of all files in order, with an empty line between two documents (and between two files).

    A `.jsonl` file has one document a row, with the lines of its `text`; blank lines inside it separate nothing. Any
    other file is UTF-8 text whose blank lines separate documents. Both may be compressed (.gz, .xz, .bz2).

    Args:
        exclude: `id` or `title` of JSON Lines documents to leave out.
        counts: gets `files`, `documents_excluded`, `blank_lines_dropped` and `characters_replaced`.

    Raises:
        DataError: a file cannot be read, is not UTF-8, or has a row without a string `text`; file and line are named.
    """
    counts = Counter() if counts is None else counts
    inside = False  # whether a document has begun
    for file in files:
        counts["files"] += 1
        if inside:
            yield Line("", "")
            inside = False
        rows = _json_lines if content_suffix(file) == ".jsonl" else _text_lines
        for line in rows(file, frozenset(exclude), counts):
            inside = bool(line.text)
            yield line


def _text_lines(file: Pathname, exclude: frozenset[str], counts: Counter[str]) -> Iterator[Line]:
    name = Path(file).name
    with open_text(file) as stream:
        for number, text in enumerate(stream, 1):
            yield Line(f"{name}:{number}", text.strip())


def _json_lines(file: Pathname, exclude: frozenset[str], counts: Counter[str]) -> Iterator[Line]:
    separate = False
    for number, row in read_json_lines(file):
        text = row.get("text")
        if not isinstance(text, str):
            raise DataError(f"found {text!r}, expected a string", path=file, line=number, field="text")
        names = [name for name in (row.get("id"), row.get("title")) if isinstance(name, str) and name]
        if not exclude.isdisjoint(names):
            counts["documents_excluded"] += 1
            continue
        if separate:
            yield Line("", "")
        text, replaced = replace_halves(text)  # no tokenizer takes half a character
        counts["characters_replaced"] += replaced
        place, separate = names[0] if names else f"{Path(file).name}:{number}", False
        for line in io.StringIO(text, newline=None):  # the same line ends as in text files
            if line := line.strip():
                separate = True
                yield Line(place, line)
            else:
                counts["blank_lines_dropped"] += 1
