"""Predictions of any system, scored: the official layouts, missing ones, and questions without an answer, by hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.extractive_qa.record import QuestionRecord, placed_answer
from loreweave.tasks.extractive_qa.scoring import score, score_predictions
from loreweave.tasks.extractive_qa.settings import EvaluationSettings, QaSettings, ScoringSettings

CONTEXT = "Ann likes Oslo and the Denver Broncos."


def record(id: str, *answers: str, given_id: str | None = None) -> QuestionRecord:
    return QuestionRecord(id, "What?", CONTEXT, tuple(placed_answer(CONTEXT, text, None) for text in answers), given_id)


ANSWERED = [record("a", "Oslo"), record("b", "Denver Broncos", "Broncos"), record("c", "Ann")]
MIXED = [*ANSWERED, record("d"), record("e")]


def write(path: Path, content: Any, lines: bool = False) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in content) if lines else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def test_squad_1_by_hand(tmp_path: Path) -> None:
    """a is right, b has 1 of 3 words in common with its best answer (2 * 1/3 * 1 / (4/3) = 1/2), c is wrong."""
    path = write(tmp_path / "predictions.json", {"a": "the Oslo!", "b": "likes Broncos and", "c": "Oslo"})
    found = score_predictions(ANSWERED, path)
    assert found.metrics == pytest.approx({"exact_match": 1 / 3, "f1": (1 + 1 / 2 + 0) / 3})
    assert found.notes == [] and found.predictions[0]["gold"] == ["Oslo"]


def test_missing_predictions_are_wrong_and_counted(tmp_path: Path) -> None:
    found = score_predictions(ANSWERED, write(tmp_path / "p.json", {"a": "Oslo", "c": None, "x": "?", "y": "?"}))
    assert found.metrics == pytest.approx({"exact_match": 1 / 3, "f1": 1 / 3})
    assert found.notes == [
        "no prediction for 2 of 3 questions, counted as wrong: b, c",
        "2 predictions are not scored, because their ids are not in the gold file: x, y",
    ]


def test_squad_2_by_hand(tmp_path: Path) -> None:
    path = write(tmp_path / "p.json", {"a": "Oslo", "b": "", "c": "Ann Oslo", "d": "", "e": "Oslo"})
    found = score_predictions(MIXED, path)
    assert found.metrics == pytest.approx(
        {
            "exact_match": 0.4, "f1": (1 + 2 / 3 + 1) / 5,
            "has_answer_exact_match": 1 / 3, "has_answer_f1": (1 + 2 / 3) / 3,
            "no_answer_exact_match": 0.5, "no_answer_f1": 0.5,
        }
    )  # fmt: skip
    assert found.tables["questions"] == [{"questions": "has_answer", "number": 3}, {"questions": "no_answer", "number": 2}]


def test_a_missing_prediction_is_wrong_where_there_is_no_answer(tmp_path: Path) -> None:
    found = score_predictions(MIXED, write(tmp_path / "p.json", {"a": "Oslo", "b": "Broncos", "c": "Ann", "d": ""}))
    assert found.metrics["exact_match"] == 0.8 and found.metrics["no_answer_exact_match"] == 0.5


def test_a_missing_prediction_is_wrong_at_the_best_threshold(tmp_path: Path) -> None:
    records = [record("a", "Oslo"), record("b"), record("c")]  # b and c have no answer
    path = write(tmp_path / "p.json", {"a": "Oslo", "b": "", "c": None})
    odds = write(tmp_path / "odds.json", {"a": -1, "b": 1, "c": 1})
    metrics = score_predictions(records, path, ScoringSettings(null_odds=str(odds))).metrics
    assert metrics["exact_match"] == metrics["best_exact_match"] == metrics["best_f1"] == pytest.approx(2 / 3)


def test_the_best_threshold_of_a_file_of_null_odds(tmp_path: Path) -> None:
    """With all answers, 3 of 5 are right; e has the highest odds. Without e, 4 of 5: the threshold is that of d."""
    path = write(tmp_path / "p.json", {"a": "Oslo", "b": "Broncos", "c": "Ann", "d": "Oslo", "e": "Ann"})
    odds = write(tmp_path / "odds.json", {"a": -5.0, "b": -1, "c": 0.5, "d": 0.25, "e": 2})
    found = score_predictions(MIXED, path, ScoringSettings(null_odds=str(odds)))
    assert (
        found.metrics["best_exact_match"] == 0.8 and found.metrics["best_exact_match_threshold"] == -1
    )  # a and b, and both without
    assert found.metrics["exact_match"] == 0.6
    found = score_predictions(MIXED, path, ScoringSettings(null_odds=str(odds), null_threshold=1))
    assert found.metrics["exact_match"] == 0.8 and found.metrics["no_answer_exact_match"] == 0.5
    found = score_predictions(MIXED, path, ScoringSettings(null_odds=str(odds), null_threshold=-9))
    assert found.metrics["exact_match"] == 0.4 and found.metrics["no_answer_exact_match"] == 1
    some = write(tmp_path / "some.json", {"a": "Oslo", "b": "Broncos", "c": "Ann", "d": "Oslo"})
    found = score_predictions(MIXED, some, ScoringSettings(null_odds=str(odds), null_threshold=-9))
    assert found.metrics["no_answer_exact_match"] == 0.5  # the missing prediction of e is wrong all the same
    found = score_predictions(MIXED, path, ScoringSettings(null_odds=str(odds), null_threshold=-9))
    # As in the official script, the best threshold is that of the answers in the file, whatever threshold is tried.
    assert found.metrics["best_exact_match"] == 0.8 and found.metrics["best_exact_match_threshold"] == -1
    write(tmp_path / "odds.json", {"a": 1})
    found = score_predictions(MIXED, path, ScoringSettings(null_odds=str(odds)))
    assert found.notes == ['no score of "no answer" for 4 questions, counted as 0: b, c, d, e']
    write(tmp_path / "odds.json", {"a": -5.0, "b": -1, "c": 0.5, "d": 0.25, "e": 2, "y": 1, "x": 1})
    found = score_predictions(MIXED, path, ScoringSettings(null_odds=str(odds)))
    assert found.notes == ['2 scores of "no answer" are for no question of the gold file: x, y']
    write(tmp_path / "odds.json", {"x": 1})
    with pytest.raises(DataError, match="odds.json: found scores for x, expected the ids of the gold file: a, b, c"):
        score_predictions(MIXED, path, ScoringSettings(null_odds=str(odds)))
    write(tmp_path / "odds.json", {"a": "1"})
    with pytest.raises(DataError, match="odds.json, field 'a': .*expected an object from ids to numbers"):
        score_predictions(MIXED, path, ScoringSettings(null_odds=str(odds)))
    (tmp_path / "odds.json").write_text('{"a": 1, "b": 1e999}')
    with pytest.raises(DataError, match="odds.json, field 'b': .*expected an object from ids to numbers"):
        score_predictions(MIXED, path, ScoringSettings(null_odds=str(odds)))
    with pytest.raises(DataError, match="found no scores of .no answer.; null_odds=FILE gives them"):
        score_predictions(MIXED, path, ScoringSettings(null_threshold=1))


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ({"a": "Oslo", "b": "Broncos", "c": "Ann"}, False),
        ({"a": [{"text": "Oslo", "probability": 1}], "b": [{"text": "Broncos"}], "c": [{"text": "Ann"}]}, False),
        ([{"id": "a", "predicted": "Oslo"}, {"id": "c", "predicted": "Ann"}, {"id": "b", "predicted": "Broncos"}], True),
        ([{"predicted": "Oslo"}, {"predicted": "Broncos"}, {"predicted": "Ann"}], True),
        ([{"prediction_text": text, "id": id} for id, text in (("a", "Oslo"), ("b", "Broncos"), ("c", "Ann"))], True),
        ([{"prediction_text": text, "id": id} for id, text in (("a", "Oslo"), ("b", "Broncos"), ("c", "Ann"))], False),
    ],
)
def test_layouts_of_predictions(tmp_path: Path, content: Any, lines: bool) -> None:
    path = write(tmp_path / "p.json", content, lines)
    assert score_predictions(ANSWERED, path).metrics == {"exact_match": 1, "f1": 1}
    with gzip.open(tmp_path / "p.json.gz", "wt", encoding="utf-8") as file:
        file.write(path.read_text(encoding="utf-8"))
    assert score_predictions(ANSWERED, tmp_path / "p.json.gz").metrics == {"exact_match": 1, "f1": 1}


def test_our_own_rows_have_the_scores_of_no_answer(tmp_path: Path) -> None:
    rows = [{"id": each.id, "predicted": "Oslo", "null_score": 1.0 if each.id in "de" else -1.0} for each in MIXED]
    found = score_predictions(MIXED, write(tmp_path / "p.jsonl", rows, lines=True))
    assert (found.metrics["best_exact_match"], found.metrics["best_exact_match_threshold"]) == (0.6, -1)


def test_rows_of_queries_that_failed_are_missing(tmp_path: Path) -> None:
    rows = [{"id": "a", "line": 1, "error": "found a blank text"}, {"id": "b", "predicted": "Broncos"}]
    found = score_predictions(ANSWERED, write(tmp_path / "p.jsonl", rows, lines=True))
    assert found.notes == ["no prediction for 2 of 3 questions, counted as wrong: a, c"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found an empty file, expected predictions"),
        ('["Oslo"]', "found a JSON list, expected an object from ids to answers, or JSON Lines"),
        ('{"a": 7}', "field 'a': found 7, expected the text of an answer"),
        ('{"x": "Oslo"}', "found no prediction for any of 3 questions; the ids are x"),
        ('{"a": "Oslo", "a": "Ann"}', "'a'"),
        ('{"id": "a", "predicted": "x"}\n{"id": "a", "predicted": "y"}', "line 2, field 'id': found a second prediction"),
        ('{"id": "a", "answer": "x"}\n{"id": "b", "answer": "y"}\n', "line 1, field 'predicted': found nothing, .*'answer'"),
        ('{"a": "Oslo"}\n{"b": "Ann"}\n', "line 1, field 'predicted': found nothing, expected the text of an answer"),
        ('{"id": "a", "predicted": 3}\n', "line 1, field 'predicted': found 3, expected the text of an answer"),
        ('{"id": "a", "predicted": "x", "null_score": "y"}\n', "line 1, field 'null_score': found 'y', expected a number"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(DataError, match=message):
        score_predictions(ANSWERED, tmp_path / "p.json")


def test_questions_with_one_id_share_its_prediction(tmp_path: Path) -> None:
    records = [record("a", "Oslo"), record("a#2", "Ann", given_id="a")]
    assert score_predictions(records, write(tmp_path / "p.json", {"a": "Ann"})).metrics["exact_match"] == 0.5
    assert score_predictions(records, write(tmp_path / "p.json", {"a": "Oslo", "a#2": "Ann"})).metrics["exact_match"] == 1


def test_languages_and_texts_without_spaces(tmp_path: Path) -> None:
    context = "彼は東京都に住む。"
    records = [QuestionRecord("a", "どこ?", context, (placed_answer(context, "東京都", None),))]
    path = write(tmp_path / "p.json", {"a": "東京"})
    found = score_predictions(records, path)
    assert found.metrics["f1"] == 0 and "language=zh or ja compares them character by character" in found.notes[0]
    found = score_predictions(records, path, ScoringSettings(language="ja"))
    assert found.metrics == pytest.approx({"exact_match": 0, "f1": 0.8}) and not found.notes
    with pytest.raises(ConfigurationError, match="setting 'language': found 'jp'"):
        score_predictions(records, path, ScoringSettings(language="jp"))


def decoded(*rows: tuple[int, int, float, float], null: tuple[float, float]) -> np.ndarray:
    return np.array([(-1, -1, *null), *rows], dtype=float)


OUTPUTS = [
    decoded((10, 14, 3, 2), (0, 3, 1, 1), null=(0, 0)),  # Oslo, -5
    decoded((23, 37, 1, 1), null=(2, 2)),  # Denver Broncos, 2
    decoded((0, 3, 2, 2), null=(0, 1)),  # Ann, -3
    decoded((10, 14, 1, 0), null=(3, 2)),  # Oslo, 4
    decoded(null=(3, 2)),  # nothing, 0
]


def test_outputs_of_a_model_that_always_answers() -> None:
    found = score(ANSWERED, OUTPUTS[:3], [], checkpoint=QaSettings(with_negative=False))
    assert found.metrics == {"exact_match": 1, "f1": 1}
    row = found.predictions[0]
    assert (row["predicted"], row["start"], row["end"], row["gold"]) == ("Oslo", 10, 14, ["Oslo"])
    assert row["probability"] == pytest.approx(np.exp(5) / (np.exp(5) + np.exp(2)), abs=1e-6)
    assert "null_score" not in row
    assert found.files["official"] == {"a": "Oslo", "b": "Denver Broncos", "c": "Ann"}
    assert "null_odds" not in found.files
    first, second = found.files["nbest"]["a"]
    assert first == {"text": "Oslo", "probability": row["probability"], "start_logit": 3.0, "end_logit": 2.0}
    assert second["text"] == "Ann"


def test_outputs_with_no_answer() -> None:
    found = score(MIXED, OUTPUTS, [], checkpoint=QaSettings())  # as the data: some have no answer
    assert [row["predicted"] for row in found.predictions] == ["Oslo", "", "Ann", "", ""]
    assert found.predictions[1]["start"] is None and found.predictions[1]["null_score"] == 2
    assert found.files["null_odds"] == {"a": -5, "b": 2, "c": -3, "d": 4, "e": 0}
    assert [entry["text"] for entry in found.files["nbest"]["b"]] == ["", "Denver Broncos"]
    assert found.metrics["exact_match"] == 0.8
    # Answers up to 2: a, b and c are right, and d and e are refused (e has no answer at all).
    assert (found.metrics["best_exact_match"], found.metrics["best_exact_match_threshold"]) == (1, 2)
    found = score(MIXED, OUTPUTS, [], EvaluationSettings(null_threshold=3), checkpoint=QaSettings(with_negative=True))
    assert [row["predicted"] for row in found.predictions] == ["Oslo", "Denver Broncos", "Ann", "", ""]
    assert found.metrics["exact_match"] == 1
    with pytest.raises(ConfigurationError, match="setting 'null_threshold': .no answer. is never predicted here"):
        score(MIXED, OUTPUTS, [], EvaluationSettings(null_threshold=3), checkpoint=QaSettings(with_negative=False))


def test_questions_without_gold_are_only_predicted() -> None:
    unknown = QuestionRecord("u", "What?", CONTEXT)
    found = score([ANSWERED[0], unknown], [OUTPUTS[0], OUTPUTS[2]], [])
    assert found.metrics["exact_match"] == 1 and "gold" not in found.predictions[1]
    assert found.notes == ["1 question without gold answers is not scored"]
    found = score([unknown], [OUTPUTS[0]], [])
    assert found.metrics == {} and found.notes == ["no question has gold answers: nothing is scored"]
