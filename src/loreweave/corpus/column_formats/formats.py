"""Formats with words in columns, by name. A new one is a row of `COLUMN_FORMATS`; every command then reads it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loreweave.corpus.column_formats.conllu import is_conllu
from loreweave.corpus.column_formats.conllu_misc import find_misc
from loreweave.corpus.column_formats.layout import ColumnLayout, find_layout
from loreweave.corpus.column_formats.predicted_columns import PredictedText, predicted_columns
from loreweave.corpus.column_formats.sentences import Item, Rows, column_rows, column_texts, conllu_rows, conllu_texts
from loreweave.errors import DataError


@dataclass(frozen=True)
class OpenedFile:
    """Format of one file, with what was found out about it.

    Attributes:
        texts: (a row, its number) -> its texts, and what was left out; raises a DataError for a bad row.
        rows: rows of the file, each with its place.
        notes: unusual properties of the file, one line each.
    """

    texts: Callable[[Any, str], Iterable[Item]]
    rows: Rows
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class ColumnFormat:
    """One format.

    Attributes:
        summary: one line of help.
        open: file -> how it is read; raises a DataError for a file of another format.
        recognises: file -> whether it has this format. None: it has, if it has no other.
        predicted: (file of predictions, types of the gold file, whether that has nested mentions) -> its texts, and notes.
            None: predictions are read like every file of the format.
    """

    summary: str
    open: Callable[[Path], OpenedFile]
    recognises: Callable[[Path], bool] | None = None
    predicted: Callable[[Path, Collection[str], bool], tuple[list[PredictedText], Sequence[str]]] | None = None


def open_columns(path: Path, chosen: ColumnLayout | None = None) -> OpenedFile:
    """Find the columns of a file; CoNLL-U without a column of tags is read as that.

    Args:
        path: the file.
        chosen: its columns. Default: they are recognised.

    Raises:
        DataError: see `find_layout`.
    """
    if chosen is None and is_conllu(path) and not _has_tags(path):
        found = open_conllu(path)
        return replace(found, notes=["the file is CoNLL-U, and read as that", *found.notes])
    layout = find_layout(path, chosen)
    return OpenedFile(column_texts, column_rows(layout), layout.notes)


def open_conllu(path: Path) -> OpenedFile:
    """Find where the mentions of a CoNLL-U file are.

    Raises:
        DataError: see `find_misc`.
    """
    misc = find_misc(path)
    return OpenedFile(conllu_texts, conllu_rows(misc), misc.notes)


def _has_tags(path: Path) -> bool:
    """Whether a column of a file has tags with prefixes, so that a file of CoNLL-U can be read as columns too."""
    try:
        return find_layout(path).prefixed
    except DataError:
        return False


COLUMN_FORMATS: dict[str, ColumnFormat] = {
    "columns": ColumnFormat(
        "a token and its tag per line (IOB1, IOB2, BIOES, BILOU, BMES or labels alone); columns:1,3 chooses the columns",
        open_columns,
        predicted=predicted_columns,
    ),
    "conllu": ColumnFormat(
        "CoNLL-U with Entity=(..., NER=B-..., name=B-... or B-... in its last column", open_conllu, is_conllu
    ),
}
"""Name of `--format` -> the format. A file that several recognise has the first of them."""


def recognised_columns(path: Path) -> str:
    """Name of the format of a text file that is not JSON."""
    found = (name for name, format in COLUMN_FORMATS.items() if format.recognises is not None and format.recognises(path))
    return next(found, "columns")
