"""Exact match and F1 of ReCoRD's answers: cases by hand, and a plain implementation without regular expressions."""

from __future__ import annotations

import string
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.metrics.answers import normalized, score_answer


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Beatles' U.S. tour", "beatles us tour"),
        ("A.N. Other", "other"),  # "an" once the points are gone
        ("a-the-an", "athean"),  # hyphens vanish, so that no article is left
        ("the–end", "–end"),  # a dash is no ASCII punctuation, and ends a word
        ("Théa and an\u00a0the\tman", "théa and man"),
        ("an an", ""),
    ],
)
def test_normalisation(text: str, normal: str) -> None:
    assert normalized(text) == normal


@pytest.mark.parametrize(
    ("predicted", "answer", "exact", "f1"),
    [
        ("the James Watt.", "James Watt", 1, 1),
        ("James", "James Watt", 0, 2 * 1 * 0.5 / 1.5),
        ("Watt Watt of Greenock", "James Watt", 0, 2 * 0.25 * 0.5 / 0.75),  # a word counts as often as in both
        ("London", "Paris", 0, 0),
        ("the", "a", 1, 0),  # nothing is left of both: equal, without a common word
    ],
)
def test_scores_of_one_answer(predicted: str, answer: str, exact: float, f1: float) -> None:
    assert score_answer(predicted, [answer]) == (exact, pytest.approx(f1))


def test_the_best_answer_counts_for_each_metric() -> None:
    assert score_answer("James Watt", ["Watt", "James  Watt"]) == (1, 1)
    assert score_answer("Watt of Glasgow", ["Glasgow", "James Watt"]) == (0, pytest.approx(2 * (1 / 3) / (4 / 3)))
    assert score_answer(None, ["Glasgow"]) == (0, 0)


def plain_words(text: str) -> list[str]:
    """The words of the official normalisation, character by character."""
    kept = [character for character in text.lower() if character not in string.punctuation]
    runs = ["".join(run) for _, run in groupby(kept, key=str.isalnum)]
    return "".join(" " if run in ("a", "an", "the") else run for run in runs).split()


def plain_f1(predicted: str, answer: str) -> float:
    guess, truth = plain_words(predicted), plain_words(answer)
    left, common = list(truth), 0
    for word in guess:
        if word in left:
            left.remove(word)
            common += 1
    if common == 0:
        return 0.0
    precision, recall = common / len(guess), common / len(truth)
    return 2 * precision * recall / (precision + recall)


TEXTS = st.text(st.sampled_from("aAtThenN .,'-–_\u00a0\né1xy"), max_size=24)


@given(predicted=TEXTS, answers=st.lists(TEXTS, min_size=1, max_size=3))
def test_scores_equal_those_of_a_plain_implementation(predicted: str, answers: list[str]) -> None:
    assert normalized(predicted) == " ".join(plain_words(predicted))
    found = score_answer(predicted, answers)
    assert found.exact == max(plain_words(predicted) == plain_words(answer) for answer in answers)
    assert found.f1 == pytest.approx(max(plain_f1(predicted, answer) for answer in answers))
