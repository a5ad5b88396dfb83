"""Sampled negatives: never true, never twice, uniform, seeded."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.metrics.known_answers import AnswerRows
from loreweave.metrics.sampled_negatives import sample_negatives

KNOWN = AnswerRows(np.array([0, 3, 3, 5]), np.array([0, 1, 2, 7, 9], dtype=np.int32))
GOLD, QUESTIONS = np.array([1, 5, 6, 7, 0]), np.array([0, 0, 1, 2, 2])


@pytest.mark.parametrize("candidates", [60, 10_000])  # shuffled lists; drawn until they fit
def test_negatives_are_distinct_and_not_true(candidates: int) -> None:
    drawn = sample_negatives(GOLD, candidates, 30, 0, questions=QUESTIONS, known=KNOWN)
    assert drawn.shape == (5, 30) and drawn.min() >= 0 and drawn.max() < candidates
    for row, gold, question in zip(drawn.tolist(), GOLD.tolist(), QUESTIONS, strict=True):
        assert len(set(row)) == 30
        assert not set(row) & ({gold} | set(KNOWN[question].tolist()))


def test_equal_seeds_give_equal_draws() -> None:
    first, same, other = (sample_negatives(GOLD, 500, 50, seed, questions=QUESTIONS) for seed in (1, 1, 2))
    assert np.array_equal(first, same) and not np.array_equal(first, other)


def test_a_row_with_too_few_has_all_that_are_left() -> None:
    drawn = sample_negatives(GOLD, 10, 8, 0, questions=QUESTIONS, known=KNOWN)
    assert sorted(drawn[0].tolist()) == [-1, 3, 4, 5, 6, 7, 8, 9]  # neither gold 1 nor 0, 1, 2
    assert sorted(drawn[4].tolist()) == [-1, 1, 2, 3, 4, 5, 6, 8]
    assert len(set(drawn[2].tolist()) - {-1, 6}) == 8  # no known answers but gold 6: nine are left
    assert sample_negatives([0], 3, 5, 0).shape == (1, 5)


def test_a_subset() -> None:
    subset = np.arange(900, 400, -1)
    drawn = sample_negatives([450, 500], 1000, 40, 0, subset=subset)
    assert set(drawn.reshape(-1).tolist()) <= set(subset.tolist())
    assert 450 not in drawn[0] and 500 not in drawn[1]


@pytest.mark.parametrize("candidates", [9, 60])
def test_every_candidate_is_drawn_as_often(candidates: int) -> None:
    known = AnswerRows(np.array([0, 2]), np.array([3, 4], dtype=np.int32))
    drawn = sample_negatives(np.zeros(20_000, dtype=int), candidates, 3, 0, questions=np.zeros(20_000, dtype=int), known=known)
    counts = np.bincount(drawn.reshape(-1), minlength=candidates)
    assert counts[[0, 3, 4]].tolist() == [0, 0, 0]
    expected = 60_000 / (candidates - 3)
    assert np.abs(np.delete(counts, [0, 3, 4]) - expected).max() < 5 * np.sqrt(expected)
