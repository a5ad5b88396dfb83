"""Logits and gold relations to numbers, predictions and tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.files import open_text
from loreweave.metrics.relations import per_label, relation_scores
from loreweave.tasks.prediction_files import beside, holds_json, json_predictions, label_predictions, predicted_name
from loreweave.tasks.record_files import Row, field
from loreweave.tasks.registry import ReadResult
from loreweave.tasks.relation_classification.reader import NEGATIVE_LABELS, in_class_order, negative_label, read
from loreweave.tasks.relation_record import RelationRecord
from loreweave.training.evaluation import Evaluation, Outputs

_KEY = re.compile(r"[^\t]+\t[^\t\"<]+")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A gold label without its sentence, as the answer keys of SemEval-2010 task 8 have it."""

    id: str
    label: str | None
    metadata: Mapping[str, Any] = dataclass_field(default_factory=dict)


Gold = RelationRecord | KeyRecord
METRICS = tuple(relation_scores([], [], None))


def score(records: Sequence[RelationRecord], outputs: Outputs, labels: Sequence[str]) -> Evaluation:
    """Micro (TACRED's), macro with direction (SemEval's official) and accuracy; the largest logit is the prediction."""
    logits = _matrix(outputs, labels)
    evaluation = score_labels(records, [labels[number] for number in logits.argmax(axis=1)], labels)
    index = {label: number for number, label in enumerate(labels)}
    gold = np.array([index[_gold(record)] for record in records], dtype=np.int64)
    evaluation.arrays.update(logits=logits, labels=gold, ids=np.array([r.id for r in records], dtype=str))
    evaluation.arrays["label_list"] = np.array(labels, dtype=str)
    return evaluation


def read_gold(path: Path, format: str | None = None, skip_bad: bool = False) -> ReadResult[Any]:
    """Records in any layout of the task, or an answer key, lines of `id<TAB>label` without sentences.

    Raises:
        DataError: see `reader.read` and `label_predictions`.
    """
    with open_text(path) as file:
        first = next((line.strip() for line in file if line.strip()), "")
    if format is None and _KEY.fullmatch(first):
        return ReadResult([KeyRecord(str(row.id), row.value) for row in label_predictions(path)])
    return read(path, format, skip_bad)


def score_labels(
    records: Sequence[Gold], predicted: Sequence[str | None], labels: Sequence[str]
) -> Evaluation:
    """The same from the names of predicted labels; None where a system gave no answer."""
    gold = [_gold(record) for record in records]
    negative = negative_label(labels)
    rows = [
        _mentions(record) | {"predicted": guess, "gold": truth}
        for record, guess, truth in zip(records, predicted, gold, strict=True)
    ]
    tables = {"per_label": per_label(predicted, gold, labels)}
    return Evaluation(relation_scores(predicted, gold, negative), rows, tables=tables, notes=_notes(gold, negative))


def score_predictions(records: Sequence[Gold], path: Path) -> Evaluation:
    """Predictions of any system: JSON Lines with `predicted` (see `_predicted` for older names), `id<TAB>label` lines, or
    one label a line.

    Raises:
        DataError: names the line; see `prediction_files.beside`.
    """
    rows = json_predictions(path, _predicted) if holds_json(path) else label_predictions(path)
    predicted, notes = beside(rows, [record.id for record in records], path)
    gold = in_class_order(map(_gold, records))
    strange = sorted({label for label in predicted if label is not None} - set(gold))
    if strange:
        count = sum(label in strange for label in predicted)
        notes.append(f"{count} predictions are labels that are gold nowhere: {', '.join(strange)}")
    evaluation = score_labels(records, predicted, in_class_order([*gold, *strange]))
    evaluation.notes.extend(notes)
    return evaluation


def answer(records: Sequence[RelationRecord], outputs: Outputs, labels: Sequence[str]) -> list[dict[str, Any]]:
    """For each record its mentions, the likeliest relation with its probability, and all probabilities, best first."""
    logits = _matrix(outputs, labels).astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    answers = []
    for record, row in zip(records, powers / powers.sum(axis=1, keepdims=True), strict=True):
        order = np.argsort(-row, kind="stable")
        scored = {labels[column]: round(float(row[column]), 6) for column in order}
        best = labels[order[0]]
        answers.append(_mentions(record) | {"predicted": best, "probability": scored[best], "probabilities": scored})
    return answers


def _predicted(row: Row) -> str:
    """Before there was one name, files of runs had `prediction`, and answers `label`, as other systems have."""
    label: str = field(row, predicted_name(row, "prediction", "label"), str)
    return label


def _notes(gold: Sequence[str], negative: str | None) -> list[str]:
    if negative is None:
        return [f"no label is known as the negative one ({', '.join(NEGATIVE_LABELS)}): micro and macro scores count all"]
    notes = [f"micro and macro scores leave out {negative!r}"]
    if all(label == negative for label in gold):
        notes.append(f"no record has a relation other than {negative!r}: precision, recall and F1 are 0 by definition")
    return notes


def _gold(record: Gold) -> str:
    assert record.label is not None, "readers give every record a label"
    return record.label


def _matrix(outputs: Outputs, labels: Sequence[str]) -> np.ndarray:
    return np.stack(outputs).astype(np.float32) if outputs else np.zeros((0, len(labels)), np.float32)


def _mentions(record: Gold) -> dict[str, Any]:
    if isinstance(record, KeyRecord):
        return {"id": record.id}
    spans = {"head": record.head, "tail": record.tail}
    ends = {name: {"start": s, "end": e, "mention": record.text[s:e]} for name, (s, e) in spans.items()}
    return {"id": record.id, "text": record.text} | ends
