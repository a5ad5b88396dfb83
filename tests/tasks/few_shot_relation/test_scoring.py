"""Accuracy, its interval, and the table of relations."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.tasks.few_shot_relation.episodes import RelationEpisode
from loreweave.tasks.few_shot_relation.scoring import METRICS, Answered, score
from loreweave.tasks.relation_record import RelationRecord

RECORD = RelationRecord("7", "Ann lives in Oslo", (0, 3), (13, 17))


def answered(relations: tuple[str, ...], predicted: list[int], gold: list[int | None]) -> Answered:
    support = tuple((RECORD,) for _ in relations)
    episode = RelationEpisode("0", relations, support, (RECORD,) * len(gold), tuple(gold))
    return Answered(episode, np.log(np.eye(len(relations) + 1, dtype=np.float32)[predicted] * 3 + 1))


def test_accuracy_by_hand() -> None:
    found = score([answered(("a", "b"), [0, 0, 1], [0, 1, None]), answered(("b", "c"), [2, 1], [2, 0])], bootstrap=200)
    assert tuple(found.metrics) == METRICS and found.metrics["accuracy"] == 0.5  # a right, b wrong, none right, b wrong
    table = {row["relation"]: row for row in found.tables["per_relation"]}
    assert table["b"] == {"relation": "b", "queries": 2, "accuracy": 0.0, "most_often_taken_for": "a"}
    assert table["none_of_the_above"]["accuracy"] == 1.0 and table["a"]["most_often_taken_for"] is None
    assert [row["prediction"] for row in found.predictions] == ["a", "a", "b", "none_of_the_above", "c"]
    assert found.predictions[2]["gold"] is None and found.predictions[0]["probability"] == pytest.approx(4 / 6)
    assert found.arrays["accuracy_counts"].tolist() == [[1, 2], [1, 2]]


def test_the_interval_is_of_resampled_episodes() -> None:
    episodes = [answered(("a", "b"), [number % 2], [0]) for number in range(400)]
    (row,) = score(episodes).tables["intervals"]
    # A part of 1/2 of 400 has a standard error of 0.025.
    assert row["low"] == pytest.approx(0.5 - 1.96 * 0.025, abs=0.01) and row["high"] == pytest.approx(0.549, abs=0.01)
    assert score(episodes).tables == score(episodes).tables and "intervals" not in score(episodes, bootstrap=0).tables


def test_hidden_answers_are_not_scored() -> None:
    found = score([answered(("a", "b"), [1], [None])])
    assert found.metrics == {} and found.notes and found.predictions[0]["number"] == 1
