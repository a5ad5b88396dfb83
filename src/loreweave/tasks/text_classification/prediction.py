"""Queries of text classification and their answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.files.rows import Row, field, id_of
from loreweave.errors import DataError
from loreweave.metrics.probabilities import by_name, logit_matrix, softmax
from loreweave.tasks.text_classification.columns import PAIRS, TEXTS, parse_columns
from loreweave.tasks.text_classification.formats import FORMATS, recognise, row_of
from loreweave.tasks.text_classification.record import NUMBER, TextRecord
from loreweave.training.evaluation import Outputs


def query(row: Row, id: str) -> list[TextRecord]:
    """One JSON object with `text`, or with `text` and `text_pair`; other names of texts (`premise`, `hypothesis`) are read too.

    Raises:
        DataError: the text is missing or blank.
    """
    pairs = [pair for pair in PAIRS if set(pair) <= row.keys() and ("text" not in row or pair[0] == "text")]
    names = pairs[0] if pairs else None
    first, second = names or (next((name for name in TEXTS if name in row), "text"), "text_pair")
    text = field(row, first, str)
    pair = None if row.get(second) is None else field(row, second, str)
    if not text.strip() and not (pair or "").strip():
        raise DataError("found a blank text", field=first)
    return [TextRecord(id_of(row, id), text, pair)]


def pair_row(text: str, text_pair: str) -> dict[str, Any]:
    """The query about a pair of texts."""
    return {"text": text, "text_pair": text_pair}


def rows_of_file(path: Path, format: str | None) -> Iterator[tuple[str, Any]]:
    """Queries of a file in one of the formats of training, with their places; labels are not needed.

    A query has the texts as `text` and `text_pair`, and its id. The other columns keep their names.

    Args:
        path: the file.
        format: one of `FORMATS`, which may be followed by the columns. None: recognised.

    Yields:
        (place, fields of the query), or an error instead of them.

    Raises:
        DataError: the names of the columns do not show which one is the text.
    """
    name, colon, given = (format or recognise(path)).partition(":")
    opened = FORMATS[name].open(path, parse_columns(name, given) if colon else {}, ())
    columns = opened.columns
    for number, (place, cells) in enumerate(opened.format.rows(path), 1):
        try:
            row = cells if isinstance(cells, Mapping | DataError) else row_of(cells, opened.keys)
        except DataError as error:
            row = error
        if isinstance(row, DataError):
            yield place, row
            continue
        named = {"text": columns.text, "text_pair": columns.text_pair, "id": columns.id}
        fields = {role: row[key] for role, key in named.items() if key is not None and row.get(key) is not None}
        if name == "glue":  # whose submissions number the texts from 0, and whose parses are no fields of a query
            fields = {"id": str(number - 1)} | fields
            row = {key: cell for key, cell in row.items() if not key.endswith("_parse")}
        yield place, fields | {key: value for key, value in row.items() if key not in (*named.values(), *fields)}


def answer(records: Sequence[TextRecord], outputs: Outputs, labels: Sequence[str]) -> list[dict[str, Any]]:
    """For each record, its texts with the most likely class and the probabilities of all classes, or with the number."""
    if list(labels) == [NUMBER]:
        return [_texts(record) | {"predicted": float(output[0])} for record, output in zip(records, outputs, strict=True)]
    answers = []
    for record, row in zip(records, softmax(logit_matrix(outputs, len(labels))), strict=True):
        scored = by_name(row, labels)
        best = next(iter(scored))
        answers.append(_texts(record) | {"predicted": best, "probability": scored[best], "probabilities": scored})
    return answers


def _texts(record: TextRecord) -> dict[str, Any]:
    pair = {} if record.text_pair is None else {"text_pair": record.text_pair}
    return {"id": record.id, "text": record.text} | pair
