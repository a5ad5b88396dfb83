"""Input of `loreweave predict`: plain text and JSON, from files, folders and standard input."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.delimited import DELIMITED_SUFFIXES
from loreweave.corpus.files.json_rows import json_rows
from loreweave.corpus.files.missing import file_not_found
from loreweave.corpus.files.reading import (
    FOUND_UTF16,
    UTF16_MARKS,
    content_suffix,
    line_value,
    lines_of_bytes,
    naming_broken,
    not_an_object,
    open_binary,
)
from loreweave.corpus.files.tables import is_table
from loreweave.corpus.files.writing import is_temporary
from loreweave.corpus.mention_formats.brackets import NAME as BRACKETS
from loreweave.corpus.mention_formats.brackets import rows as bracket_rows
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import QueryFiles
from loreweave.tasks.files.marked_queries import MarkedQueries, has_marked_sentences, queries_of_rows
from loreweave.tasks.jobs.queries import BLOCK, Query

FORMATS = {"text": "plain text, one query per line; blank lines are skipped", "jsonl": "JSON Lines, or a JSON list"}
STANDARD_INPUT = "-"
_CALLED = "standard input"

_JSON_SUFFIXES = (".jsonl", ".json", ".ndjson")
_FOLDER_SUFFIXES = (".txt", *_JSON_SUFFIXES)
_TABLE = "table"
_LOOKED_AT = 20
"""Number of lines that determine the format; only the first line of a pipe, whose lines are answered as they come."""

_JSON_START = re.compile(r'\s*(\{\s*("|\}|$)|\[\s*(\{|\[|\]|$))')
_TAG = re.compile(r"O|[BIESLUM]-\S+")

Line = tuple[int, str | DataError]


def block_size(names: Sequence[str], standard_input: TextIO, batch_size: int) -> int:
    """Number of queries to read before they are answered: many for a file, a batch for a pipe, one on a terminal."""
    if STANDARD_INPUT not in names:
        return BLOCK
    return 1 if standard_input.isatty() else batch_size


def read_queries(
    names: Sequence[str],
    standard_input: TextIO,
    *,
    format: str | None = None,
    asks: Sequence[str] = ("text",),
    tables: QueryFiles | None = None,
    marked: MarkedQueries | None = None,
    report: Callable[[str], None] = print,
) -> Iterator[Query]:
    """Queries of files, of folders, and of standard input for `-`.

    In plain text, each non-blank line is a query, `text`, whose id is the number of the line. In JSON, each object is
    a query, whose id is its own or its number. In a folder, all .txt, .json and .jsonl files are read, including those of
    subfolders, sorted by name.

    Args:
        names: files and folders.
        standard_input: read for `-`.
        format: one of `FORMATS` or of `tables`, or `brackets` if there is `marked`. Default: by the suffix (.json, .jsonl,
            .csv, .tsv) or the content.
        asks: the fields of a query; plain text has only `text`.
        tables: tables that the task reads; None: tables are refused.
        marked: (a text, its mentions) -> queries, for a task whose queries have mentions: plain text then has them in angle
            brackets. None: plain text has no brackets.
        report: called with what was left out.

    Yields:
        Queries; for a broken line with the error instead of the fields.

    Raises:
        ConfigurationError: an unknown format, or plain text for a task whose queries have more fields.
        DataError: a file is missing or neither text nor JSON, or there is no query in any file.
    """
    known = (*FORMATS, *((BRACKETS,) if marked is not None else ()), *(tables.formats if tables is not None else ()))
    if format is not None and format not in FORMATS and format.partition(":")[0] not in known[len(FORMATS) :]:
        raise ConfigurationError(f"--format: found {format!r}, expected {' or '.join(known)}")
    if format is not None and format not in (*FORMATS, BRACKETS) and STANDARD_INPUT in names:
        raise ConfigurationError(f"--format {format} needs a file, found standard input")
    suffixes = _FOLDER_SUFFIXES if tables is None else (*_FOLDER_SUFFIXES, *DELIMITED_SUFFIXES)
    files = [file for name in names for file in _files(name, suffixes, report)]
    return _read(names, files, standard_input, _Reading(format, tuple(asks), tables, marked), report)


@dataclass(frozen=True)
class _Reading:
    """See `read_queries`."""

    format: str | None
    asks: tuple[str, ...]
    tables: QueryFiles | None
    marked: MarkedQueries | None


def _read(
    names: Sequence[str],
    files: Sequence[str],
    standard_input: TextIO,
    reading: _Reading,
    report: Callable[[str], None],
) -> Iterator[Query]:
    several = len(files) > 1 or files != list(names)  # also for a folder with a single file
    total = 0
    for file in files:
        before = total
        where = {"file": file} if several else {}
        for query in _queries(file, standard_input, reading, where):
            total += 1
            yield query
        if several and total == before:
            report(f"{file}: found no query")
    if total == 0:
        found = listed((_CALLED if file == STANDARD_INPUT else file for file in files), shown=3)
        raise DataError(f"{found}: found no query, expected lines of text or JSON objects")


def _files(name: str, suffixes: tuple[str, ...], report: Callable[[str], None]) -> Iterator[str]:
    """Files that a name stands for; of a folder those with these suffixes."""
    path = Path(name)
    if name != STANDARD_INPUT and not path.exists():
        raise file_not_found(name)
    if name == STANDARD_INPUT or not path.is_dir() or is_table(path):
        yield name
        return
    inside = sorted(each for each in path.rglob("*") if each.is_file() and not _is_hidden(each.relative_to(path)))
    taken = [each for each in inside if content_suffix(each) in suffixes]
    if not taken:
        raise DataError(f"found no file with a name that ends in {', '.join(suffixes)}", path=path)
    if others := [each for each in inside if each not in set(taken)]:
        shown = listed(each.relative_to(path) for each in others)
        report(f"{path}: left out {counted(len(others), 'file')} of neither text nor JSON: {shown}")
    yield from map(str, taken)


def _is_hidden(path: Path) -> bool:
    return is_temporary(path.name) or any(part.startswith(".") for part in path.parts)


def _queries(file: str, standard_input: TextIO, reading: _Reading, where: dict[str, Any]) -> Iterator[Query]:
    path, piped = Path(file), file == STANDARD_INPUT
    called, format = _CALLED if piped else file, reading.format
    if reading.marked is not None and not piped and (format == BRACKETS or (format is None and has_marked_sentences(path))):
        yield from queries_of_rows(bracket_rows(path), called, reading.marked, where)
        return
    if reading.tables is not None and format not in (None, *FORMATS):
        yield from _of_rows(reading.tables.rows(path, format), called, where)
        return
    if not piped and is_table(path):
        yield from _of_rows(json_rows(path), called, where)
        return
    with _opened(file, standard_input) as raw:
        lines = _lines(raw, called)
        first = list(islice(lines, 1 if piped else _LOOKED_AT))
        if not first:
            return
        tables = None if piped else reading.tables
        chosen = format or _recognise(path, called, [line for _, line in first if isinstance(line, str)], tables)
        if chosen == _TABLE and tables is not None:
            yield from _of_rows(tables.rows(path, None), called, where)
            return
        if chosen == BRACKETS and isinstance(first[0][1], str) and _JSON_START.match(first[0][1]):
            raise ConfigurationError(f"--format {BRACKETS}: found JSON on {called}, expected lines of text; JSON needs a file")
        if chosen in ("text", BRACKETS) and reading.marked is not None:
            rows = ((f"line {number}", line) for number, line in chain(first, lines))
            yield from queries_of_rows(rows, called, reading.marked, where)
            return
        if chosen == "text":
            _refuse_text(called, reading.asks)
            for number, line in chain(first, lines):
                row = line if isinstance(line, DataError) else {"text": line}
                yield Query(f"{called}, line {number}", str(number), row, {**where, "line": number})
            return
        if piped and not _is_object(first[0], path) and not standard_input.isatty():
            first += islice(lines, 1)
        if not _goes_over_lines(first, path, alone=not piped):
            values = ((f"line {number}", _row(number, line, path)) for number, line in chain(first, lines))
            yield from _of_rows(values, called, where)
        elif piped:
            yield from _of_rows(_spooled(chain(first, lines)), called, where)
        else:
            yield from _of_rows(json_rows(path), called, where)


def _recognise(path: Path, called: str, lines: Sequence[str], tables: QueryFiles | None) -> str:
    """Whether a file is JSON, plain text, or one of the `tables`, by its name or its first lines.

    Raises:
        ConfigurationError: it looks like something else.
    """
    if content_suffix(path) in _JSON_SUFFIXES or (lines and _JSON_START.match(lines[0])):
        return "jsonl"
    rest = "expected one text per line or JSON Lines (--format text reads each line as a text)"
    if content_suffix(path) in DELIMITED_SUFFIXES or (len(lines) > 1 and all("\t" in line for line in lines)):
        if tables is not None:
            return _TABLE
        raise ConfigurationError(f"{called}: found a table, {rest}")
    last = [line.split()[-1] for line in lines if len(line.split()) > 1]
    if len(last) > 1 and len(last) >= 0.9 * len(lines) and all(_TAG.fullmatch(word) for word in last):
        raise ConfigurationError(f"{called}: found columns of words and tags, {rest}")
    if any(ord(character) < 32 and character not in "\t\f\v\x1b" for line in lines for character in line):
        raise ConfigurationError(f"{called}: found control characters, {rest}")
    return "text"


def _refuse_text(called: str, asks: Sequence[str]) -> None:
    if tuple(asks) != ("text",):
        raise ConfigurationError(
            f"{called}: found plain text, expected JSON Lines, one object per line with {', '.join(asks)}: a text alone does "
            "not have the fields of a query"
        )


@contextmanager
def _opened(file: str, standard_input: TextIO) -> Iterator[Iterable[bytes]]:
    """Lines of a file or of standard input, unchanged."""
    if file == STANDARD_INPUT:
        raw = getattr(standard_input, "buffer", None)
        yield raw if raw is not None else (line.encode("utf-8", "surrogatepass") for line in standard_input)
        return
    with open_binary(file) as opened, naming_broken(file):
        yield opened


def _lines(raw: Iterable[bytes], called: str) -> Iterator[Line]:
    """Numbered lines that are not blank, without line ends; an error instead of a line that is not UTF-8.

    Raises:
        DataError: the first line begins with the byte-order mark of UTF-16.
    """
    for number, line in enumerate(lines_of_bytes(raw), 1):
        if number == 1 and line.startswith(UTF16_MARKS):
            raise DataError(FOUND_UTF16, path=called, line=1)
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            place = f"byte {error.start} of the line ({error.reason})"
            yield number, DataError(f"found bytes that are not UTF-8 at {place}, expected UTF-8 text")
            continue
        if text.strip():
            yield number, text


def _row(number: int, line: str | DataError, path: Path) -> Any:
    return line if isinstance(line, DataError) else line_value(number, line, path)


def _is_object(line: Line, path: Path) -> bool:
    return isinstance(_row(*line, path), dict)


def _goes_over_lines(first: Sequence[Line], path: Path, *, alone: bool) -> bool:
    """Whether the JSON is a list, or objects over several lines, by its first two lines; or may be a wrapper object, if it is
    `alone` on its line in a file."""
    (_, head), second = first[0], first[1][1] if len(first) > 1 else None
    if isinstance(head, DataError):
        return False
    if not head.lstrip().startswith("{"):
        return head.lstrip().startswith("[")
    if _is_object(first[0], path):
        return alone and second is None
    return second is None or not (isinstance(second, str) and second.lstrip().startswith("{"))


def _spooled(lines: Iterable[Line]) -> Iterator[tuple[str, Any]]:
    """Rows of JSON on standard input that has to be read completely."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "queries.json"
        with path.open("w", encoding="utf-8", newline="\n") as file:
            written = 0
            for number, line in lines:
                if isinstance(line, DataError):
                    raise DataError(line.message, path=_CALLED, line=number)
                file.write("\n" * (number - 1 - written) + line + "\n")
                written = number
        try:
            yield from json_rows(path)
        except DataError as error:
            raise DataError(error.message, path=_CALLED, line=error.line) from None


def _of_rows(rows: Iterable[tuple[str, Any]], called: str, where: dict[str, Any]) -> Iterator[Query]:
    """Queries from rows with their places, "line 3" or "record 3"."""
    for number, (place, row) in enumerate(rows, 1):
        kind, _, at = place.partition(" ")
        if not isinstance(row, dict | DataError):
            row = not_an_object(row)
        yield Query(f"{called}, {place}", str(number), row, {**where, kind: int(at)})
