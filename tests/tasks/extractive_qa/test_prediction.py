"""Queries, decisions between answers and "no answer", and the files of the official scripts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from loreweave.errors import DataError
from loreweave.tasks.extractive_qa.prediction import answer, decide, pair_row, query, rows_of_file
from loreweave.tasks.extractive_qa.record import QuestionRecord
from loreweave.tasks.extractive_qa.settings import QaSettings

RECORD = QuestionRecord("q", "What?", "Ann likes Oslo")
OUTPUT = np.array([[-1, -1, 1, 1], [10, 14, 2, 1.5], [0, 3, 1, 0]])


def test_queries() -> None:
    (record,) = query({"question": "What?", "context": "Ann", "title": "x"}, "7")
    assert (record.id, record.question, record.context, record.answers) == ("7", "What?", "Ann", None)
    assert record.metadata == {"title": "x"} and pair_row("What?", "Ann") == {"question": "What?", "context": "Ann"}
    with pytest.raises(DataError, match="--format squad reads its questions"):
        query({"title": "x", "paragraphs": []}, "7")
    with pytest.raises(DataError, match="found nothing, expected a string"):
        query({"question": "What?"}, "7")


def test_rows_of_a_file_of_training(tmp_path: Path) -> None:
    qas = [{"id": "a", "question": "What?", "answers": []}, "broken"]
    paragraphs = [{"context": "Ann", "qas": qas[:1]}, {"context": "Ann", "qas": []}, {"context": "Ann", "qas": qas}]
    path = tmp_path / "dev.json"
    path.write_text(json.dumps({"data": [{"title": "x", "paragraphs": paragraphs}]}))
    (first, row), (second, error) = rows_of_file(path, None)
    assert (first, second) == ("record 1", "record 2")
    assert row == {"title": "x", "id": "a", "question": "What?", "answers": [], "context": "Ann"}
    assert isinstance(error, DataError) and "article 1, paragraph 3" in error.message


@pytest.mark.parametrize(
    ("with_negative", "threshold", "text", "scores"),
    [
        (False, 0.0, "Oslo", [3.5, 1]),
        (True, 0.0, "Oslo", [3.5, 2, 1]),
        (True, -1.5, "Oslo", [3.5, 2, 1]),  # the score of "no answer" is -1.5, which is not more
        (True, -1.6, "", [3.5, 2, 1]),
    ],
)
def test_decisions(with_negative: bool, threshold: float, text: str, scores: list[float]) -> None:
    found = decide(RECORD, OUTPUT, with_negative, threshold)
    assert (found.text, found.best, found.null_score) == (text, "Oslo", -1.5)
    assert (found.answers[:, 2] + found.answers[:, 3]).tolist() == scores
    powers = np.exp(scores)
    np.testing.assert_allclose(found.probabilities, powers / powers.sum())
    place = scores.index(2) if not text else 0
    assert found.probability == pytest.approx(powers[place] / powers.sum())


def test_an_answer_and_the_best_ones() -> None:
    (row,) = answer([RECORD], [OUTPUT], QaSettings())
    assert (row["predicted"], row["start"], row["end"]) == ("Oslo", 10, 14) and set(row) == {
        "id", "question", "predicted", "start", "end", "probability",
    }  # fmt: skip
    (row,) = answer([RECORD], [OUTPUT], QaSettings(with_negative=True, null_threshold=-2), top=2)
    assert (row["predicted"], row["start"], row["null_score"]) == ("", None, -1.5)
    assert [each["text"] for each in row["n_best"]] == ["Oslo", ""]


def test_a_context_without_any_answer() -> None:
    (row,) = answer([RECORD], [OUTPUT[:1]], QaSettings())
    assert (row["predicted"], row["start"], row["probability"]) == ("", None, 1.0)
