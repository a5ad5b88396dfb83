"""Metrics, predictions and tables from outputs and gold labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError
from loreweave.metrics.classification import classification_scores
from loreweave.metrics.probabilities import logit_matrix
from loreweave.metrics.regression import regression_scores
from loreweave.metrics.relations import per_label
from loreweave.models.head_settings import IGNORED
from loreweave.tasks.files.predictions import (
    Prediction,
    align,
    holds_json,
    json_predictions,
    label_predictions,
    predicted_name,
)
from loreweave.tasks.text_classification.formats import number_of
from loreweave.tasks.text_classification.prediction import answer
from loreweave.tasks.text_classification.record import NUMBER, TextRecord, has_numbers, labels_of
from loreweave.tasks.text_classification.settings import TextScoring, check_no_class, positive_class
from loreweave.training.evaluation import Evaluation, Outputs

V = TypeVar("V")

_SUBMISSION = ("index", "prediction")
"""Header of the format of GLUE's server."""


def score(
    records: Sequence[TextRecord],
    outputs: Outputs,
    labels: Sequence[str],
    settings: TextScoring | None = None,
    *,
    positive_label: str | None = None,
) -> Evaluation:
    """Metrics of classes or of numbers; `positive_label` is that of the checkpoint. Records without a label are only predicted.

    Raises:
        ConfigurationError: the positive label is not one of two classes.
    """
    asked = settings.positive_label if settings is not None and settings.positive_label is not None else positive_label
    answers = answer(records, outputs, labels)
    predicted = [row["predicted"] for row in answers]
    if list(labels) == [NUMBER]:
        evaluation = _scored_numbers(records, predicted, asked)
    else:
        evaluation = _scored_classes(records, predicted, labels, positive_class(labels, asked))
    evaluation.predictions[:] = [
        row | {"gold": record.label} if record.label is not None else row for row, record in zip(answers, records, strict=True)
    ]
    logits = logit_matrix(outputs, len(labels))
    evaluation.arrays.update(logits=logits, ids=np.array([record.id for record in records], dtype=str))
    if list(labels) != [NUMBER]:
        index = {label: number for number, label in enumerate(labels)}
        gold = [IGNORED if record.label is None else index[str(record.label)] for record in records]
        evaluation.arrays.update(labels=np.array(gold, dtype=np.int64), label_list=np.array(labels, dtype=str))
    return evaluation


def score_predictions(records: Sequence[TextRecord], path: Path, settings: TextScoring | None = None) -> Evaluation:
    """Predictions of any system: JSON Lines with `predicted` (or `label`), lines of `index<TAB>prediction` with or without
    GLUE's header, or one prediction per line.

    Raises:
        ConfigurationError: the positive label is not one of two classes.
        DataError: names the line; see `files.predictions.align`. Or a number has no prediction, or no record has a label.
    """
    rows = json_predictions(path, _predicted) if holds_json(path) else _lines(path)
    found, notes = align(rows, [record.id for record in records], path, texts=[record.text for record in records])
    labels = labels_of(records)
    if not labels:
        raise DataError("found no record with a label, expected gold labels to compare with")
    asked = None if settings is None else settings.positive_label
    if has_numbers(records):
        if missing := found.count(None):
            raise DataError(
                f"found no prediction for {counted(missing, 'record')}; a missing number cannot be counted as wrong",
                path=path,
            )
        evaluation = _scored_numbers(records, [_number(value, path) for value in found], asked)
    else:
        names = [None if value is None else str(value) for value in found]
        strange = sorted({name for name in names if name is not None} - set(labels))
        if strange:
            count = sum(name in strange for name in names)
            which = counted(count, "prediction is a label that is gold nowhere", "predictions are labels that are gold nowhere")
            notes.append(f"{which}: {listed(strange)}")
        evaluation = _scored_classes(records, names, [*labels, *strange], positive_class(labels, asked))
    evaluation.predictions[:] = [
        {"id": record.id, "text": record.text, "predicted": value, "gold": record.label}
        | ({} if record.text_pair is None else {"text_pair": record.text_pair})
        for record, value in zip(records, found, strict=True)
    ]
    evaluation.notes.extend(notes)
    return evaluation


def _scored_classes(
    records: Sequence[TextRecord], predicted: Sequence[str | None], labels: Sequence[str], positive: str | None
) -> Evaluation:
    kept, notes = _with_gold(records, predicted)
    if not kept:
        return Evaluation({}, notes=notes)
    guesses, gold = [guess for guess, _ in kept], [str(truth) for _, truth in kept]
    if positive is not None:
        notes.append(f"precision, recall and f1 are those of the class {positive!r}")
    tables = {"per_label": per_label(guesses, gold, labels)}
    return Evaluation(classification_scores(guesses, gold, positive), tables=tables, notes=notes)


def _scored_numbers(records: Sequence[TextRecord], predicted: Sequence[float], positive: str | None) -> Evaluation:
    check_no_class(positive)
    kept, notes = _with_gold(records, predicted)
    if not kept:
        return Evaluation({}, notes=notes)
    guesses, gold = [guess for guess, _ in kept], [float(truth) for _, truth in kept]
    for values, which in ((guesses, "predictions"), (gold, "gold numbers")):
        if len(set(values)) == 1:
            notes.append(f"all {which} are the same: correlations are 0 by convention")
    return Evaluation(regression_scores(guesses, gold), notes=notes)


def _with_gold(records: Sequence[TextRecord], predicted: Sequence[V]) -> tuple[list[tuple[V, str | float]], list[str]]:
    """Predictions with gold labels, and a note about the others."""
    kept = [(guess, record.label) for guess, record in zip(predicted, records, strict=True) if record.label is not None]
    if not kept:
        return [], ["no record has a label: nothing is scored"]
    missing = len(records) - len(kept)
    note = counted(missing, "record without a label is not scored", "records without a label are not scored")
    return kept, [note] if missing else []


def _predicted(row: Mapping[str, Any]) -> str | float:
    name = predicted_name(row, "prediction", "label")
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(f"found {in_json(value)}, expected a class or a number", field=name)
    return value


def _lines(path: Path) -> list[Prediction[str | float]]:
    rows = label_predictions(path)
    if rows and (rows[0].id, rows[0].value) == _SUBMISSION:
        rows = rows[1:]
    return [Prediction(row.line, row.id, row.value, row.kind) for row in rows]


def _number(value: str | float | None, path: Path) -> float:
    try:
        found = number_of(value, "predicted")
    except DataError as error:
        raise DataError(error.message, path=path, field=error.field) from None
    assert found is not None
    return found
