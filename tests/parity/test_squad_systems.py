"""Exact match and F1 of published systems on SQuAD 1.1: their answers, scored here, have the official scores.

Five systems of the official leader board answer the questions of `qa_squad11`; `expected_scores.json` has their scores by the
official script, in percent with four decimals.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from loreweave.tasks.extractive_qa.reader import read
from loreweave.tasks.extractive_qa.record import QuestionRecord
from loreweave.tasks.extractive_qa.scoring import score_predictions

SYSTEMS = (
    "bert_ensemble_google_ai_language",
    "logistic_regression_baseline_stanford_university",
    "match_lstm_with_ans_ptr_boundary_ensemble_singapore_management_university",
    "r_net_ensemble_microsoft_research_asia",
    "slqa_ensemble_alibaba_idst_nlp",
)


@pytest.fixture(scope="module")
def squad(shared_data: Path) -> Path:
    folder = shared_data / "qa_squad11"
    if not (folder / "predictions").is_dir():
        pytest.skip(f"no {folder / 'predictions'}: the data set was left out of LOREWEAVE_DATA")
    return folder


@pytest.fixture(scope="module")
def questions(squad: Path) -> list[QuestionRecord]:
    return read(squad / "dev.json.xz").records


@pytest.fixture(scope="module")
def expected(squad: Path) -> dict[str, dict[str, float]]:
    scores: dict[str, dict[str, float]] = json.loads((squad / "predictions" / "expected_scores.json").read_text("utf-8"))
    return scores


def test_every_published_system_is_compared(expected: dict[str, dict[str, float]]) -> None:
    assert sorted(expected) == sorted(SYSTEMS)


@pytest.mark.parametrize("system", SYSTEMS)
def test_published_answers_have_their_official_scores(
    system: str, squad: Path, questions: list[QuestionRecord], expected: dict[str, dict[str, float]]
) -> None:
    found = score_predictions(questions, squad / "predictions" / f"{system}.json.gz")
    rounded = {name: round(100 * found.metrics[name], 4) for name in ("exact_match", "f1")}
    assert rounded == expected[system]


def test_a_missing_answer_counts_as_wrong(
    squad: Path, questions: list[QuestionRecord], expected: dict[str, dict[str, float]], tmp_path: Path
) -> None:
    system = SYSTEMS[0]
    with gzip.open(squad / "predictions" / f"{system}.json.gz", "rt", encoding="utf-8") as file:
        answers = json.load(file)
    right = next(record for record in questions if answers[record.id] in record.golds)
    del answers[right.id]
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps(answers), encoding="utf-8")
    found = score_predictions(questions, path)
    exact = expected[system]["exact_match"] / 100 - 1 / len(questions)
    assert found.metrics["exact_match"] == pytest.approx(exact, abs=5e-7)
    assert len(found.notes) == 1 and right.id in found.notes[0]
