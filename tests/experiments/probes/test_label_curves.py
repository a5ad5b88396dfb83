"""Logistic regression from nested sets of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from loreweave.errors import DataError
from loreweave.experiments.probes.examples import Example, ProbeData
from loreweave.experiments.probes.label_curves import _Inputs, class_counts, label_curve, most_frequent, standardised
from loreweave.experiments.probes.settings import ProbeConfig


def data_of(train: list[tuple[str, ...]], test: list[tuple[str, ...]], **settings: Any) -> ProbeData:
    """Examples with these labels."""
    parts = [[Example(str(n), f"text {n}", ((0, 4),), labels) for n, labels in enumerate(part)] for part in (train, test)]
    return ProbeData(
        "typing", "mine", Path("mine.json"), *parts, **{"multi_label": False, "no_label": None, "facts": {}, **settings}
    )


def apart(labels: list[tuple[str, ...]], names: list[str]) -> np.ndarray:
    """Vectors that say which labels an example has."""
    noise = np.random.default_rng(0).normal(scale=0.05, size=(len(labels), len(names)))
    return (np.array([[name in found for name in names] for found in labels]) + noise).astype(np.float32)


def test_labels_are_learned_and_the_last_measure_has_all() -> None:
    train, test = [("a",), ("b",)] * 30, [("a",), ("b",)] * 5
    data, vectors = data_of(train, test), apart([*train, *test], ["a", "b"])
    curve = label_curve(data, vectors, np.ones(70, bool), ProbeConfig(labels=[10, 50, 200], draws=3))
    assert [(measure.what, measure.number) for measure in curve.measures] == [
        ("10 labels", 10), ("50 labels", 50), ("all 60 labels", 60),
    ]  # fmt: skip
    assert [len(measure.draws()) for measure in curve.measures] == [3, 3, 1]
    assert curve.measures[-1].draws().tolist() == [1.0]
    assert curve.notes == ["labels=200 is left out: there are 60 training examples"]
    again = label_curve(data, vectors, np.ones(70, bool), ProbeConfig(labels=[10, 50, 200], draws=3))
    assert all((one.counts == other.counts).all() for one, other in zip(curve.measures, again.measures, strict=True))


def test_smaller_sets_are_parts_of_larger_ones_and_draws_differ() -> None:
    data = data_of([("a",), ("b",)] * 30, [("a",)])
    inputs = _Inputs(data, np.zeros((60, 1)), np.zeros((1, 1)), np.ones(60, bool), np.ones(1, bool), ProbeConfig(draws=2))
    small, large = inputs.draws(10), inputs.draws(50)
    assert all(set(few) < set(many) for few, many in zip(small, large, strict=True))
    assert set(small[0]) != set(small[1]) and len(set(large[0])) == 50


def test_random_vectors_are_near_chance() -> None:
    train, test = [("a",), ("b",)] * 100, [("a",), ("b",)] * 200
    vectors = np.random.default_rng(1).normal(size=(600, 8)).astype(np.float32)
    curve = label_curve(data_of(train, test), vectors, np.ones(600, bool), ProbeConfig(labels=[], draws=1))
    assert abs(curve.measures[0].draws()[0] - 0.5) < 0.08


def test_labels_that_were_not_drawn_count_as_errors() -> None:
    train, test = [("a",)] * 20, [("a",), ("b",)]
    curve = label_curve(data_of(train, test), apart([*train, *test], ["a", "b"]), np.ones(22, bool), ProbeConfig(labels=[]))
    assert curve.measures[0].draws().tolist() == [0.5]
    assert curve.notes == ["1 label of the test file is not in the training file"]


def test_examples_without_a_vector_are_not_learned_and_wrong_in_the_test() -> None:
    train, test = [("a",), ("b",)] * 20, [("a",), ("b",)]
    vectors, known = apart([*train, *test], ["a", "b"]), np.ones(42, bool)
    vectors[:20] = 100  # would mislead
    known[:20] = False
    known[41] = False
    curve = label_curve(data_of(train, test), vectors, known, ProbeConfig(labels=[]))
    assert curve.measures[0].counts.tolist() == [[[1, 1], [0, 1]]]
    assert curve.measures[0].number == 40
    right, cut = curve.predictions
    assert right.pop("probabilities").keys() == {"a"}
    place = {"id": "0", "text": "text 0", "start": 0, "end": 4, "mention": "text"}
    assert right == place | {"predicted": ["a"], "gold": ["a"]}
    assert cut == {"id": "1", "error": "a mention was cut off (max_length)"}


def test_nothing_to_learn_from_is_an_error_with_the_file() -> None:
    known = np.array([False, False, True])
    with pytest.raises(DataError, match=r"mine.json: found no training example whose mentions are within max_length"):
        label_curve(data_of([("a",), ("b",)], [("a",)]), np.zeros((3, 2), np.float32), known, ProbeConfig())


def test_several_types_give_micro_f1() -> None:
    train = [("a", "x"), ("b",), ("a",), ("b", "x")] * 15
    test = [("a", "x"), ("b", "rare")]
    data = data_of(train, test, multi_label=True)
    curve = label_curve(data, apart([*train, *test], ["a", "b", "x"]), np.ones(62, bool), ProbeConfig(labels=[]))
    measure = curve.measures[0]
    assert measure.metric == "micro_f1"
    assert measure.counts.tolist() == [[[4, 4], [2, 3]]]  # 2 * 2 of 2 + 2, and 2 * 1 of 1 + 2
    assert measure.draws().tolist() == [pytest.approx(6 / 7)]
    (both, one) = curve.predictions
    assert both["predicted"] == both["gold"] == ["a", "x"] and one["predicted"] == ["b"] and one["gold"] == ["b", "rare"]
    assert one["probabilities"].keys() == {"b"} and one["probabilities"]["b"] > 0.5, "'rare' was not learned"
    few = label_curve(data, apart([*train, *test], ["a", "b", "x"]), np.ones(62, bool), ProbeConfig(labels=[], max_types=2))
    assert few.notes[0] == "the rarest type is not learned (max_types=2)"
    assert few.measures[0].counts.tolist() == [[[2, 3], [2, 3]]]


def test_predictions_are_those_of_all_labels_with_the_probability_of_the_gold_label() -> None:
    train, test = [("a",), ("b",)] * 20, [("a",), ("b",), ("a",)]
    vectors = apart([*train, *test], ["a", "b"])
    vectors[-1] = vectors[1]  # of a "b"
    curve = label_curve(data_of(train, test), vectors, np.ones(43, bool), ProbeConfig(labels=[10], draws=2))
    assert [(row["predicted"], row["gold"]) for row in curve.predictions] == [(["a"], ["a"]), (["b"], ["b"]), (["b"], ["a"])]
    scaled = standardised(vectors, vectors[:40])
    model = LogisticRegression(C=0.1, max_iter=1000).fit(scaled[:40], [label for (label,) in train])
    of_a, of_b = model.predict_proba(scaled[-1:])[0]
    assert curve.predictions[-1]["probabilities"] == {"b": round(of_b, 6), "a": round(of_a, 6)}


def test_a_draw_without_a_vector_learns_no_type() -> None:
    data = data_of([("a",), ("a", "b")] * 2, [("a",)], multi_label=True)
    known = np.array([True, True, False, False])
    inputs = _Inputs(data, np.zeros((4, 1)), np.zeros((1, 1)), known, np.ones(1, bool), ProbeConfig())
    assert inputs.measure("1 label", [np.array([2])]).counts.tolist() == [[[0, 1]]], "a missed type"
    assert inputs.measure("1 label", [np.array([0])]).counts.tolist() == [[[2, 2]]]


def test_regressions_that_do_not_converge_are_counted() -> None:
    train, test = [("a",), ("b",)] * 20, [("a",)]
    config = ProbeConfig(labels=[30], draws=2, max_iterations=1)
    curve = label_curve(data_of(train, test), apart([*train, *test], ["a", "b"]), np.ones(41, bool), config)
    assert curve.notes == ["3 of 3 regressions stopped at max_iterations=1"]


def test_no_relation_is_not_counted_in_micro_f1() -> None:
    predicted, gold = np.array(["r", "none", "r", "none", "r"]), np.array(["r", "none", "none", "r", "s"])
    known = np.ones(5, bool)
    assert class_counts(predicted, gold, known, "none").tolist() == [[2, 2], [0, 0], [0, 1], [0, 1], [0, 2]]
    assert class_counts(predicted, gold, known, None).tolist() == [[1, 1], [1, 1], [0, 1], [0, 1], [0, 1]]


def test_features_that_do_not_vary_are_not_blown_up() -> None:
    vectors = np.array([[1.0, 0.3], [3.0, 0.3 + 1e-9]])
    assert standardised(vectors, vectors)[:, 0].tolist() == [-1.0, 1.0]
    assert np.abs(standardised(vectors, vectors)[:, 1]).max() < 1e-8


def test_equally_frequent_types_go_by_name() -> None:
    examples = [Example("1", "t", ((0, 1),), ("b", "a")), Example("2", "t", ((0, 1),), ("c", "a"))]
    assert most_frequent(examples, 2) == (["a", "b"], 1)
