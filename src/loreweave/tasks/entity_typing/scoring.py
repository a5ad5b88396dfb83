"""Logits and gold types to numbers, predictions and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from loreweave.metrics.multilabel import multilabel_scores, per_label, predicted_labels
from loreweave.tasks.entity_typing.reader import TypingRecord, gold_rows
from loreweave.training.inference import Evaluation, Outputs

METRICS = tuple(multilabel_scores(np.zeros((1, 1)), np.zeros((1, 1))))


def score(records: Sequence[TypingRecord], outputs: Outputs, labels: Sequence[str]) -> Evaluation:
    """Micro (the papers' numbers), loose macro and strict scores; a type is predicted where its logit is above 0."""
    logits = _matrix(outputs, labels)
    gold = np.array(list(gold_rows(records, labels)), dtype=np.uint8).reshape(len(records), len(labels))
    predicted = predicted_labels(logits)
    rows = [
        _span(record) | {"predictions": _names(guess, labels), "labels": _names(truth, labels)}
        for record, guess, truth in zip(records, predicted, gold, strict=True)
    ]
    arrays = {"logits": logits, "labels": gold, "ids": np.array([r.id for r in records], dtype=str)}
    arrays["label_list"] = np.array(labels, dtype=str)
    tables = {"per_label": per_label(predicted, gold, labels)}
    return Evaluation(multilabel_scores(predicted, gold), rows, arrays, tables)


def answer(records: Sequence[TypingRecord], outputs: Outputs, labels: Sequence[str]) -> list[dict[str, Any]]:
    """For each record its span, its predicted types with probabilities (best first), and all probabilities."""
    probabilities = 1 / (1 + np.exp(-_matrix(outputs, labels).astype(np.float64)))
    answers = []
    for record, row in zip(records, probabilities, strict=True):
        order = np.argsort(-row, kind="stable")
        scored = {labels[column]: round(float(row[column]), 6) for column in order}
        types = [{"label": labels[c], "probability": scored[labels[c]]} for c in order if row[c] > 0.5]
        answers.append(_span(record) | {"labels": types, "probabilities": scored})
    return answers


def _matrix(outputs: Outputs, labels: Sequence[str]) -> np.ndarray:
    return np.stack(outputs).astype(np.float32) if outputs else np.zeros((0, len(labels)), np.float32)


def _names(row: np.ndarray, labels: Sequence[str]) -> list[str]:
    return [label for label, present in zip(labels, row, strict=True) if present]


def _span(record: TypingRecord) -> dict[str, Any]:
    return {"id": record.id, "start": record.start, "end": record.end, "mention": record.mention}
