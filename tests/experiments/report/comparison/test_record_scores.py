"""Scores counted by record are those that the tasks record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loreweave.experiments.report.comparison.record_scores import way_to_count
from loreweave.experiments.report.prediction_rows import gold_text, is_right
from loreweave.metrics.classification import classification_scores
from loreweave.metrics.multilabel import multilabel_scores
from loreweave.metrics.relations import relation_scores


def counted(metric: str, rows: list[dict[str, Any]], recorded: float) -> list[float] | None:
    """The sums of the statistics, if a way gives the recorded score."""
    way = way_to_count(metric, [(rows, recorded)])
    return None if way is None else way.statistics(rows).sum(axis=0).tolist()


def of_labels(gold: str, predicted: str) -> list[dict[str, Any]]:
    """A record per letter; - is no prediction."""
    return [{"gold": a, "predicted": None if b == "-" else b} for a, b in zip(gold, predicted, strict=True)]


GOLD, GUESS = "aabbcccca", "abbac-cca"


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "matthews_correlation", "precision", "recall", "f1"])
def test_scores_of_classes(name: str) -> None:
    recorded = classification_scores([None if x == "-" else x for x in GUESS], list(GOLD), "b")[name]
    way = way_to_count(name, [(of_labels(GOLD, GUESS), recorded)])
    assert way is not None
    table = way.statistics(of_labels(GOLD, GUESS))
    assert len(table) == 9 and float(way.score(table.sum(axis=0))) == pytest.approx(recorded)


def test_micro_f1_leaves_out_the_label_that_gives_the_recorded_score() -> None:
    gold, guess = ["no_relation", "x", "y", "x"], ["x", "x", "no_relation", "y"]
    rows = [{"gold": a, "predicted": b} for a, b in zip(gold, guess, strict=True)]
    recorded = relation_scores(guess, gold, "no_relation")["micro_f1"]
    assert recorded == pytest.approx(1 / 3)
    assert counted("micro_f1", rows, recorded) == [1, 3, 3]  # correct, predicted, gold without no_relation
    assert counted("micro_f1", rows, 0.25) == [1, 4, 4]


SETS = [("ab", "a"), ("c", ""), ("a", "ab"), ("b", "b")]


@pytest.mark.parametrize("name", ["micro_f1", "micro_precision", "micro_recall", "macro_f1", "strict_f1", "accuracy"])
def test_scores_of_sets_of_labels(name: str) -> None:
    rows = [{"gold": list(gold), "predicted": list(guess)} for gold, guess in SETS]
    matrices = (np.array([[label in one for label in "abc"] for one in side]) for side in zip(*SETS, strict=True))
    gold, guess = matrices
    recorded = multilabel_scores(guess, gold)[name]
    assert counted(name, rows, recorded) is not None
    assert counted(name, rows, recorded + 0.01) is None


def test_mentions_count_by_place_and_label() -> None:
    ann, oslo = {"start": 0, "end": 3, "mention": "Ann"}, {"start": 9, "end": 13, "mention": "Oslo"}
    gold = [ann | {"label": "person"}, oslo | {"label": "place"}]
    guess = [gold[0] | {"probability": 0.9}, oslo | {"label": "person", "probability": 0.6}]
    rows = [{"gold": gold, "predicted": guess}, {"gold": [], "predicted": []}]
    assert counted("micro_f1", rows, 0.5) == [1, 2, 2]
    assert counted("macro_f1", rows, 1 / 3) == [1, 0, 2, 0, 1, 1]  # person: 1 of 2 and 1, F1 2/3; place: 0


def test_answers_and_ranks() -> None:
    answers = [
        {"question": "q", "predicted": "the Broncos", "gold": ["Broncos"]},
        {"question": "q", "predicted": "", "gold": []},
        {"question": "q", "predicted": "Carolina Panthers", "gold": ["Panthers"]},
    ]
    assert counted("f1", answers, (2 + 2 / 3) / 3) == pytest.approx([2 + 2 / 3, 3])
    assert counted("exact_match", answers, 2 / 3) == [2, 3]
    assert counted("f1", [{"gold": ["x"], "predicted": "y", "f1": 0.25}], 0.25) == [0.25, 1]
    facts = [{"gold": "x", "predicted": [], "rank": rank} for rank in (1, 4)]
    assert counted("mrr", facts, 0.625) == [1.25, 2] and counted("p_at_1", facts, 0.5) == [1, 2]
    sides = [{f"{side}_rank": {"realistic": 2.0, "optimistic": 1.0, "pessimistic": 3.0} for side in ("head", "tail")}]
    assert counted("mrr", sides, 0.5) == [1, 2] and counted("hits_at_1", sides, 1.0) == [2, 2]


def test_lists_of_labels_are_no_answers_to_questions() -> None:
    rows = [{"gold": ["a"], "predicted": ["a", "b"]}, {"gold": ["b"], "predicted": ["b"]}]
    assert counted("f1", rows, 2 / 3) == [1, 2, 1]  # of the label b: 1 correct, 2 predicted, 1 gold
    assert counted("f1", rows, 0.9) is None


def test_linked_mentions_count_if_their_entity_is_known() -> None:
    places = [{"start": 0, "end": 1}, {"start": 2, "end": 3}, {"start": 4, "end": 5}]
    gold = [place | {"entity": entity} for place, entity in zip(places, ("Q1", "Q2", "NIL"), strict=True)]
    guess = [place | {"entity": entity, "label": "x"} for place, entity in zip(places, ("Q1", "Q3", "Q4"), strict=True)]
    assert counted("accuracy", [{"gold": gold, "predicted": guess}], 0.5) == [1, 2]


def test_linked_mentions_are_compared_by_their_ids_in_the_table() -> None:
    places = [{"start": 0, "end": 1}, {"start": 2, "end": 3}, {"start": 4, "end": 5}, {"start": 6, "end": 7}]
    names = (("Paris", "2"), ("https://en.wikipedia.org/wiki/Oslo", "3"), ("Bonn", None), ("NIL", None))
    gold = [place | {"entity": name, "id": id} for place, (name, id) in zip(places, names, strict=True)]
    guess = [place | {"entity": id} for place, id in zip(places, ("2", "4", "NIL", "NIL"), strict=True)]
    row = {"gold": gold, "predicted": guess}
    assert counted("accuracy", [row], 0.5) == [1, 2]  # Bonn is not in the table
    assert is_right({"gold": gold[2:], "predicted": guess[2:]}) and not is_right(row)
    other = {"gold": [one | {"id": "7"} for one in gold]}
    assert gold_text(row) == gold_text(other)  # of a system with another table


def test_a_metric_that_is_no_sum_over_records_has_no_way() -> None:
    assert counted("label_nmi", of_labels(GOLD, GUESS), 0.5) is None
