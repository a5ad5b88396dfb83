"""Questions (head, relation, ?) and (?, relation, tail), and their known true answers.

The filtered setting removes known answers from the candidates (Bordes et al. 2013). They are stored as one compressed row
per question: 250 MB per side for the 20.6 M triples of Wikidata5M, where a mask of queries x known triples would take 5 GB
per batch. Triples are int32 [triples, 3]: head row, relation row, tail row.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Side = Literal["head", "tail"]
"""The end of a triple that a question asks for."""
SIDES: tuple[Side, ...] = get_args(Side)

Integers = NDArray[np.integer]
GIVEN_COLUMN: dict[Side, int] = {"head": 2, "tail": 0}
ANSWER_COLUMN: dict[Side, int] = {"head": 0, "tail": 2}
"""By the side that a question asks for: the column of the given entity, and of the answer."""


@dataclass(frozen=True)
class AnswerRows:
    """Answers to several questions. Question i has `offsets[i]` to `offsets[i + 1]`: distinct, ascending rows."""

    offsets: NDArray[np.int64]
    answers: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, question: int) -> NDArray[np.int32]:
        return self.answers[self.offsets[question] : self.offsets[question + 1]]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of answers to each question [questions]."""
        return np.diff(self.offsets)

    @property
    def question(self) -> NDArray[np.int64]:
        """Question of each answer [answers]."""
        return np.repeat(np.arange(len(self)), self.counts)

    def select(self, questions: Integers) -> AnswerRows:
        """Answers to the chosen questions, in the order of `questions`."""
        starts = self.offsets[:-1][questions]
        counts = self.offsets[1:][questions] - starts  # not self.counts, which has all questions
        offsets = _offsets(counts)
        places = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], counts)
        return AnswerRows(offsets, self.answers[places])

    def contain(self, questions: Integers, entities: Integers) -> NDArray[np.bool_]:
        """Whether entity i is an answer to question i [n]."""
        width = 1 + max(int(self.answers.max(initial=0)), int(np.max(entities, initial=0)))
        codes = self.question * width + self.answers
        wanted = np.asarray(questions, dtype=np.int64) * width + entities
        places = np.searchsorted(codes, wanted)
        found = np.zeros(len(wanted), dtype=np.bool_)
        inside = places < len(codes)
        found[inside] = codes[places[inside]] == wanted[inside]
        return found


class KnownAnswers:
    """The known answers on one side: tails by (head, relation), or heads by (relation, tail).

    Example:
        >>> known = KnownAnswers("tail", np.array([[0, 0, 5], [0, 0, 3], [1, 0, 3]], dtype=np.int32))
        >>> known.of(np.array([0, 7]), np.array([0, 0]))[0]
        array([3, 5], dtype=int32)
    """

    def __init__(self, side: Side, *triples: Integers) -> None:
        """Index triples, for example those of the training, validation and test splits; duplicates count once.

        Raises:
            ValueError: an array is not [triples, 3] of non-negative rows.
        """
        given, asked = GIVEN_COLUMN[side], ANSWER_COLUMN[side]
        checked = [_checked(part) for part in triples]
        self.side = side
        self._relations = 1 + max((int(part[:, 1].max(initial=0)) for part in checked), default=0)
        entities = 1 + max((int(part[:, [0, 2]].max(initial=0)) for part in checked), default=0)
        codes = np.empty(sum(map(len, checked)), dtype=np.int64)
        ends = np.cumsum([0, *map(len, checked)]).tolist()
        places = [codes[start:end] for start, end in pairwise(ends)]
        for part, place in zip(checked, places, strict=True):
            np.multiply(part[:, given], self._relations, out=place, dtype=np.int64)
            place += part[:, 1]
        questions = None
        if entities**2 * self._relations > np.iinfo(np.int64).max:  # of Freebase: only the questions that occur are numbered
            questions, codes[:] = np.unique(codes, return_inverse=True)
        codes *= entities  # one key per triple: sorting the keys groups the answers by question and orders them
        for part, place in zip(checked, places, strict=True):
            place += part[:, asked]
        codes.sort()
        codes = codes[_firsts(codes)]
        keys = codes // entities
        starts = np.flatnonzero(_firsts(keys))
        self._keys = keys[starts] if questions is None else questions[keys[starts]]
        offsets = np.append(starts, [len(keys)] * 2).astype(np.int64)  # the last row, which is empty, is for unknown questions
        self._rows = AnswerRows(offsets, (codes - keys * entities).astype(np.int32))

    def __len__(self) -> int:
        """Number of distinct triples."""
        return len(self._rows.answers)

    def of(self, entities: Integers, relations: Integers) -> AnswerRows:
        """Known answers to questions (given entity, relation), both [questions]; a question may have no answers."""
        wanted = np.asarray(entities, dtype=np.int64) * self._relations + relations
        places = np.searchsorted(self._keys, wanted)
        inside = (places < len(self._keys)) & (np.asarray(relations) < self._relations)
        inside[inside] = self._keys[places[inside]] == wanted[inside]
        places[~inside] = len(self._keys)  # the last row, which is empty
        return self._rows.select(places)


@dataclass(frozen=True)
class Questions:
    """Distinct questions of some triples on one side, and the question of each triple.

    Several triples can share a question, whose scores are then computed once.
    """

    side: Side
    entities: NDArray[np.int32]
    """Given entity: the head of (h, r, ?) or the tail of (?, r, t) [questions]."""
    relations: NDArray[np.int32]
    """Relation [questions]."""
    gold: NDArray[np.int32]
    """True answer of each triple: an entity row [triples]."""
    of: NDArray[np.int64]
    """Question of each triple [triples]."""

    def __len__(self) -> int:
        return len(self.entities)

    @classmethod
    def from_triples(cls, side: Side, triples: Integers) -> Questions:
        """Questions of int [triples, 3].

        Raises:
            ValueError: the array is not [triples, 3] of non-negative rows.
        """
        given, asked = GIVEN_COLUMN[side], ANSWER_COLUMN[side]
        triples = _checked(triples).astype(np.int32, copy=False)
        relations = 1 + int(triples[:, 1].max(initial=0))
        keys, of = np.unique(triples[:, given].astype(np.int64) * relations + triples[:, 1], return_inverse=True)
        entities, relation = (keys // relations).astype(np.int32), (keys % relations).astype(np.int32)
        return cls(side, entities, relation, np.ascontiguousarray(triples[:, asked]), of)


def share_of(questions: ArrayLike, index: int, count: int) -> NDArray[np.int64]:
    """Rows that process `index` of `count` ranks, so that all processes have about the same number of rows.

    Args:
        questions: question of each row [rows] (`Questions.of`). Rows of one question stay together and are scored once.
        index: number of this process, from 0.
        count: number of processes.

    Returns:
        Row numbers. The shares of all processes contain every row once.

    Raises:
        ValueError: the index is not below `count`.
    """
    if not 0 <= index < count:
        raise ValueError(f"found process {index} of {count}, expected 0 to {count - 1}")
    questions = np.asarray(questions)
    order = np.argsort(questions, kind="stable")
    ordered = questions[order]
    cuts = [len(order) * cut // count for cut in (index, index + 1)]
    start, stop = (int(np.searchsorted(ordered, ordered[cut])) if cut < len(order) else len(order) for cut in cuts)
    return order[start:stop]


def _checked(triples: Integers) -> Integers:
    if triples.ndim != 2 or triples.shape[1] != 3 or not np.issubdtype(triples.dtype, np.integer):
        raise ValueError(f"found an array of {triples.dtype} {list(triples.shape)}, expected integers [triples, 3]")
    if triples.min(initial=0) < 0:
        raise ValueError("found a negative row number, expected head, relation and tail rows from 0")
    return triples


def _firsts(ordered: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each value of a sorted array differs from the previous one."""
    firsts = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=firsts[1:])
    return firsts


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
