"""Queries of text classification and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from loreweave.corpus.files.rows import Row, field
from loreweave.errors import DataError
from loreweave.tasks.text_classification.record import SCORE, TextRecord
from loreweave.training.evaluation import Outputs


def query(row: Row, id: str) -> list[TextRecord]:
    """One JSON object that asks for the class (or the number) of `text`, or of the pair of `text` and `text_pair`.

    Raises:
        DataError: no such text, or a blank one.
    """
    text = field(row, "text", str)
    pair = None if row.get("text_pair") is None else field(row, "text_pair", str)
    if not text.strip() and not (pair or "").strip():
        raise DataError("found a blank text", field="text")
    return [TextRecord(str(row.get("id", id)), text, pair)]


def answer(records: Sequence[TextRecord], outputs: Outputs, labels: Sequence[str]) -> list[dict[str, Any]]:
    """For each record its texts, and the likeliest class with the probabilities of all, best first; or the number."""
    if list(labels) == [SCORE]:
        return [_texts(record) | {"predicted": float(output[0])} for record, output in zip(records, outputs, strict=True)]
    answers = []
    for record, row in zip(records, probabilities(outputs, labels), strict=True):
        order = np.argsort(-row, kind="stable")
        scored = {labels[column]: round(float(row[column]), 6) for column in order}
        best = labels[order[0]]
        answers.append(_texts(record) | {"predicted": best, "probability": scored[best], "probabilities": scored})
    return answers


def probabilities(outputs: Outputs, labels: Sequence[str]) -> np.ndarray:
    """Of all classes of a record together 1 [records, classes]."""
    logits = np.stack(outputs).astype(np.float64) if outputs else np.zeros((0, len(labels)))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    found: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return found


def _texts(record: TextRecord) -> dict[str, Any]:
    pair = {} if record.text_pair is None else {"text_pair": record.text_pair}
    return {"id": record.id, "text": record.text} | pair
