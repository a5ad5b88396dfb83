"""Rows to rank, prepared before scoring: sorted by question, candidates as positions, known answers by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from loreweave.metrics.known_answers import AnswerRows
from loreweave.metrics.ranks import Ranks

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows and their questions, which are consecutive too."""

    rows: slice
    questions: slice
    question: Integers
    """Question of each row, counted from the first question of the chunk [rows]."""

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.question)

    @property
    def num_questions(self) -> int:
        """Number of questions."""
        return int(self.questions.stop - self.questions.start)


@dataclass(frozen=True)
class RankedRows:
    """Rows to rank, sorted by question. The position of a candidate is its index in the subset, if there is one."""

    order: Integers
    """The caller's number of each row [rows]."""
    asked: Integers
    """The caller's number of each question that some row has [questions]."""
    question: Integers
    """Question of each row, ascending [rows]."""
    gold_rows: Integers
    """Gold candidate, as the caller numbers it [rows]."""
    gold: Integers
    """Position of the gold candidate [rows]."""
    gold_is_known: NDArray[np.bool_]
    """Whether gold is a known answer [rows]."""
    known_question: Integers
    """Question of each known answer that is a candidate [known]."""
    known: Integers
    """Position of the known answer [known]."""
    subset: Integers | None
    num_candidates: int

    def __len__(self) -> int:
        return len(self.order)

    @classmethod
    def of(
        cls,
        gold: ArrayLike,
        questions: ArrayLike | None,
        num_questions: int,
        num_candidates: int,
        known: AnswerRows | None,
        subset: ArrayLike | None,
    ) -> RankedRows:
        """Prepare the arguments of `ranking.rank`.

        Raises:
            ValueError: shapes do not fit, or a row is out of range or not in the subset.
        """
        gold = _row_numbers("gold answers", gold, num_candidates)
        asked_by = np.arange(len(gold)) if questions is None else questions
        asked_by = _row_numbers("questions", asked_by, num_questions)
        if len(asked_by) != len(gold):
            raise ValueError(f"found {len(asked_by)} entries in questions, expected one for each of {len(gold)} gold answers")
        positions, chosen = _positions(num_candidates, subset)
        order = np.argsort(asked_by, kind="stable")
        asked, question = np.unique(asked_by[order], return_inverse=True)
        ordered = gold[order]
        if (positions[ordered] < 0).any():
            raise ValueError(f"found {(positions[ordered] < 0).sum()} gold answers outside the subset of candidates")
        if known is None:
            known = AnswerRows(np.zeros(num_questions + 1, dtype=np.int64), np.empty(0, dtype=np.int32))
        if len(known) != num_questions:
            raise ValueError(f"found known answers for {len(known)} questions, expected {num_questions}")
        known = known.select(asked)
        left_out = positions[_row_numbers("known answers", known.answers, num_candidates)]
        inside = left_out >= 0
        return cls(
            order=order,
            asked=asked,
            question=question,
            gold_rows=ordered,
            gold=positions[ordered],
            gold_is_known=known.contain(question, ordered),
            known_question=known.question[inside],
            known=left_out[inside],
            subset=chosen,
            num_candidates=num_candidates if chosen is None else len(chosen),
        )

    def chunk(self, start: int, size: int) -> Chunk:
        """Up to `size` rows from `start`."""
        question = self.question[start : start + size]
        first, last = int(question[0]), int(question[-1])
        return Chunk(slice(start, start + len(question)), slice(first, last + 1), question - first)

    def ranks(self, greater: Tensor, ties: Tensor, candidates: Integers | None = None) -> Ranks:
        """Turn counts [rows] in this order into ranks in the caller's order. Default: all candidates but known answers."""
        if candidates is None:
            left_out = np.bincount(self.known_question, minlength=len(self.asked))[self.question]
            candidates = self.num_candidates - left_out + self.gold_is_known
        counts = (greater.cpu().numpy(), ties.cpu().numpy(), candidates)
        back = np.empty_like(self.order)
        back[self.order] = np.arange(len(self))
        return Ranks(*(count.astype(np.int64)[back] for count in counts))


class LeftOut:
    """Places of the known answers in the scores [questions, candidates of a block] of a chunk."""

    def __init__(self, rows: RankedRows, block_size: int) -> None:
        self.num_questions = len(rows.asked)
        keys = rows.known // block_size * self.num_questions + rows.known_question
        order = np.argsort(keys, kind="stable")
        self.keys = keys[order]
        """Block and question of each known answer, ascending."""
        self.question, self.column = rows.known_question[order], rows.known[order] % block_size

    def places(self, block: int, chunk: Chunk, width: int) -> Tensor:
        """Known answers of the chunk in the block: int64 [known], as indices of the flattened scores [questions, width]."""
        first = block * self.num_questions
        start, stop = np.searchsorted(self.keys, [first + chunk.questions.start, first + chunk.questions.stop])
        return torch.from_numpy((self.question[start:stop] - chunk.questions.start) * width + self.column[start:stop])


def _row_numbers(what: str, rows: ArrayLike, count: int) -> Integers:
    """Check that integers [n] lie from 0 to `count` - 1, and return them as int64."""
    found = np.asarray(rows)
    if found.ndim != 1 or (len(found) and not np.issubdtype(found.dtype, np.integer)):
        raise ValueError(f"found {what} of {found.dtype} {list(found.shape)}, expected integers in one dimension")
    if len(found) and not 0 <= found.min() <= found.max() < count:
        raise ValueError(f"found {what} from {found.min()} to {found.max()}, expected 0 to {count - 1}")
    return found.astype(np.int64)


def _positions(num_candidates: int, subset: ArrayLike | None) -> tuple[Integers, Integers | None]:
    """Position of each candidate, -1 outside the subset [candidates]; and the subset."""
    if subset is None:
        return np.arange(num_candidates), None
    chosen = _row_numbers("a subset of candidates", subset, num_candidates)
    positions = np.full(num_candidates, -1, dtype=np.int64)
    positions[chosen] = np.arange(len(chosen))
    if (positions >= 0).sum() != len(chosen):
        raise ValueError("found a repeated candidate in the subset")
    return positions, chosen
