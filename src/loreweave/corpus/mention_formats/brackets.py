r"""Sentences with their mentions in angle brackets, as people type them: `<Ada|person> wrote a program.`

A file is text with one sentence per line, a JSON object of sentences by id, JSON of rows with `text`, or a table with a
column `text`. Labels follow the mention after bars and are optional. `\<`, `\>`, `\|` and `\\` are the characters themselves;
a backslash before any other character is a backslash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.delimited import DELIMITED_SUFFIXES, cell_rows
from loreweave.corpus.files.json_rows import json_rows
from loreweave.corpus.files.reading import content_suffix, open_text
from loreweave.corpus.files.rows import as_row, field, id_of
from loreweave.corpus.files.tables import is_table
from loreweave.corpus.mention_formats.marked import Item, Mark, Marked, MentionFormat, checked_text, others_of, text_id
from loreweave.errors import DataError

NAME = "brackets"
TEXT_KEYS = ("text", "sentence", "sent")
"""Keys of a row, or names of a table's column, that have the sentence."""

_PIECE = re.compile(r"\\[<>|\\]|[<>|]")
_JSON = re.compile(r'\s*(\{\s*("|\}|$)|\[\s*(["\[{\]]|$))')
_AROUND = 15
Placed = tuple[str, Any]


def rows(path: Path) -> Iterator[Placed]:
    """Rows of a file with their places; each is a sentence, or an object with its text.

    Raises:
        DataError: broken JSON, or a table without a column of texts.
    """
    seen: dict[str, str] = {}
    for place, row in _rows(path):
        id = id_of(row, "") if isinstance(row, Mapping) else ""
        if id in seen:
            yield place, DataError(f"found the id {id!r} again ({seen[id]} has it), expected each id once", field="id")
            continue
        if id:
            seen[id] = place
        yield place, row


def texts(row: Any, number: str) -> Iterator[Item]:
    """A sentence, or an object with `text` (or `sentence`, `sent`) and, if it has one, an `id`.

    Raises:
        DataError: brackets that do not belong together, or have no mention inside.
    """
    if isinstance(row, str):
        row = {"text": row}
    row = as_row(row)
    key = next((key for key in TEXT_KEYS if key in row), "text")
    text, marks = parse_brackets(field(row, key, str), key)
    yield from checked_text(Marked(text_id(row, number), text, marks, metadata=others_of(row, key)), name=NAME)


def parse_brackets(typed: str, name: str = "text") -> tuple[str, list[Mark]]:
    """The sentence without brackets, and its mentions with their labels.

    White space at the edges of a mention is part of the sentence; `checked_text` leaves it out of the mention.

    Args:
        typed: the sentence as typed.
        name: name of the field, for messages.

    Raises:
        DataError: a bracket without its counterpart, brackets inside brackets, no mention in brackets, or a blank label.
    """
    text, marks, place, start = "", list[Mark](), 0, -1
    labels: list[str] = []  # the text after each bar of an open mention
    opened = 0
    for found in _PIECE.finditer(typed):
        piece, before = found.group(), typed[place : found.start()]
        place = found.end()
        text, labels = _added(text, labels, before)
        if piece[0] == "\\":
            text, labels = _added(text, labels, piece[1])
        elif piece == "<":
            if start >= 0:
                raise _error("'<' inside a mention", "'>' before it", typed, found.start(), name)
            start, opened = len(text), found.start()
        elif piece == "|":
            if start < 0:
                text += piece
            else:
                labels.append("")
        else:
            if start < 0:
                raise _error("'>' without '<' before it", "pairs of brackets", typed, found.start(), name)
            if not text[start:].strip():
                raise _error("brackets without a mention", "characters in them", typed, opened, name)
            if not all(label.strip() for label in labels):
                raise _error("a blank label", "a name after each '|'", typed, opened, name)
            marks.append(Mark(start, len(text), tuple(label.strip() for label in labels)))
            start, labels = -1, []
    if start >= 0:
        raise _error("'<' without '>' after it", "pairs of brackets", typed, opened, name)
    return text + typed[place:], marks


def is_json(path: Path, first: str) -> bool:
    """Whether a file is JSON, by its name or its first line that is not blank."""
    return content_suffix(path) in (".json", ".jsonl", ".ndjson") or _JSON.match(first) is not None


def _added(text: str, labels: list[str], more: str) -> tuple[str, list[str]]:
    """The text, or the label that is being read, with more characters."""
    return (text, [*labels[:-1], labels[-1] + more]) if labels else (text + more, labels)


def _error(found: str, expected: str, typed: str, place: int, name: str) -> DataError:
    around = typed[max(0, place - _AROUND) : place + _AROUND]
    way_out = r"write \< and \> for the characters"
    return DataError(f"found {found} at {around!r}, expected {expected} ({way_out})", field=name)


def _rows(path: Path) -> Iterator[Placed]:
    if is_table(path):
        yield from json_rows(path)
    elif content_suffix(path) in DELIMITED_SUFFIXES:
        yield from _table_rows(path)
    else:
        with open_text(path) as file:
            first = next((line for line in file if not line.isspace()), "")
        yield from _json(path) if is_json(path, first) else _lines(path)


def _json(path: Path) -> Iterator[Placed]:
    """Rows of JSON; an object of sentences by id is one row per sentence."""
    number = 0
    for place, row in json_rows(path):
        if not isinstance(row, Mapping) or not _is_sentences(row):
            number += 1
            yield place, row
            continue
        for id, sentence in row.items():
            number += 1
            yield f"record {number}", {"id": id, "text": sentence}


def _is_sentences(row: Mapping[str, Any]) -> bool:
    return bool(row) and "id" not in row and not any(key in row for key in TEXT_KEYS)


def _lines(path: Path) -> Iterator[Placed]:
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            if not line.isspace():
                yield f"line {number}", {"id": str(number), "text": line.strip()}


def _table_rows(path: Path) -> Iterator[Placed]:
    lines = cell_rows(path)
    _, header = next(lines, (1, []))
    names = [name.strip().lower() for name in header]
    if not any(key in names for key in TEXT_KEYS) or len(set(names)) < len(names):
        found = f"found the columns {listed(map(repr, header), shown=4)}" if header else "found an empty table"
        expected = "a first line that names each column once, one of them text (or sentence, sent)"
        raise DataError(f"{found}, expected {expected}", path=path, line=1)
    for line, cells in lines:
        if len(cells) != len(names):
            yield f"line {line}", DataError(f"found {counted(len(cells), 'cell')}, expected {len(names)} as in the first line")
        else:
            yield f"line {line}", {name: cell for name, cell in zip(names, cells, strict=True) if cell or name in TEXT_KEYS}


def _recognises(path: Path, row: Any) -> bool:
    """An object of sentences that all have brackets; files of other layouts have to be named by --format."""
    if not isinstance(row, Mapping) or not _is_sentences(row) or content_suffix(path) == ".jsonl":
        return False  # an object per line is a record of another layout
    return all(isinstance(value, str) and _is_marked(value) for value in row.values())


def _is_marked(typed: str) -> bool:
    try:
        return bool(parse_brackets(typed)[1])
    except DataError:
        return False


FORMAT = MentionFormat(
    'sentences with <mentions> or <mentions|label> in angle brackets: text, JSON {"id": "sentence"}, JSON, tables; '
    "must be given by --format unless it is a JSON object of sentences",
    '{"s1": "<Mia|PER> left <Oslo|LOC>."}',
    texts,
    _recognises,
    rows,
)
