"""Metrics, predictions and tables from outputs or from any system's predictions, and gold answers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.reading import line_value, open_text, read_json
from loreweave.corpus.files.strict_json import in_json, kind_of
from loreweave.errors import DataError
from loreweave.metrics.answers import AnswerScore, best_threshold, score_answer
from loreweave.tasks.extractive_qa.prediction import decisions, official_files, row_of
from loreweave.tasks.extractive_qa.record import ANSWER, NO_ANSWER, QuestionRecord, has_negatives
from loreweave.tasks.extractive_qa.settings import (
    EvaluationSettings,
    QaConfig,
    QaSettings,
    ScoringSettings,
    changed,
    check_threshold,
)
from loreweave.tasks.files.own_ids import ids_in, texts_by_id
from loreweave.tasks.files.predictions import Prediction as Row
from loreweave.tasks.files.predictions import align, is_list_of_objects, json_predictions, other_texts, predicted_name
from loreweave.training.evaluation import Evaluation, Outputs

OF_KINDS = ("has_answer_exact_match", "has_answer_f1", "no_answer_exact_match", "no_answer_f1")
OF_THRESHOLDS = ("best_exact_match", "best_exact_match_threshold", "best_f1", "best_f1_threshold")
METRICS = ("exact_match", "f1", *OF_KINDS, *OF_THRESHOLDS)

_TEXTS = ("predicted", "prediction_text", "prediction")
"""Names of the predicted answer in a row: ours, that of the `datasets` library, and an older one of ours."""
_LARGEST = 1e300
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
"""Kana and Chinese characters."""


class Prediction(NamedTuple):
    """A predicted answer (empty for "no answer"; None if there is none), and the score of "no answer", if it is known."""

    text: str | None
    null_score: float | None = None


def score(
    records: Sequence[QuestionRecord],
    outputs: Outputs,
    labels: Sequence[str],
    settings: EvaluationSettings | None = None,
    *,
    checkpoint: QaSettings | None = None,
) -> Evaluation:
    """Exact match and F1 as SQuAD's scripts compute them. Questions whose answers are not known are only predicted.

    Args:
        records: the questions.
        outputs: the decoded answers of each.
        labels: not used; an answer has no label.
        settings: those of the evaluation.
        checkpoint: those of the checkpoint.

    Raises:
        ConfigurationError: a threshold of "no answer" although that is never predicted.
    """
    own = checkpoint or QaSettings()
    own = own if settings is None else changed(own, settings)
    with_negative = own.predicts_none(records)
    check_threshold(settings, with_negative)
    found = decisions(records, outputs, own)
    predictions = [Prediction(each.text, each.null_score if with_negative else None) for each in found]
    best = [each.best for each in found] if with_negative else None
    evaluation = score_answers(records, predictions, own.language, best=best)
    evaluation.predictions[:] = [
        row_of(record, each, with_negative) | ({} if record.answers is None else {"gold": record.golds})
        for record, each in zip(records, found, strict=True)
    ]
    evaluation.arrays.update(
        ids=np.array([record.id for record in records], dtype=str),
        null_scores=np.array([each.null_score for each in found]),
        answers=np.concatenate([np.zeros((0, 4)), *outputs]),
        record=np.repeat(np.arange(len(records)), [len(output) for output in outputs]),
    )
    evaluation.files.update(official_files(records, found, with_negative))
    return evaluation


def score_predictions(records: Sequence[QuestionRecord], path: Path, settings: ScoringSettings | None = None) -> Evaluation:
    """Predictions of any system: the official object from ids to answers, the object from ids to lists of the n best, or JSON
    Lines with `id` and `predicted` (`prediction_text`).

    Raises:
        ConfigurationError: an unknown language.
        DataError: the file has another layout, or no prediction is for a question of the gold file.
    """
    asked = settings or ScoringSettings()
    predictions, notes = _read_predictions(records, path)
    if asked.null_odds is not None:
        odds, more = _read_odds(records, Path(asked.null_odds))
        predictions = [Prediction(each.text, null) for each, null in zip(predictions, odds, strict=True)]
        notes += more
    given = None
    if asked.null_threshold is not None:
        if all(each.null_score is None for each in predictions):
            raise DataError('found no scores of "no answer"; null_odds=FILE gives them', path=path, field="null_score")
        given = [each.text for each in predictions]
        predictions = [_filtered(each, asked.null_threshold) for each in predictions]
    evaluation = score_answers(records, predictions, asked.language, best=given)
    evaluation.predictions[:] = [
        {"id": record.id, "question": record.question, "predicted": each.text}
        | ({} if record.answers is None else {"gold": record.golds})
        for record, each in zip(records, predictions, strict=True)
    ]
    evaluation.notes.extend(notes)
    return evaluation


def _filtered(prediction: Prediction, threshold: float) -> Prediction:
    """The prediction, or "no answer" if its score exceeds the threshold; a missing prediction stays missing."""
    if prediction.text is None or prediction.null_score is None or prediction.null_score <= threshold:
        return prediction
    return prediction._replace(text="")


def score_answers(
    records: Sequence[QuestionRecord],
    predictions: Sequence[Prediction],
    language: str | None = None,
    *,
    best: Sequence[str | None] | None = None,
) -> Evaluation:
    """Metrics of predicted answers. If a question has no answer, the rules are those of SQuAD 2.0, otherwise those of 1.1.

    Args:
        records: the questions.
        predictions: a prediction for each.
        language: see `metrics.answers.normalized`.
        best: the best answer of each, whatever the score of "no answer", from which the best threshold is found. None: the
            predictions, as in the official script.
    """
    known = [number for number, record in enumerate(records) if record.answers is not None]
    notes = [_left_out(len(records) - len(known), len(known))] if len(known) < len(records) else []
    if not known:
        return Evaluation({}, notes=notes)
    with_negative = has_negatives(records)

    def scored(texts: Sequence[str | None]) -> list[AnswerScore]:
        pairs = ((texts[number], records[number].golds) for number in known)
        return [score_answer(text, golds, language, with_negative=with_negative) for text, golds in pairs]

    scores = scored([each.text for each in predictions])
    metrics = {"exact_match": _mean([one.exact for one in scores]), "f1": _mean([one.f1 for one in scores])}
    tables: dict[str, list[dict[str, Any]]] = {}
    if with_negative:
        has_answer = [records[number].label != NO_ANSWER for number in known]
        kinds = (("has_answer", True), ("no_answer", False))
        parts = {name: [s for s, has in zip(scores, has_answer, strict=True) if has == kind] for name, kind in kinds}
        for name, part in parts.items():
            if part:
                metrics |= {f"{name}_exact_match": _mean([s.exact for s in part]), f"{name}_f1": _mean([s.f1 for s in part])}
        tables["questions"] = [{"questions": name, "number": len(part)} for name, part in parts.items()]
        nulls = [predictions[number].null_score for number in known]
        if all(null is not None for null in nulls):
            texts = [each.text for each in predictions] if best is None else best
            answered = [bool(texts[number]) for number in known]
            missing = [texts[number] is None for number in known]  # wrong, also as "no answer"
            may_be_right = [has or none for has, none in zip(has_answer, missing, strict=True)]
            unfiltered = scores if best is None else scored(texts)
            metrics |= _best_thresholds(unfiltered, [float(null or 0) for null in nulls], may_be_right, answered)
    if language is None and _is_unspaced(records):
        notes.append("the answers are written without spaces: language=zh or ja compares them character by character")
    return Evaluation(metrics, tables=tables, notes=notes)


def dev_metrics(config: QaConfig, records: Sequence[QuestionRecord]) -> list[str]:
    """Metrics of dev records that can select an epoch: those of both kinds of questions only if there are both."""
    found = list(METRICS[:2])
    if has_negatives(records):
        kinds = {record.label for record in records}
        found += OF_KINDS if ANSWER in kinds else OF_KINDS[2:]
        found += OF_THRESHOLDS[::2] if config.with_negative else ()
    return found


def _best_thresholds(
    scores: Sequence[AnswerScore], nulls: Sequence[float], has_answer: Sequence[bool], answered: Sequence[bool]
) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, values in (("exact_match", [one.exact for one in scores]), ("f1", [one.f1 for one in scores])):
        best = best_threshold(values, nulls, has_answer, answered)
        found |= {f"best_{name}": best.score, f"best_{name}_threshold": best.threshold}
    return found


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _left_out(missing: int, known: int) -> str:
    if not known:
        return "no question has gold answers: nothing is scored"
    return counted(missing, "question without gold answers is not scored", "questions without gold answers are not scored")


def _is_unspaced(records: Sequence[QuestionRecord]) -> bool:
    golds = "".join(gold for record in records for gold in record.golds)
    return 2 * len(_UNSPACED.findall(golds)) > len(golds)


def _read_predictions(records: Sequence[QuestionRecord], path: Path) -> tuple[list[Prediction], list[str]]:
    """A prediction for each record, and notes about those that have none, or that are for no record."""
    if is_list_of_objects(path) or _is_lines(path):
        rows = json_predictions(path, _of_row, text_field="question")
        questions = [record.question for record in records]
        if not all(row.id is not None for row in rows):
            found, notes = align(rows, [record.id for record in records], path, texts=questions)
            return [each or Prediction(None) for each in found], notes
        by_id: dict[str, Row[Prediction]] = {}
        for row in rows:
            if str(row.id) in by_id:
                raise DataError(f"found a second prediction for the id {row.id!r}", path=path, record=row.place, field="id")
            by_id[str(row.id)] = row
        answers, notes = _by_id(records, {id: row.value for id, row in by_id.items()}, path)
        partners = [by_id.get(id) for id in ids_in(records, by_id)]
        return answers, [*notes, *other_texts(partners, questions)]
    content = read_json(path)
    if not isinstance(content, Mapping):
        found_kind = kind_of(content, "JSON")
        raise DataError(f"found {found_kind}, expected an object from ids to answers, or JSON Lines", path=path)
    return _by_id(records, {str(id): Prediction(_text_of(id, value, path)) for id, value in content.items()}, path)


def _is_lines(path: Path) -> bool:
    """Whether the first line is an object with a predicted answer or an error, or the first of several objects.

    Raises:
        DataError: the file is empty.
    """
    with open_text(path) as file:
        lines = (line for line in file if line.strip())
        first, second = next(lines, None), next(lines, None)
    if first is None:
        raise DataError("found an empty file, expected predictions", path=path)
    row = line_value(1, first, path)
    if not isinstance(row, Mapping):
        return False
    if second is not None:  # an object over several lines does not end with its first line
        return True
    return any(name in row for name in _TEXTS[:2]) or ("id" in row and not {*_TEXTS, "error"}.isdisjoint(row))


def _of_row(row: Mapping[str, Any]) -> Prediction:
    name = predicted_name(row, *_TEXTS[1:])
    if name not in row:
        raise DataError(
            f"found nothing, expected the text of an answer (fields here: {listed(repr(each) for each in row)})", field=name
        )
    text, null = row.get(name), row.get("null_score", row.get("no_answer_probability"))
    if text is not None and not isinstance(text, str):
        raise DataError(f"found {in_json(text)}, expected the text of an answer, empty for no answer", field=name)
    if null is not None and not _is_number(null):
        raise DataError(f"found {in_json(null)}, expected a number", field="null_score")
    return Prediction(text, None if null is None else float(null))


def _is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number."""
    return not isinstance(value, bool) and isinstance(value, int | float) and abs(value) < _LARGEST


def _text_of(id: str, value: Any, path: Path) -> str | None:
    """The answer in an official file: a text, or the first of the n best."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        value = value[0].get("text")
    if value is not None and not isinstance(value, str):
        raise DataError(f"found {in_json(value)}, expected the text of an answer", path=path, field=str(id))
    return value


def _by_id(
    records: Sequence[QuestionRecord], given: Mapping[str, Prediction], path: Path
) -> tuple[list[Prediction], list[str]]:
    """The prediction for each record; questions with one id share it, if the file has none for the id with a number."""
    ids = ids_in(records, given)
    _, notes = texts_by_id({id: each.text for id, each in given.items()}, ids, path, "question", "questions")
    return [given.get(id, Prediction(None)) for id in ids], notes


def _read_odds(records: Sequence[QuestionRecord], path: Path) -> tuple[list[float | None], list[str]]:
    """The score of "no answer" of each record; a question without one has the score 0, as in the official script."""
    content = read_json(path)
    wrong = not isinstance(content, Mapping) or next((id for id, value in content.items() if not _is_number(value)), None)
    if wrong is not None:
        field, found = (wrong, in_json(content[wrong])) if isinstance(wrong, str) else (None, kind_of(content))
        raise DataError(f"found {found}, expected an object from ids to numbers", path=path, field=field)
    ids = ids_in(records, content)
    missing = [id for id in ids if id not in content]
    others = list(content.keys() - set(ids))
    if len(missing) == len(ids):
        theirs, ours = listed(others, 3) or "none", listed(ids, 3)
        raise DataError(f"found scores for {theirs}, expected the ids of the gold file: {ours}", path=path)
    notes = [f'no score of "no answer" for {counted(len(missing), "question")}, counted as 0: {listed(missing)}']
    notes = notes if missing else []
    if others:
        of = counted(len(others), 'score of "no answer" is', 'scores of "no answer" are')
        notes.append(f"{of} for no question of the gold file: {listed(sorted(others), 3)}")
    return [float(content.get(id, 0.0)) for id in ids], notes
