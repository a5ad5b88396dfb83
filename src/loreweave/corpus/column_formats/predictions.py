"""Predicted mentions in the column formats of annotated sentences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_sentences import recognise
from loreweave.corpus.column_formats.formats import COLUMN_FORMATS
from loreweave.corpus.column_formats.predicted_columns import PredictedText
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import FileFormat, stream_records
from loreweave.errors import DataError


def read_predicted_sentences(path: Path, types: Collection[str], nested: bool) -> tuple[list[PredictedText], Sequence[str]]:
    """Texts of a file of predictions in one of `COLUMN_FORMATS`, and notes about the file.

    Args:
        path: the file.
        types: types of the gold file.
        nested: whether the gold file has nested mentions.

    Raises:
        DataError: names the file and the line; or the file has no columns.
    """
    name = recognise(path)
    if name not in COLUMN_FORMATS:
        expected = f"JSON Lines with 'predicted', {' or '.join(COLUMN_FORMATS)}"
        raise DataError(f"found the format {name}, expected {expected}", path=path)
    format = COLUMN_FORMATS[name]
    if format.predicted is not None:
        return format.predicted(path, types, nested)
    opened = format.open(path)
    records = stream_records(path, FileFormat(format.summary, opened.texts, opened.rows), False, ReadResult[Any]([]))
    return [PredictedText(text) for _, text in records], opened.notes
