"""Texts for pre-training in any format: annotated text with ids and links, Wikispeedia, and all annotated sentences.

Annotated text is read as it is (`corpus.annotated_text`). Every other format is read by the reader of annotated sentences;
most of these formats have labels of mentions and no entities.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_sentences import (
    FORMATS,
    first_row,
    has_rows,
    is_format,
    looked_at,
    recognise,
    sentence_files,
    stream_sentences,
)
from loreweave.corpus.annotated_text import AnnotatedText, placed_annotated_texts, text_files, unread_files
from loreweave.corpus.column_formats.layout import find_layout
from loreweave.corpus.counts import listed
from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import BINARY_SUFFIXES, check_not_empty
from loreweave.corpus.mention_formats import recognised_mentions
from loreweave.corpus.wikispeedia import read_wikispeedia
from loreweave.errors import ConfigurationError, DataError

PlacedText = tuple[str, AnnotatedText]
"""Place in the file or the folder ("line 4"), and the text."""
WIKISPEEDIA = "wikispeedia"
ANNOTATED, ANNOTATED_UTF16 = "annotated", "annotated:utf16"
_OURS = "annotated-text"
"""Name of annotated text among the formats of annotated sentences, with which ids are optional."""
_SAME = {ANNOTATED: ANNOTATED, ANNOTATED_UTF16: ANNOTATED_UTF16, _OURS: ANNOTATED, f"{_OURS}:utf16": ANNOTATED_UTF16}
BAD = "bad text"
SHOWN = 8
"""Number of names in a note."""


def text_formats() -> list[str]:
    """Names of all formats, without those of `FORMATS` that only add `:utf16` or columns."""
    return [ANNOTATED, ANNOTATED_UTF16, WIKISPEEDIA, *(name for name in FORMATS if name != _OURS)]


def check_format(format: str | None) -> None:
    """Refuse the name of an unknown format.

    Raises:
        ConfigurationError: names the formats.
    """
    if format is not None and format not in (*_SAME, WIKISPEEDIA) and not is_format(format):
        close = get_close_matches(format, text_formats(), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigurationError(f"--format: unknown format {format!r}{hint} (texts have {', '.join(text_formats())})")


def stream_texts(
    path: Path,
    account: ReadResult[Any],
    format: str | None = None,
    skip_bad: bool = False,
    names: Sequence[str] | None = None,
    prefix: str = "",
) -> Iterator[PlacedText]:
    """Yield every text of a file, or of all files of a folder, sorted by name, with its place.

    Args:
        path: file, folder, or a pipe of annotated text as JSON Lines.
        account: receives the counts of what is left out, and notes about the file; its records and places do not change.
        format: one of `text_formats`. Default: recognised by the first record.
        skip_bad: skip, count and list texts that cannot be read, instead of raising the first error.
        names: names of tags that are numbers, from 0.
        prefix: text before the number that is the id of a text without an id. Annotated text needs ids.

    Raises:
        DataError: names the file, the line and the field; or a file looks like plain text.
        ConfigurationError: unknown format.
    """
    check_format(format)
    if format == WIKISPEEDIA:
        yield from ((f"article {number}", text) for number, text in enumerate(read_wikispeedia(path), 1))
        return
    ours = _SAME.get(format) if format is not None else ANNOTATED if _is_annotated_text(path) else None
    if ours is not None:
        yield from _annotated_texts(path, account, skip_bad, utf16=ours == ANNOTATED_UTF16)
        return
    if format is None:
        _refuse_plain_text(path)
    sentences = stream_sentences(path, account, format, skip_bad, names, prefix)
    for sentence in looked_at(sentences, path, account):
        yield sentence.place, sentence.text


def _refuse_plain_text(path: Path) -> None:
    """Refuse files that are only columns because nothing else fits, and whose last columns are no tags.

    Raises:
        DataError: a file looks like plain text, or its format or its columns are not recognised.
    """
    for file in sentence_files(path):
        check_not_empty(file)
        if recognise(file) == "columns" and find_layout(file).labels_every_word:
            found = "found neither annotated text nor tags such as O and B-person: it looks like plain text"
            way_out = "'loreweave build text-blocks' reads plain text; for columns of words and labels, give --format columns"
            raise DataError(f"{found}; {way_out}", path=file)


def _annotated_texts(path: Path, account: ReadResult[Any], skip_bad: bool, *, utf16: bool) -> Iterator[PlacedText]:
    if unread := unread_files(path):
        account.notes.append(f"read only the .json, .jsonl and .parquet files of the folder, not {listed(unread, SHOWN)}")
    for file, place, found in placed_annotated_texts(path, utf16):
        place = place if file == path else f"{file.name}, {place}"
        if not isinstance(found, DataError):
            yield place, found
        elif skip_bad:
            account.leave_out(BAD, f"{place}: {found.message}")
        else:
            raise found


def _is_annotated_text(path: Path) -> bool:
    """Whether a file is read as annotated text, or the first file of a folder that can be, and no other has another format.

    Raises:
        DataError: several formats are possible, or all rows of the first file are broken.
    """
    if not path.is_dir():
        return _is_annotated_file(path)
    try:
        files = text_files(path)
    except DataError:
        return False
    return _is_annotated_file(files[0]) and not any(map(_has_another_format, files[1:]))


def _is_annotated_file(path: Path) -> bool:
    """Whether a file is read as annotated text.

    So is what cannot be read twice, an empty file, and rows of no known format that have a `text` or `mentions`: the reader
    of annotated text says what they lack.
    """
    if not path.is_file() or (path.suffix not in BINARY_SUFFIXES and first_character(path) == ""):
        return True
    row = first_row(path) if has_rows(path) else None
    found = None if row is None else recognised_mentions(path, row)
    return found == _OURS or (found is None and isinstance(row, Mapping) and bool({"text", "mentions"} & row.keys()))


def _has_another_format(path: Path) -> bool:
    """Whether a file is certainly no annotated text; a broken one is read as such, so that its texts are counted as bad."""
    try:
        row = first_row(path) if has_rows(path) else None
        return row is not None and recognised_mentions(path, row) not in (None, _OURS)
    except DataError:
        return False
