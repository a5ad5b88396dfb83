"""Queries of extractive question answering and their answers, and the files of SQuAD's scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.files.rows import LeftOut, Row
from loreweave.errors import DataError
from loreweave.metrics.probabilities import rounded, softmax
from loreweave.tasks.extractive_qa.decoding import END, END_SCORE, START, START_SCORE
from loreweave.tasks.extractive_qa.formats import FORMATS, question, recognise
from loreweave.tasks.extractive_qa.record import QuestionRecord
from loreweave.tasks.extractive_qa.settings import QaSettings
from loreweave.training.evaluation import Outputs


def query(row: Row, id: str) -> list[QuestionRecord]:
    """One JSON object with `question` and `context`.

    Raises:
        DataError: one of them is missing or blank.
    """
    if "paragraphs" in row:
        raise DataError("found an article of SQuAD's layout; --format squad reads its questions", field="paragraphs")
    return [found for found in question(row, id) if not isinstance(found, LeftOut)]


def pair_row(asked: str, context: str) -> dict[str, Any]:
    """The query about a question and its context."""
    return {"question": asked, "context": context}


def rows_of_file(path: Path, format: str | None) -> Iterator[tuple[str, Any]]:
    """Queries of a file in one of the formats of training, with their places; gold answers are kept as `answers`.

    Args:
        path: the file.
        format: one of `FORMATS`. None: recognised.

    Yields:
        (place, fields of the query), or an error instead of them.
    """
    number = 0
    for place, row in FORMATS[format or recognise(path)].rows(path):
        if isinstance(row, LeftOut) and row.error is None:
            continue
        number += 1
        yield f"record {number}", DataError(f"{place}: {row.error}") if isinstance(row, LeftOut) else row


@dataclass(frozen=True, slots=True)
class Decision:
    """What is predicted for a question.

    Attributes:
        text: the answer, empty for "no answer".
        span: its characters in the context; None for "no answer".
        best: the best answer that is not "no answer"; empty if there is none.
        null_score: score of "no answer" minus that of the best answer.
        answers: the best answers and, if it can be predicted, "no answer" as -1, -1 [answers, 4]; see `decoding`.
        probabilities: their probabilities among these answers [answers].
    """

    text: str
    span: tuple[int, int] | None
    best: str
    null_score: float
    answers: np.ndarray
    probabilities: np.ndarray

    @property
    def probability(self) -> float:
        """Probability of the predicted answer among the best answers."""
        place = 0
        for number, row in enumerate(self.answers):
            if (row[START] < 0) == (self.span is None):
                place = number
                break
        return float(self.probabilities[place])


def decide(record: QuestionRecord, output: np.ndarray, with_negative: bool, threshold: float) -> Decision:
    """The prediction from decoded answers, as in the scripts of SQuAD 1.1 and 2.0.

    Args:
        record: the question.
        output: decoded answers [1 + answers, 4].
        with_negative: whether "no answer" can be predicted.
        threshold: by how much its score must exceed that of the best answer.
    """
    scores = output[:, START_SCORE] + output[:, END_SCORE]
    found = output[1:]
    null_score = float(scores[0] - scores[1]) if len(found) else 0.0
    span = (int(found[0, START]), int(found[0, END])) if len(found) else None
    best = "" if span is None else record.context[slice(*span)]
    chosen = None if span is None or (with_negative and null_score > threshold) else span
    answers = output if with_negative or not len(found) else found
    order = np.argsort(-(answers[:, START_SCORE] + answers[:, END_SCORE]), kind="stable")
    answers = answers[order]
    probabilities = softmax((answers[:, START_SCORE] + answers[:, END_SCORE])[None])[0]
    return Decision("" if chosen is None else best, chosen, best, null_score, answers, probabilities)


def decisions(records: Sequence[QuestionRecord], outputs: Outputs, settings: QaSettings) -> list[Decision]:
    """The predictions for all records with the settings of a checkpoint or a job."""
    with_negative, threshold = settings.predicts_none(records), settings.null_threshold or 0.0
    return [decide(record, output, with_negative, threshold) for record, output in zip(records, outputs, strict=True)]


def row_of(record: QuestionRecord, found: Decision, with_negative: bool) -> dict[str, Any]:
    """The prediction as a JSON object."""
    start, end = found.span or (None, None)
    row: dict[str, Any] = {"id": record.id, "question": record.question, "predicted": found.text, "start": start, "end": end}
    return row | {"probability": rounded(found.probability)} | ({"null_score": found.null_score} if with_negative else {})


def answer_of_defaults(records: Sequence[QuestionRecord], outputs: Outputs, labels: Sequence[str]) -> list[dict[str, Any]]:
    """`answer` with the settings of a checkpoint that stores none."""
    return answer(records, outputs, QaSettings())


def answer(records: Sequence[QuestionRecord], outputs: Outputs, settings: QaSettings, top: int = 1) -> list[dict[str, Any]]:
    """For each question its answer with the characters in the context and the probability among the best answers.

    With `top` above 1, `n_best` has so many answers.
    """
    with_negative = settings.predicts_none(records)
    rows = []
    for record, found in zip(records, decisions(records, outputs, settings), strict=True):
        row = row_of(record, found, with_negative)
        rows.append(row if top == 1 else row | {"n_best": list(_n_best(record, found, top))})
    return rows


def _n_best(record: QuestionRecord, found: Decision, top: int) -> Iterator[dict[str, Any]]:
    for row, probability in zip(found.answers[:top], found.probabilities, strict=False):
        none = row[START] < 0
        start, end = (None, None) if none else (int(row[START]), int(row[END]))
        text = "" if none else record.context[start:end]
        yield {"text": text, "start": start, "end": end, "probability": rounded(float(probability))}


def official_files(
    records: Sequence[QuestionRecord], found: Sequence[Decision], with_negative: bool
) -> Mapping[str, Mapping[str, Any]]:
    """The files of the scripts of BERT, LUKE and transformers: `official`, `nbest`, and `null_odds` with "no answer"."""
    files: dict[str, dict[str, Any]] = {"official": {}, "nbest": {}}
    if with_negative:
        files["null_odds"] = {}
    for record, each in zip(records, found, strict=True):
        files["official"][record.id] = each.text
        files["nbest"][record.id] = [
            {
                "text": "" if row[START] < 0 else record.context[int(row[START]) : int(row[END])],
                "probability": rounded(float(probability)),
                "start_logit": rounded(float(row[START_SCORE])),
                "end_logit": rounded(float(row[END_SCORE])),
            }
            for row, probability in zip(each.answers, each.probabilities, strict=True)
        ]
        if with_negative:
            files["null_odds"][record.id] = each.null_score
    return files
