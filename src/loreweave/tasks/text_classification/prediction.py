"""Queries of text classification and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loreweave.corpus.files.rows import Row, field
from loreweave.errors import DataError
from loreweave.metrics.probabilities import by_name, logit_matrix, softmax
from loreweave.tasks.text_classification.columns import PAIRS, TEXTS
from loreweave.tasks.text_classification.record import NUMBER, TextRecord
from loreweave.training.evaluation import Outputs


def query(row: Row, id: str) -> list[TextRecord]:
    """One JSON object with `text`, or with `text` and `text_pair`; other names of texts (`premise`, `hypothesis`) are read too.

    Raises:
        DataError: the text is missing or blank.
    """
    names = ("text", "text_pair") if "text" in row else next((pair for pair in PAIRS if set(pair) <= row.keys()), None)
    first, second = names or (next((name for name in TEXTS if name in row), "text"), "text_pair")
    text = field(row, first, str)
    pair = None if row.get(second) is None else field(row, second, str)
    if not text.strip() and not (pair or "").strip():
        raise DataError("found a blank text", field=first)
    return [TextRecord(str(row.get("id", id)), text, pair)]


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
