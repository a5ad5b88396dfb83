"""Metrics, predictions and tables from logits and gold types."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.files.rows import Row, as_row, field, words
from loreweave.errors import ConfigurationError
from loreweave.metrics.multilabel import multilabel_scores, per_label, predicted_labels
from loreweave.metrics.probabilities import by_name, logit_matrix, sigmoid, softmax
from loreweave.tasks.entity_typing.reader import TypingRecord, gold_rows, labels_of
from loreweave.tasks.entity_typing.settings import Decision, TypingScoring
from loreweave.tasks.files.predictions import align, json_predictions, predicted_name
from loreweave.training.evaluation import Evaluation, Outputs

_ANY_NUMBER = Decision()
METRICS = tuple(multilabel_scores(np.zeros((1, 1)), np.zeros((1, 1))))


def score(
    records: Sequence[TypingRecord],
    outputs: Outputs,
    labels: Sequence[str],
    settings: TypingScoring | None = None,
    *,
    decision: Decision = _ANY_NUMBER,
) -> Evaluation:
    """Micro (the papers' numbers), loose macro and strict scores; `decision` is the checkpoint's.

    Raises:
        ConfigurationError: a threshold for a model that predicts one type.
    """
    if settings is not None and settings.threshold is not None:
        if not decision.multi_label:
            raise ConfigurationError("setting 'threshold': this model predicts the most likely type of a mention; leave it out")
        decision = replace(decision, threshold=settings.threshold)
    logits = logit_matrix(outputs, len(labels))
    evaluation = _score(records, _chosen(logits, decision), labels)
    evaluation.arrays.update(logits=logits, multi_label=np.array(decision.multi_label))
    return evaluation


def _chosen(logits: np.ndarray, decision: Decision) -> np.ndarray:
    """The predicted types, bool [records, labels]."""
    if decision.multi_label:
        return predicted_labels(logits, math.log(decision.threshold / (1 - decision.threshold)))
    chosen: np.ndarray = np.arange(logits.shape[1]) == logits.argmax(axis=1, keepdims=True)
    return chosen


def _probabilities(logits: np.ndarray, decision: Decision) -> np.ndarray:
    """Probabilities of the types: independent, or adding up to 1 for a mention."""
    return sigmoid(logits) if decision.multi_label else softmax(logits)


def score_predictions(records: Sequence[TypingRecord], path: Path) -> Evaluation:
    """Predictions of any system: JSON Lines with `predicted`, a list of types (see `_predicted` for older names).

    Raises:
        DataError: names the line; see `files.predictions.align`.
    """
    found, notes = align(
        json_predictions(path, _predicted), [record.id for record in records], path, texts=[record.text for record in records]
    )
    names = [set(types or ()) for types in found]
    labels = sorted({*labels_of(records)}.union(*names))
    evaluation = _score(records, np.array([[label in row for label in labels] for row in names]), labels)
    evaluation.notes.extend(notes)
    return evaluation


def _score(records: Sequence[TypingRecord], predicted: np.ndarray, labels: Sequence[str]) -> Evaluation:
    """Metrics from 0 and 1 [records, labels]."""
    gold = np.array(list(gold_rows(records, labels)), dtype=np.uint8).reshape(len(records), len(labels))
    rows = [
        _span(record) | {"predicted": _names(guess, labels), "gold": _names(truth, labels)}
        for record, guess, truth in zip(records, predicted, gold, strict=True)
    ]
    arrays = {"labels": gold, "ids": np.array([r.id for r in records], dtype=str)}
    arrays["label_list"] = np.array(labels, dtype=str)
    return Evaluation(multilabel_scores(predicted, gold), rows, arrays, {"per_label": per_label(predicted, gold, labels)})


def answer(
    records: Sequence[TypingRecord], outputs: Outputs, labels: Sequence[str], *, decision: Decision = _ANY_NUMBER
) -> list[dict[str, Any]]:
    """For each record its span, its predicted types (best first), and the probabilities of all."""
    logits = logit_matrix(outputs, len(labels))
    answers = []
    for record, row, chosen in zip(records, _probabilities(logits, decision), _chosen(logits, decision), strict=True):
        scored = by_name(row, labels)
        predicted = set(_names(chosen, labels))
        types = [label for label in scored if label in predicted]
        answers.append(_span(record) | {"predicted": types, "probabilities": scored})
    return answers


def _predicted(row: Row) -> list[str]:
    """Older names: files of runs had `predictions`, and answers `labels` with probabilities."""
    name = predicted_name(row, "predictions", "labels")
    given = field(row, name, list)
    return words(row, name) if all(isinstance(each, str) for each in given) else [_label(each) for each in given]


def _label(each: Any) -> str:
    label: str = field(as_row(each), "label", str)
    return label


def _names(row: np.ndarray, labels: Sequence[str]) -> list[str]:
    return [label for label, present in zip(labels, row, strict=True) if present]


def _span(record: TypingRecord) -> dict[str, Any]:
    return {"id": record.id, "text": record.text, "start": record.start, "end": record.end, "mention": record.mention}
