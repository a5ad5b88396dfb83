"""Strong matching as GERBIL counts it, counted by hand."""

from __future__ import annotations

import pytest

from loreweave.metrics.linking.matching import Matches, match, strong_matching


def test_characters_and_entity_must_be_the_same() -> None:
    gold = [(0, 4, "Q1"), (5, 9, "Q2"), (10, 14, "Q3")]
    found = [(0, 4, "Q1"), (5, 8, "Q2"), (10, 14, "Q9")]
    assert match(gold, found) == Matches(1, 2, 2)


def test_mentions_without_an_entity_are_left_out_on_both_sides() -> None:
    assert match([(0, 4, None), (5, 9, "Q2")], [(0, 4, None), (5, 9, "Q2"), (10, 12, None)]) == Matches(1, 0, 0)
    assert match([(0, 4, None)], [(0, 4, "Q1")]) == Matches(0, 1, 0)


def test_a_repeated_annotation_is_matched_once() -> None:
    assert match([(0, 4, "Q1")], [(0, 4, "Q1"), (0, 4, "Q1")]) == Matches(1, 1, 0)


def test_micro_and_macro() -> None:
    gold = [[(0, 4, "Q1"), (5, 9, "Q2")], [(0, 3, "Q3")], []]
    found = [[(0, 4, "Q1"), (5, 9, "Q2"), (10, 12, "Q7")], [(0, 3, "Q4")], []]
    scores = strong_matching(gold, found)
    # right 2, wrong 1 + 1, missed 1
    assert scores["micro_precision"] == 2 / 4 and scores["micro_recall"] == 2 / 3
    assert scores["micro_f1"] == pytest.approx(4 / 7)
    # documents: (2/3, 1, 4/5), (0, 0, 0), and the empty one, where finding nothing is right
    assert scores["macro_precision"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert scores["macro_recall"] == pytest.approx(2 / 3)
    assert scores["macro_f1"] == pytest.approx((4 / 5 + 0 + 1) / 3)


def test_something_where_there_is_nothing_is_zero() -> None:
    assert Matches(0, 1, 0).scores == (0, 0, 0) and Matches(0, 0, 0).scores == (1, 1, 1)
    assert strong_matching([[]], [[(0, 1, "Q1")]])["macro_f1"] == 0
