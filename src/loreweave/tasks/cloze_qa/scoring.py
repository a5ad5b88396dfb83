"""Exact match and F1 of predicted answers, as ReCoRD's official script computes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.rows import NO_ID
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError
from loreweave.metrics.answers import AnswerScore, score_answer
from loreweave.tasks.cloze_qa.prediction import answer
from loreweave.tasks.cloze_qa.record import ClozeRecord
from loreweave.tasks.files.own_ids import ids_in, texts_by_id
from loreweave.tasks.files.predictions import PREDICTED, Prediction, align, holds_json, json_predictions, predicted_name
from loreweave.training.evaluation import Evaluation, Outputs

METRICS = ("exact_match", "f1")
_NAMES = ("prediction", "prediction_text", "label", "text")
"""Other names of the field with the answer in JSON Lines: `label` is that of SuperGLUE's submissions, and `prediction_text`
that of the `datasets` library."""


def score(records: Sequence[ClozeRecord], outputs: Outputs, labels: Sequence[str]) -> Evaluation:
    """Scores of the best candidate of each query; queries without a gold answer are only predicted."""
    rows = answer(records, outputs, labels)
    evaluation = _scored(records, [row["predicted"] for row in rows])
    evaluation.predictions[:] = [row | scored for row, scored in zip(rows, evaluation.predictions, strict=True)]
    counts = [len(output) for output in outputs]
    evaluation.arrays.update(
        logits=np.concatenate([np.zeros((0, 2)), *outputs]),
        record=np.repeat(np.arange(len(records)), counts),
        ids=np.array([record.id for record in records], dtype=str),
    )
    evaluation.files["official"] = {row["id"]: row["predicted"] for row in rows if row["predicted"] is not None}
    return evaluation


def score_predictions(records: Sequence[ClozeRecord], path: Path) -> Evaluation:
    """Predictions of any system: an object {id: text}, as the official script reads it, or JSON Lines with `predicted`.

    Raises:
        DataError: names the line; see `files.predictions.align`. Or no record has a gold answer.
    """
    if not any(record.answers for record in records):
        raise DataError("found no query with an answer, expected gold answers to compare with")
    texts = _official(path)
    if texts is not None:
        found, notes = texts_by_id(texts, ids_in(records, texts), path, "query", "queries")
    elif holds_json(path):
        rows: list[Prediction[str | None]] = json_predictions(path, _predicted, _id, text_field="query")
        aligned = align(rows, ids_in(records, {row.id for row in rows}), path, texts=[record.query for record in records])
        found, notes = list(aligned[0]), aligned[1]
    else:
        raise DataError("found no JSON, expected an object {id: text}, or JSON Lines with id and predicted", path=path)
    evaluation = _scored(records, found)
    evaluation.predictions[:] = [
        {"id": record.id, "text": record.text, "query": record.query} | row
        for record, row in zip(records, evaluation.predictions, strict=True)
    ]
    evaluation.notes[:0] = notes
    return evaluation


def _scored(records: Sequence[ClozeRecord], predicted: Sequence[str | None]) -> Evaluation:
    """Means over all queries with a gold answer; each query counts once."""
    scores: list[AnswerScore] = []
    rows, alone, notes = [], [], []
    for record, text in zip(records, predicted, strict=True):
        row: dict[str, Any] = {PREDICTED: text}
        if record.answers:
            found = score_answer(text, record.answers)
            scores.append(found)
            row |= {"gold": list(record.answers), "exact_match": found.exact, "f1": found.f1}
        else:
            alone.append(record.id)
        rows.append(row)
    if alone:
        notes.append(f"{counted(len(alone), 'query has', 'queries have')} no gold answer: predicted, but not scored")
    if not scores:
        return Evaluation({}, rows, notes=notes)
    exact, f1 = (sum(values) / len(scores) for values in zip(*scores, strict=True))
    return Evaluation({"exact_match": exact, "f1": f1}, rows, notes=notes)


def _official(path: Path) -> dict[str, str | None] | None:
    """Content of a file of {id: text}; None if it is JSON Lines or something else.

    Raises:
        DataError: an answer is no text.
    """
    try:
        content = read_json(path)
    except DataError:
        return None
    names = {PREDICTED, *_NAMES}
    if not isinstance(content, dict) or (names & content.keys() and {"id", "idx"} & content.keys()):
        return None
    for id, text in content.items():
        if text is not None and not isinstance(text, str):
            raise DataError(f"found {in_json(text)}, expected the text of the answer", path=path, field=id)
    return content


def _predicted(row: Mapping[str, Any]) -> str | None:
    name = predicted_name(row, *_NAMES)
    value = row.get(name)
    if name not in row or (value is not None and not isinstance(value, str)):
        found = f"found {in_json(value)}" if name in row else "found nothing"
        raise DataError(f"{found}, expected the text of the answer", field=name)
    return value


def _id(row: Mapping[str, Any]) -> str | None:
    """`id`, or `idx`, which is an object with the number of the query in Hugging Face's copy of SuperGLUE."""
    value = next((row[name] for name in ("id", "idx") if row.get(name) not in NO_ID), None)
    value = value["query"] if isinstance(value, Mapping) and "query" in value else value
    return None if value is None else str(value)
