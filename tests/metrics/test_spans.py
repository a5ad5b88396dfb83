"""Span scores: hand-counted, against seqeval, and additive."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.tag_schemes import TokenSpan, spans_of_tags
from loreweave.metrics.spans import SpanCounts, count_spans, precision_recall

SEQEVAL: Any = None
if find_spec("seqeval") is not None:
    SEQEVAL = import_module("seqeval.metrics.sequence_labeling")
WITH_SEQEVAL = pytest.mark.skipif(SEQEVAL is None, reason="seqeval is not installed")

TAGS = st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
PAIRS = st.lists(st.lists(st.tuples(TAGS, TAGS), min_size=1, max_size=6), max_size=5)


def counts_of(pairs: list[list[tuple[str, str]]]) -> SpanCounts:
    gold, predicted = ([[pair[side] for pair in sentence] for sentence in pairs] for side in (0, 1))
    return count_spans(map(spans_of_tags, gold), map(spans_of_tags, predicted))


def test_hand_counted() -> None:
    gold = [[TokenSpan(0, 2, "PER"), TokenSpan(3, 4, "LOC")], [TokenSpan(0, 1, "PER")]]
    predicted = [[TokenSpan(0, 2, "PER"), TokenSpan(3, 4, "PER")], [TokenSpan(0, 2, "PER"), TokenSpan(0, 2, "PER")]]
    counts = count_spans(gold, predicted)
    assert counts.totals == (3, 3, 1)
    assert counts.micro().f1 == pytest.approx(1 / 3)
    person, place = counts.per_type()[::-1]
    assert (person["label"], person["gold"], person["predicted"], person["correct"]) == ("PER", 2, 3, 1)
    assert person["f1"] == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2)) and place["f1"] == 0
    assert counts.macro_f1() == pytest.approx(person["f1"] / 2)


@given(PAIRS, PAIRS)
def test_counts_add_up(first: list[list[tuple[str, str]]], second: list[list[tuple[str, str]]]) -> None:
    assert counts_of(first) + counts_of(second) == counts_of(first + second)


@WITH_SEQEVAL
@given(PAIRS.filter(bool))
def test_scores_are_those_of_seqeval(pairs: list[list[tuple[str, str]]]) -> None:
    gold, predicted = ([[pair[side] for pair in sentence] for sentence in pairs] for side in (0, 1))
    value = counts_of(pairs).micro()
    assert value.f1 == pytest.approx(SEQEVAL.f1_score(gold, predicted, zero_division=0))
    assert value.precision == pytest.approx(SEQEVAL.precision_score(gold, predicted, zero_division=0))


def test_nothing_predicted_and_nothing_to_find() -> None:
    assert (precision_recall(3, 0, 0).f1, precision_recall(0, 3, 0).f1, SpanCounts().micro().f1) == (0, 0, 0)
    assert SpanCounts().macro_f1() == 0
    with pytest.raises(ValueError):
        count_spans([[]], [])
