"""Rows that are prepared for ranking: their order, their places, and the known answers of a block, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from loreweave.metrics.known_answers import AnswerRows
from loreweave.metrics.ranking_rows import LeftOut, RankedRows

KNOWN = AnswerRows(np.array([0, 2, 2, 3]), np.array([0, 3, 1], dtype=np.int32))
"""Of four candidates, question 0 has 0 and 3, question 1 none, question 2 has 1."""


def rows(subset: list[int] | None = None) -> RankedRows:
    """Three rows: question 2 with gold 1, question 0 with gold 3, question 2 with gold 2."""
    return RankedRows.of([1, 3, 2], [2, 0, 2], 3, 4, KNOWN, subset)


def test_rows_are_sorted_by_question_and_ranks_return_to_the_order_of_the_caller() -> None:
    found = rows()
    assert found.order.tolist() == [1, 0, 2] and found.asked.tolist() == [0, 2] and found.question.tolist() == [0, 1, 1]
    assert found.gold.tolist() == [3, 1, 2] and found.gold_is_known.tolist() == [True, True, False]
    assert found.known_question.tolist() == [0, 0, 1] and found.known.tolist() == [0, 3, 1]
    ranks = found.ranks(torch.tensor([0, 1, 2]), torch.tensor([0, 0, 1]))
    assert ranks.greater.tolist() == [1, 0, 2] and ranks.ties.tolist() == [0, 0, 1]
    assert ranks.candidates.tolist() == [4, 3, 3], "known answers are no candidates, but gold is"


def test_a_subset_gives_candidates_other_places() -> None:
    found = rows([3, 2, 1])
    assert found.num_candidates == 3 and found.gold.tolist() == [0, 2, 1]
    assert found.known_question.tolist() == [0, 1] and found.known.tolist() == [0, 2]
    with pytest.raises(ValueError, match="found 1 gold answers outside the subset"):
        rows([2, 1])
    with pytest.raises(ValueError, match="a repeated candidate"):
        rows([1, 2, 3, 3])


def test_known_answers_of_a_chunk_and_a_block() -> None:
    """Blocks of two candidates; places are those in the flattened scores of the questions of the chunk."""
    found = rows()
    left_out, both, second = LeftOut(found, 2), found.chunk(0, 3), found.chunk(1, 2)
    assert (both.num_rows, both.num_questions, second.num_questions) == (3, 2, 1) and second.question.tolist() == [0, 0]
    assert left_out.places(0, both, 2).tolist() == [0, 3]  # question 0: candidate 0; question 2: candidate 1
    assert left_out.places(1, both, 2).tolist() == [1]  # question 0: candidate 3
    assert left_out.places(0, second, 2).tolist() == [1] and left_out.places(1, second, 2).tolist() == []


def test_wrong_rows_are_named() -> None:
    with pytest.raises(ValueError, match="found gold answers from 1 to 4, expected 0 to 3"):
        RankedRows.of([1, 4], None, 2, 4, None, None)
    with pytest.raises(ValueError, match="found known answers for 3 questions, expected 2"):
        RankedRows.of([1, 3], None, 2, 4, KNOWN, None)
