"""Precision at k, reciprocal ranks and the baseline of frequent objects, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.metrics.fact_answers import (
    answer_intervals,
    answer_metrics,
    macro_mean,
    metrics_by_relation,
    rank_by_frequency,
)

RANKS = np.array([1.0, 3.0, 7.0, np.inf, 2.0])
RELATIONS = ["a", "a", "b", "b", "b"]


def test_micro_values_are_means_over_facts() -> None:
    found = answer_metrics(RANKS)
    assert found == pytest.approx({"p_at_1": 1 / 5, "p_at_5": 3 / 5, "p_at_10": 4 / 5, "mrr": (1 + 1 / 3 + 1 / 7 + 1 / 2) / 5})


def test_macro_values_are_means_over_relations() -> None:
    rows = metrics_by_relation(RANKS, RELATIONS)
    assert rows["a"] == pytest.approx({"p_at_1": 1 / 2, "p_at_5": 1, "p_at_10": 1, "mrr": 2 / 3})
    assert rows["b"] == pytest.approx({"p_at_1": 0, "p_at_5": 1 / 3, "p_at_10": 2 / 3, "mrr": (1 / 7 + 1 / 2) / 3})
    found = macro_mean(rows.values())
    assert found["p_at_1"] == 1 / 4 and found["p_at_10"] == pytest.approx(5 / 6)


def test_a_rank_of_one_and_a_half_is_no_hit_at_1() -> None:
    assert answer_metrics(np.array([1.5]))["p_at_1"] == 0


def test_no_ranks_are_an_error() -> None:
    with pytest.raises(ValueError, match="found no ranks"):
        answer_metrics(np.array([]))


def test_the_most_frequent_object_of_a_relation_is_always_the_first_answer() -> None:
    relations = ["r", "r", "r", "r", "s"]
    found = rank_by_frequency(relations, [["x"], ["y"], ["y"], ["z"], ["x"]], [[], [], [], [], []])
    assert found.first == {"r": "y", "s": "x"}
    assert found.ranks.tolist() == [2, 1, 1, 3, 1], "x is before z: its fact is first"
    assert answer_metrics(found.ranks)["p_at_1"] == 3 / 5


def test_other_right_answers_are_no_rivals_of_an_object() -> None:
    relations, objects = ["r"] * 3, [["x"], ["y"], ["y"]]
    assert rank_by_frequency(relations, objects, [["y"], [], []]).ranks.tolist() == [1, 1, 1]


def test_an_object_has_the_rank_of_its_most_frequent_name() -> None:
    assert rank_by_frequency(["r"] * 4, [["x"], ["x"], ["y", "x"], ["z"]], [[]] * 4).ranks.tolist() == [1, 1, 1, 3]


def test_intervals_hold_the_value_and_repeat_with_a_seed() -> None:
    found, again = (answer_intervals(np.repeat(RANKS, 20), 200, seed=3) for _ in range(2))
    assert found == again and found["p_at_1"]["low"] <= 0.2 <= found["p_at_1"]["high"]
    assert set(found) == {"p_at_1", "p_at_5", "p_at_10", "mrr"}
