"""InKB accuracy, counted by hand."""

from __future__ import annotations

import pytest

from loreweave.metrics.linking.accuracy import linking_accuracy


def test_accuracy_of_the_mentions_in_the_knowledge_base() -> None:
    gold = [["Q1", "Q2", None, "Q3"], ["Q4"], [None], []]
    predicted = [["Q1", "Q9", "Q5", None], ["Q4"], [None], []]
    found = linking_accuracy(gold, predicted)
    assert found.correct == (1, 1) and found.mentions == (3, 1)  # the last two documents have no such mention
    assert found.micro() == 2 / 4
    assert found.macro() == pytest.approx((1 / 3 + 1) / 2)
    assert found.with_nil() == 3 / 6  # of two mentions without an entity, one was left without one
    assert found.nil_f1() == 2 * 1 / (2 + 2)  # two gold, two predicted, one right


def test_nothing_to_link_is_zero() -> None:
    found = linking_accuracy([[None]], [["Q1"]])
    assert (found.micro(), found.macro(), found.with_nil(), found.nil_f1()) == (0, 0, 0, 0)


def test_another_number_of_mentions_is_refused() -> None:
    with pytest.raises(ValueError):
        linking_accuracy([["Q1", "Q2"]], [["Q1"]])
