"""Prototypes: the nearest mean of the support, by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loreweave.errors import DataError
from loreweave.experiments.probes.examples import Example, ProbeData
from loreweave.experiments.probes.predictions import SAVED_EPISODES
from loreweave.experiments.probes.prototypes import (
    check_episodes,
    copied_texts,
    draws_of,
    episode_measures,
    nearest,
    unit_length,
)
from loreweave.experiments.probes.settings import ProbeConfig


def data_of(labels: list[str]) -> ProbeData:
    """A data set with one text for each label."""
    examples = [Example(str(number), f"text {number}", ((0, 4), (5, 6)), (label,)) for number, label in enumerate(labels)]
    return ProbeData("few_shot", "mine", Path("mine.jsonl"), examples, [], False, None, {})


def test_the_mean_of_the_support_decides() -> None:
    # Class 0 has the mean (2, 0), class 1 the mean (0, 4); (3, 3.5) is nearer to the second in angle and in distance.
    support = np.array([[[[1.0, 0.0], [3.0, 0.0]], [[-1.0, 4.0], [1.0, 4.0]]]], np.float32)
    query = np.array([[[2.0, 1.0], [3.0, 3.5]]], np.float32)
    known = np.ones((1, 2, 2), bool)
    assert nearest(support, known, query, "euclidean").tolist() == [[0, 1]]
    assert nearest(support, known, query, "cosine").tolist() == [[0, 1]]


def test_cosine_ignores_lengths_and_distance_does_not() -> None:
    support = np.array([[[[10.0, 0.0]], [[1.0, 1.0]]]], np.float32)
    query = np.array([[[1.0, 0.1]]], np.float32)
    known = np.ones((1, 2, 1), bool)
    assert nearest(support, known, query, "cosine").tolist() == [[0]]
    assert nearest(support, known, query, "euclidean").tolist() == [[1]]


def test_support_without_a_vector_is_left_out_of_the_mean() -> None:
    support = np.array([[[[4.0, 0.0], [0.0, 0.0]], [[2.5, 0.0], [0.0, 0.0]]]], np.float32)
    query = np.array([[[3.9, 0.0]]], np.float32)
    known = np.array([[[True, False], [True, False]]])
    assert nearest(support, known, query, "euclidean").tolist() == [[0]]
    assert nearest(support, np.array([[[False, False], [True, True]]]), query, "euclidean").tolist() == [[1]]
    assert nearest(support, np.zeros((1, 2, 2), bool), query, "euclidean").tolist() == [[-1]]


def test_head_and_tail_are_scaled_apart() -> None:
    found = unit_length(np.array([[3.0, 4.0, 0.0, 5.0]], np.float32), 2)
    assert found.tolist() == [[pytest.approx(0.6), pytest.approx(0.8), 0.0, 1.0]]


def test_vectors_that_tell_the_relation_are_always_right_and_random_ones_near_chance() -> None:
    labels = [f"relation {number % 8}" for number in range(160)]
    data, known = data_of(labels), np.ones(160, bool)
    config = ProbeConfig(episodes=300, way=4, shots=[1, 5])
    told = np.eye(8, dtype=np.float32)[[int(label[-1]) for label in labels]].repeat(2, 1)
    assert [measure.draws().tolist() for measure in episode_measures(data, told, known, config).measures] == [[1.0], [1.0]]
    blind = np.random.default_rng(0).normal(size=(160, 16)).astype(np.float32)
    one, five = episode_measures(data, blind, known, config).measures
    assert (one.what, five.what) == ("4-way 1-shot", "4-way 5-shot")
    assert abs(one.draws()[0] - 0.25) < 0.06 and abs(five.draws()[0] - 0.25) < 0.06
    again = episode_measures(data, blind, known, config).measures
    assert (again[0].counts == one.counts).all()


def test_the_queries_of_the_first_episodes_are_predictions() -> None:
    labels = [f"relation {number // 20}" for number in range(160)]
    data, known = data_of(labels), np.ones(160, bool)
    config = ProbeConfig(episodes=300, way=4, shots=[1, 5])
    blind = np.random.default_rng(0).normal(size=(160, 16)).astype(np.float32)
    found = episode_measures(data, blind, known, config)
    assert len(found.predictions) == 2 * SAVED_EPISODES * 4
    of_one = [row for row in found.predictions if row["shots"] == 1]
    right = [row["predicted"] == row["gold"] for row in of_one]
    assert sum(right) == found.measures[0].counts[0, :SAVED_EPISODES, 0].sum()
    row, drawn = of_one[5], draws_of(data, 1, config).draw(1)
    number = drawn.query[1]
    assert (row["episode"], row["query"], row["id"]) == (1, 1, str(number)) and row["gold"] == labels[number]
    assert row["relations"] == list(drawn.classes) and row["tail"]["mention"] == f"text {number}"[5:6]


def test_a_query_without_a_vector_is_wrong() -> None:
    data = data_of([f"relation {number % 2}" for number in range(20)])
    vectors = np.eye(2, dtype=np.float32)[[number % 2 for number in range(20)]].repeat(2, 1)
    known = np.zeros(20, bool)
    found = episode_measures(data, vectors, known, ProbeConfig(episodes=10, way=2, shots=[1]))
    assert found.measures[0].draws()[0] == 0
    assert len(found.predictions) == 20 and all("error" in row and "predicted" not in row for row in found.predictions)


def test_queries_with_a_text_of_the_support_are_counted() -> None:
    """All texts are equal, or none, or one relation has two equal sentences: its only query is then the one of its support."""
    labels = [f"relation {number % 2}" for number in range(4)]
    config = ProbeConfig(episodes=10, way=2, shots=[1], queries=1)
    data = data_of(labels)
    assert copied_texts(data, config) == ({"2-way 1-shot": 0}, [])
    same = replace(data, train=[replace(example, text="ann and bob") for example in data.train])
    counts, lines = copied_texts(same, config)
    assert counts == {"2-way 1-shot": 20}
    assert lines[0].startswith("2-way 1-shot: 20 of 20 queries, in 10 episodes: the text is also in the support set")
    half = [example if example.labels == ("relation 0",) else replace(example, text="ann") for example in data.train]
    assert copied_texts(replace(data, train=half), config)[0] == {"2-way 1-shot": 10}


def test_too_few_relations_are_an_error_with_the_file() -> None:
    with pytest.raises(DataError, match=r"mine.jsonl: found 2 relations .* expected at least 5 \(settings way, shots"):
        check_episodes(data_of([f"relation {number % 2}" for number in range(20)]), ProbeConfig())
