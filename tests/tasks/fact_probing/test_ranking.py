"""Ranks and best answers from scores that are given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from loreweave.errors import CheckpointError
from loreweave.tasks.fact_probing.ranking import Answered, Wanted, answer_questions

SCORES = [3.0, 2.0, 2.0, 1.0, 0.0]


@dataclass
class Scores:
    values: Sequence[float]
    length: int = 1


class Echo(nn.Module):
    """Gives the scores of its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, values: Tensor) -> Tensor:
        return self.weight * values


def answered(*wanted: Wanted, scores: Sequence[float] = SCORES, top: int = 3) -> list[Answered]:
    def collate(inputs: Sequence[Any]) -> dict[str, Tensor]:
        return {"values": torch.tensor([one.values for one in inputs])}

    inputs = [Scores(scores, length) for length in range(1, len(wanted) + 1)]
    return answer_questions(Echo(), inputs, wanted, collate, top=top, batch_size=2, precision="fp32")


def test_ranks_count_equal_scores_half_and_skip_other_right_answers() -> None:
    low = torch.tensor(SCORES) < 2
    wanted = [Wanted(gold=(0,)), Wanted(gold=(1,)), Wanted(gold=(3,), removed=(0, 2)), Wanted(gold=(4,), pool=low)]
    first, tied, after, fewer = answered(*wanted)
    assert [first.rank, tied.rank, after.rank, fewer.rank] == [1, 2.5, 2, 2]
    total = sum(math.exp(score) for score in SCORES)
    assert first.probability == pytest.approx(math.exp(3) / total) and fewer.probability == pytest.approx(1 / total)
    assert [id for id, _ in after.best] == [1, 3, 4], "0 and 2 are removed"
    assert [id for id, _ in fewer.best] == [3, 4], "there are no more candidates"
    assert first.best[0] == (0, pytest.approx(math.exp(3) / total))


def test_candidates_as_ids_are_those_of_a_mask() -> None:
    mask, ids = torch.tensor([True, False, True, False, True]), torch.tensor([0, 2, 4])
    for wanted in (Wanted(), Wanted(gold=(2,)), Wanted(gold=(1,), removed=(0,)), Wanted(gold=(4,), removed=(2, 4))):
        assert answered(replace(wanted, pool=ids)) == answered(replace(wanted, pool=mask))
    (found,) = answered(Wanted(gold=(2,), pool=ids))
    assert found.rank == 2 and [id for id, _ in found.best] == [0, 2, 4]
    assert mask.tolist() == [True, False, True, False, True] and ids.tolist() == [0, 2, 4], "shared by questions"


def test_the_best_of_several_right_answers_counts() -> None:
    (found,) = answered(Wanted(gold=(4, 1, 2)))
    assert found.rank == 2 and found.probability == pytest.approx(math.exp(2) / sum(math.exp(score) for score in SCORES))


def test_a_question_without_gold_has_answers_only() -> None:
    (found,) = answered(Wanted())
    assert found.rank == math.inf and [id for id, _ in found.best][:1] == [0]


def test_scores_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(CheckpointError, match="found 4 NaN .* expected finite numbers"):
        answered(Wanted(gold=(1,)), scores=[math.nan, 1.0, 2.0, 3.0, 4.0])
