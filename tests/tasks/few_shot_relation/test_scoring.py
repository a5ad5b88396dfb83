"""Accuracy, its interval, and the table of relations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loreweave.errors import DataError
from loreweave.metrics.resampling import INTERVALS
from loreweave.tasks.contract import Execution, NoSettings, Reading
from loreweave.tasks.few_shot_relation.episodes import RelationEpisode
from loreweave.tasks.few_shot_relation.scoring import METRICS, Answered, score, score_predictions
from loreweave.tasks.relations.record import RelationRecord
from loreweave.training.evaluation import Evaluation

RECORD = RelationRecord("7", "Ann lives in Oslo", (0, 3), (13, 17))


def scored(gold: Path, predictions: Path, *, skip_bad: bool = False) -> tuple[Evaluation, dict[str, Any]]:
    """`score_predictions` that tells nobody."""
    execution = Execution(reading=Reading(skip_bad=skip_bad), report=lambda line: None)
    return score_predictions(gold, predictions, NoSettings(), execution)


OTHER = RelationRecord("8", "Bob lives in Rome", (0, 3), (13, 17))


def answered(relations: tuple[str, ...], predicted: list[int], gold: list[int | None]) -> Answered:
    support = tuple((RECORD,) for _ in relations)
    episode = RelationEpisode("0", relations, support, (RECORD,) * len(gold), tuple(gold))
    return Answered.by_logits(episode, np.log(np.eye(len(relations) + 1, dtype=np.float32)[predicted] * 3 + 1))


def test_accuracy_by_hand() -> None:
    found = score([answered(("a", "b"), [0, 0, 1], [0, 1, None]), answered(("b", "c"), [2, 1], [2, 0])], bootstrap=200)
    assert tuple(found.metrics) == METRICS and found.metrics["accuracy"] == 0.5  # a right, b wrong, none right, b wrong
    table = {row["relation"]: row for row in found.tables["per_relation"]}
    assert table["b"] == {"relation": "b", "queries": 2, "accuracy": 0.0, "most_often_taken_for": "a"}
    assert table["none_of_the_above"]["accuracy"] == 1.0 and table["a"]["most_often_taken_for"] is None
    assert [row["predicted"] for row in found.predictions] == ["a", "a", "b", "none_of_the_above", "c"]
    assert found.predictions[2]["gold"] is None and found.predictions[0]["probability"] == pytest.approx(4 / 6)
    assert found.arrays["accuracy_counts"].tolist() == [[1, 2], [1, 2]]


def test_the_interval_is_of_resampled_episodes() -> None:
    episodes = [answered(("a", "b"), [number % 2], [0]) for number in range(400)]
    (row,) = score(episodes).tables[INTERVALS]
    # A part of 1/2 of 400 has a standard error of 0.025.
    assert row["low"] == pytest.approx(0.5 - 1.96 * 0.025, abs=0.01) and row["high"] == pytest.approx(0.549, abs=0.01)
    assert score(episodes).tables == score(episodes).tables and INTERVALS not in score(episodes, bootstrap=0).tables


def test_hidden_answers_are_not_scored() -> None:
    found = score([answered(("a", "b"), [1], [None])])
    assert found.metrics == {} and found.notes and found.predictions[0]["number"] == 1


def sentence(text: str, label: str | None) -> dict[str, Any]:
    ends = {"head": {"start": 0, "end": 3}, "tail": {"start": len(text) - 4, "end": len(text)}}
    return {"text": text, **ends} | ({} if label is None else {"label": label})


SUPPORT = [sentence("Ann lives in Oslo", "lives in"), sentence("Bob works at bank", "works at")]
QUERIES = [[sentence("she works at bank", "works at"), sentence("Ann likes Oslo", "none_of_the_above")],
           [sentence("Bob lives in Oslo", "lives in")]]  # fmt: skip


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "episodes.jsonl"
    path.write_text("\n".join(json.dumps({"support": SUPPORT, "query": query}) for query in QUERIES))
    return path


def given(folder: Path, rows: Any) -> Path:
    path = folder / "answers"
    path.write_text(json.dumps(rows) if isinstance(rows, list) and not isinstance(rows[0], dict) else
                    "\n".join(map(json.dumps, rows)))  # fmt: skip
    return path


@pytest.mark.parametrize(
    "rows",
    [
        [1, 2, 1],
        [{"number": 1}, {"number": 2}, {"number": 1}],
        [{"predicted": "works at"}, {"predicted": "none_of_the_above"}, {"number": 0, "predicted": "works at"}],
        [{"episode": 1, "prediction": "works at"}, {"episode": 0, "query": 1, "prediction": "none_of_the_above"},
         {"episode": "0", "query": 0, "prediction": "works at", "number": 0}],
    ],
)  # fmt: skip
def test_predictions_of_any_system(rows: list[Any], gold: Path, tmp_path: Path) -> None:
    """FewRel's list of numbers, rows in order, rows by episode: two of three are right."""
    evaluation, facts = scored(gold, given(tmp_path, rows))
    assert evaluation.metrics == {"accuracy": 2 / 3} and evaluation.notes == []
    assert (facts["records"], facts["queries"]) == (2, 3) and "probability" not in evaluation.predictions[0]
    assert [row["predicted"] for row in evaluation.predictions] == ["works at", "none_of_the_above", "works at"]


def test_a_query_without_prediction_counts_as_wrong(gold: Path, tmp_path: Path) -> None:
    evaluation, _ = scored(gold, given(tmp_path, [{"episode": 1, "prediction": "lives in"}]))
    assert evaluation.metrics == {"accuracy": 1 / 3} and len(evaluation.predictions) == 1
    assert evaluation.notes == ["no prediction for 2 of 3 records, counted as wrong: 0/0, 0/1"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"episode": 0, "prediction": "born in"}], "answers, line 1: found 'born in' for episode 0, expected one"),
        ([{"episode": 0, "number": 3}], "answers, line 1: found 3 for episode 0, .* a number from 0 to 2"),
        ([0, 1, True], "answers, number 3: found true for episode 1"),
        ([{"episode": 0}], "line 1, field 'predicted': found nothing, expected a string"),
        ([{"episode": 7, "number": 0}], "no prediction for any of 3 records; the ids are 7/0, expected"),
        ([0, 1], "found 2 predictions without ids, expected one for each of 3 records"),
    ],
)
def test_wrong_predictions_are_named(rows: list[Any], message: str, gold: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        scored(gold, given(tmp_path, rows))


def test_hidden_answers_cannot_be_scored_and_bad_episodes_are_counted(gold: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in gold.read_text().splitlines()]
    hidden = tmp_path / "hidden.jsonl"
    hidden.write_text("\n".join(json.dumps(row | {"query": [sentence("Ann likes Oslo", None)]}) for row in rows))
    with pytest.raises(DataError, match="no query with a known relation"):
        scored(hidden, given(tmp_path, [0, 1]))
    gold.write_text("\n".join(map(json.dumps, [rows[0] | {"query": []}, rows[1]])))
    with pytest.raises(DataError, match="field 'query'"):
        scored(gold, given(tmp_path, [0]))
    evaluation, facts = scored(gold, given(tmp_path, [0]), skip_bad=True)
    assert facts["skipped"] == {"bad query": 1} and evaluation.metrics == {"accuracy": 1.0}


def test_queries_that_copy_their_support_are_named() -> None:
    support = ((RECORD,), (OTHER,))
    turned = RelationRecord("9", OTHER.text, OTHER.tail, OTHER.head)
    fresh = RelationRecord("10", "Eve lives in Bonn", (0, 3), (13, 17))
    episode = RelationEpisode("3", ("a", "b"), support, (fresh, turned), (0, 1))
    (note,) = score([Answered(episode, [0, 1])]).notes
    assert note.startswith("1 of 2 queries, in 1 episode: the text is also in") and "(episode/query 3/1)" in note
    assert score([Answered(RelationEpisode("3", ("a", "b"), support, (fresh,), (0,)), [0])]).notes == []
