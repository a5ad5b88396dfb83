"""Known answers: cases counted by hand, and a dictionary of sets as an oracle."""

from __future__ import annotations

import tracemalloc
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loreweave.metrics.known_answers import SIDES, AnswerRows, KnownAnswers, Questions, Side, share_of

TRIPLES = np.array([[0, 0, 5], [0, 0, 3], [1, 0, 3], [0, 1, 3], [0, 0, 3]], dtype=np.int32)
triples = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 5)), max_size=30)


def array(rows: list[tuple[int, int, int]]) -> np.ndarray:
    return np.array(rows, dtype=np.int32).reshape(-1, 3)


def test_tails_of_a_head_and_heads_of_a_tail() -> None:
    tails = KnownAnswers("tail", TRIPLES).of(np.array([0, 1, 0]), np.array([0, 0, 1]))
    assert [tails[i].tolist() for i in range(3)] == [[3, 5], [3], [3]]
    heads = KnownAnswers("head", TRIPLES).of(np.array([3, 5, 3]), np.array([0, 0, 1]))
    assert [heads[i].tolist() for i in range(3)] == [[0, 1], [0], [0]]


def test_a_repeated_triple_counts_once() -> None:
    assert len(KnownAnswers("tail", TRIPLES, TRIPLES)) == 4


def test_a_question_that_nobody_asked_has_no_answers() -> None:
    found = KnownAnswers("tail", TRIPLES).of(np.array([9, 0, 1]), np.array([0, 9, 1]))
    assert found.counts.tolist() == [0, 0, 0] and len(found.answers) == 0
    assert KnownAnswers("tail").of(np.array([0]), np.array([0])).counts.tolist() == [0]


def test_a_question_needs_no_copy_of_all_answers() -> None:
    """A list is scored and a query answered one by one, so that the cost of a question must not grow with the graph."""
    rows = np.arange(100_000, dtype=np.int32)
    known = KnownAnswers("tail", np.stack([rows, np.zeros_like(rows), rows[::-1]], axis=1))
    tracemalloc.start()
    try:
        found = known.of(np.array([7]), np.array([0]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found[0].tolist() == [99_992] and peak < rows.nbytes / 10


def test_contain_and_select() -> None:
    rows = AnswerRows(np.array([0, 2, 2, 3]), np.array([1, 4, 0], dtype=np.int32))
    assert rows.contain(np.array([0, 0, 1, 2, 2]), np.array([4, 0, 4, 0, 9])).tolist() == [True, False, False, True, False]
    chosen = rows.select(np.array([2, 0, 0]))
    assert [chosen[i].tolist() for i in range(3)] == [[0], [1, 4], [1, 4]]


@given(triples, triples, st.sampled_from(SIDES))
@settings(max_examples=50, deadline=None)
def test_as_a_dictionary_of_sets_has_it(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]], side: Side
) -> None:
    expected = defaultdict(set)
    for head, relation, tail in first + second:
        given_, asked = (head, tail) if side == "tail" else (tail, head)
        expected[given_, relation].add(asked)
    entities, relations = (x.reshape(-1) for x in np.meshgrid(np.arange(7), np.arange(4)))
    found = KnownAnswers(side, array(first), array(second)).of(entities, relations)
    assert [set(found[i].tolist()) for i in range(len(found))] == [
        expected[key] for key in zip(entities, relations, strict=True)
    ]
    assert len(found.answers) == sum(map(len, expected.values()))


@given(triples, st.sampled_from(SIDES))
@settings(max_examples=50, deadline=None)
def test_questions_give_the_triples_back(rows: list[tuple[int, int, int]], side: Side) -> None:
    asked = Questions.from_triples(side, array(rows))
    ends = {"tail": (asked.entities[asked.of], asked.gold), "head": (asked.gold, asked.entities[asked.of])}
    head, tail = ends[side]
    assert np.array_equal(np.stack([head, asked.relations[asked.of], tail], axis=1), array(rows))
    assert len(set(zip(asked.entities, asked.relations, strict=True))) == len(asked)


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_shares_hold_every_row_once_and_every_question_in_one(questions: list[int], count: int) -> None:
    shares = [share_of(questions, index, count) for index in range(count)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(len(questions)))
    held = [set(np.asarray(questions, dtype=int)[share].tolist()) for share in shares]
    assert sum(map(len, held)) == len(set(questions))


@given(triples, triples, st.sampled_from(SIDES))
@settings(max_examples=50, deadline=None)
def test_rows_whose_triples_have_no_key_of_64_bits_have_the_same_answers(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]], side: Side
) -> None:
    """As Freebase, whose 86 M entities and 15 K relations have more possible triples."""
    far = 2**28
    entities, relations = (x.reshape(-1) for x in np.meshgrid(np.arange(7), np.arange(4)))
    near = KnownAnswers(side, array(first), array(second), array([(5, 2, 5)])).of(entities, relations)
    known = KnownAnswers(side, array(first) * far, array(second) * far, array([(5, 2, 5)]) * far)
    found = known.of(entities * far, relations * far)
    assert found.offsets.tolist() == near.offsets.tolist() and found.answers.tolist() == (near.answers * far).tolist()
    assert known.of(entities * far + 1, relations * far).counts.sum() == 0


def test_shares_are_about_equal() -> None:
    sizes = [len(share_of(np.arange(1000) // 3, index, 4)) for index in range(4)]
    assert max(sizes) - min(sizes) <= 3 and sum(sizes) == 1000


def test_wrong_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"found an array of float64 \[2, 3\]"):
        KnownAnswers("tail", np.zeros((2, 3)))
    with pytest.raises(ValueError, match="negative row"):
        Questions.from_triples("tail", np.array([[0, -1, 0]]))
    with pytest.raises(ValueError, match="process 2 of 2"):
        share_of([0], 2, 2)
