"""Runs questions through a head: the rank of the right answer among the candidates, and the best answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from loreweave.training.inference import Batch, Sized, run_model

_NUMBERS = ("greater", "ties", "probability")
"""What an output has before the ids and the probabilities of the best answers."""


@dataclass(frozen=True)
class Wanted:
    """Answers to one question.

    Attributes:
        gold: ids of the right answers; empty if they are not known.
        removed: ids of other right answers, which are no candidates.
        pool: the candidates, as a mask or as ids; None: all answers.  # bool [answers] or int64 [candidates]
    """

    gold: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    pool: Tensor | None = None


@dataclass(frozen=True)
class Answered:
    """Result for one question.

    Attributes:
        rank: rank of the right answer, realistic for equal scores; infinity without one.
        probability: probability of the right answer among all answers; the largest of several.
        best: ids of the best candidates with their probabilities, best first.
    """

    rank: float
    probability: float
    best: list[tuple[int, float]]


@dataclass(frozen=True)
class _Example:
    number: int
    input: Any

    @property
    def length(self) -> int:
        return int(self.input.length)


def answer_questions(
    scorer: nn.Module,
    inputs: Sequence[Sized],
    wanted: Sequence[Wanted],
    collate: Callable[[Sequence[Any]], Batch],
    *,
    top: int,
    batch_size: int,
    precision: str,
    advance: Callable[[int], object] | None = None,
) -> list[Answered]:
    """Score all answers to each question; no more than a batch of scores is kept.

    Args:
        scorer: module that gives logits [batch, answers]; it is on its device.
        inputs: encoded questions.
        wanted: right answers and candidates of each.
        collate: inputs to the tensors of the scorer.
        top: maximum number of best answers.

    Raises:
        CheckpointError: a score is not finite.
    """

    def batch_of(examples: list[_Example]) -> Batch:
        numbers = torch.tensor([example.number for example in examples])
        return {**collate([example.input for example in examples]), "labels": numbers}

    def unpack(scores: Tensor, batch: Mapping[str, Tensor]) -> list[np.ndarray]:
        numbers = batch["labels"].tolist()
        return [_reduced(row.float(), wanted[number], top) for row, number in zip(scores, numbers, strict=True)]

    examples = [_Example(number, one) for number, one in enumerate(inputs)]
    outputs = run_model(scorer, examples, batch_of, unpack, batch_size=batch_size, precision=precision, advance=advance)
    return [_answered(output, one) for output, one in zip(outputs, wanted, strict=True)]


def _reduced(scores: Tensor, wanted: Wanted, top: int) -> np.ndarray:
    """Counts, probability, and the best answers of one row of scores [answers]; float64 [3 + 2 * some]."""
    total = torch.logsumexp(scores, 0)
    pool = torch.full_like(scores, wanted.pool is None, dtype=torch.bool)
    if wanted.pool is not None:
        pool[wanted.pool.to(scores.device)] = True  # of a mask and of ids alike
    pool[list(wanted.removed)] = False
    pool[list(wanted.gold)] = True
    best = scores.masked_fill(~pool, -torch.inf).topk(min(top, int(pool.sum())))
    greater = ties = probability = 0.0
    if wanted.gold:
        gold = scores[list(wanted.gold)].max()
        pool[list(wanted.gold)] = False
        greater, ties = float(((scores > gold) & pool).sum()), float(((scores == gold) & pool).sum())
        probability = float((gold - total).exp())
    found = torch.cat([best.indices.double(), (best.values - total).exp().double()])
    if not torch.isfinite(total):  # let the caller's check of outputs name it
        found[-1:] = torch.nan
    return np.concatenate([[greater, ties, probability], found.cpu().numpy()])


def _answered(output: np.ndarray, wanted: Wanted) -> Answered:
    greater, ties, probability = output[: len(_NUMBERS)].tolist()
    ids, values = np.split(output[len(_NUMBERS) :], 2)
    rank = 1 + greater + ties / 2 if wanted.gold else float("inf")
    return Answered(rank, probability, [(int(id), float(value)) for id, value in zip(ids, values, strict=True)])
