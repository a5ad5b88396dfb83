"""Ranks: cases counted by hand, and a comparison of every pair as an oracle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from loreweave.metrics import ranking
from loreweave.metrics.known_answers import AnswerRows, share_of
from loreweave.metrics.ranking import rank, rank_against, rank_scores
from loreweave.metrics.ranks import Ranks, merge
from loreweave.metrics.similarity_kernels import KERNELS, Similarity

NAMES: list[Similarity] = list(KERNELS)
TABLE = torch.tensor([[3.0, 0], [1, 1], [5, 1], [1, -1]])


class Case:
    """Random questions with several rows each, known answers of which some are gold, duplicate candidates everywhere."""

    def __init__(self, similarity: Similarity, candidates: int = 203, d: int = 18, offset: float = 0.0) -> None:
        torch.manual_seed(0)
        random = np.random.default_rng(0)
        self.similarity, self.num_questions = similarity, 31
        self.queries = torch.randn(31, d) + offset
        self.table = torch.randn(candidates, d) + offset
        copies = torch.randperm(candidates)[: candidates // 3]
        self.table[copies] = self.table[copies[:20].repeat(candidates)[: len(copies)]]  # equals in other blocks
        self.gold = random.integers(candidates, size=90)
        self.questions = random.integers(31, size=90)
        counts = random.integers(0, 12, size=31)
        answers = [np.sort(random.choice(candidates, count, replace=False)) for count in counts]
        answers[self.questions[0]] = np.unique(np.append(answers[self.questions[0]], self.gold[0]))
        self.known = AnswerRows(np.cumsum([0, *map(len, answers)]), np.concatenate(answers).astype(np.int32))
        left, right = self.queries.repeat_interleave(candidates, 0), self.table.repeat(31, 1)
        self.scores = KERNELS[similarity].exact(left, right).view(31, candidates)

    def expected(self, filtered: bool, subset: np.ndarray | None = None) -> Ranks:
        """By comparing every pair, one at a time."""
        rows = []
        for gold, question in zip(self.gold, self.questions, strict=True):
            allowed = set(range(len(self.table)) if subset is None else subset.tolist())
            allowed -= set(self.known[question].tolist()) if filtered else set()
            others = self.scores[question, sorted(allowed - {gold})]
            own = self.scores[question, gold]
            rows.append((int((others > own).sum()), int((others == own).sum()), len(others) + 1))
        return Ranks(*np.array(rows, dtype=np.int64).T)

    def ranks(self, **options: object) -> Ranks:
        return rank(self.queries, self.gold, self.table, self.similarity, questions=self.questions, **options)  # type: ignore[arg-type]


def equal(first: Ranks, second: Ranks) -> bool:
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in ("greater", "ties", "candidates"))


def test_ranks_by_hand() -> None:
    ranks = rank(torch.eye(2), [0, 1], TABLE, "dot")  # scores 3 1 5 1 and 0 1 1 -1
    assert (ranks.optimistic.tolist(), ranks.realistic.tolist(), ranks.pessimistic.tolist()) == ([2, 1], [2, 1.5], [2, 2])
    assert ranks.candidates.tolist() == [4, 4]


def test_known_answers_are_left_out_but_not_gold() -> None:
    known = AnswerRows(np.array([0, 2, 3]), np.array([0, 2, 2], dtype=np.int32))
    ranks = rank(torch.eye(2), [0, 1], TABLE, "dot", known=known)
    assert (ranks.greater.tolist(), ranks.ties.tolist(), ranks.candidates.tolist()) == ([0, 0], [0, 0], [3, 3])


@pytest.mark.parametrize("similarity", NAMES)
@pytest.mark.parametrize("filtered", [False, True])
def test_as_comparing_every_pair(similarity: Similarity, filtered: bool) -> None:
    case = Case(similarity)
    known = case.known if filtered else None
    assert equal(case.ranks(known=known), case.expected(filtered))
    assert case.ranks(known=known).ties.sum() > 20


@pytest.mark.parametrize("similarity", NAMES)
@pytest.mark.parametrize("block_size", [8, 64, 200, 4096])
def test_blocks_and_chunks_change_nothing(similarity: Similarity, block_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(similarity, d=33 if similarity != "modulus" else 34)
    whole = case.ranks(known=case.known, block_size=1024)
    assert equal(case.ranks(known=case.known, block_size=block_size), whole)
    monkeypatch.setattr(ranking, "_ROWS_AT_ONCE", {"cpu": 7})
    monkeypatch.setattr(ranking, "_EXACT_NUMBERS", 40)
    assert equal(case.ranks(known=case.known, block_size=block_size), whole)


@pytest.mark.parametrize("similarity", NAMES)
def test_cancellation_changes_nothing(similarity: Similarity) -> None:
    case = Case(similarity, offset=3e3)  # squares of 1.6e8, differences of 1: float32 products cannot tell candidates apart
    assert equal(case.ranks(known=case.known), case.expected(True))


def test_equal_vectors_tie_wherever_they_lie() -> None:
    table = torch.randn(1000, 65, generator=torch.Generator().manual_seed(0))
    table[[0, 17, 500, 998, 999]] = table[400].clone()
    for similarity in NAMES[:3]:
        ranks = rank(torch.randn(40, 65), np.full(40, 400), table, similarity, block_size=24)
        assert ranks.ties.tolist() == [5] * 40


@pytest.mark.parametrize("similarity", NAMES)
@pytest.mark.parametrize("block_size", [8, 64, 4096])
def test_most_candidates_are_one_vector(similarity: Similarity, block_size: int) -> None:
    """Known answers, gold answers and members of a subset lie among the equals, and outside."""
    case = Case(similarity)
    same = np.random.default_rng(2).permutation(203)[:150]
    case.table[same] = case.table[same[0]].clone()
    left, right = case.queries.repeat_interleave(203, 0), case.table.repeat(31, 1)
    case.scores = KERNELS[similarity].exact(left, right).view(31, 203)
    for known in (None, case.known):
        found = case.ranks(known=known, block_size=block_size)
        assert equal(found, case.expected(known is not None)) and found.ties.max() > 100
    subset = np.random.default_rng(3).permutation(np.unique(np.append(case.gold, np.arange(0, 203, 2))))
    assert equal(case.ranks(known=case.known, subset=subset, block_size=block_size), case.expected(True, subset))


def test_equal_candidates_of_a_block_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    table = torch.randn(500, 16, generator=torch.Generator().manual_seed(0))
    table[100:460] = table[0].clone()
    pairs, exact = [], KERNELS["l2"].exact

    def counted(queries: Tensor, candidates: Tensor) -> Tensor:
        pairs.append(len(queries))
        return exact(queries, candidates)

    monkeypatch.setattr(KERNELS["l2"], "exact", counted)
    ranks = rank(torch.randn(20, 16), np.zeros(20, int), table, "l2")
    assert ranks.ties.tolist() == [360] * 20
    assert sum(pairs) < 20 * 10  # gold, its group, and the few that are as near; not 360 a question


def test_constant_scores_show_in_the_gap() -> None:
    ranks = rank(torch.zeros(1, 2), [1], TABLE, "dot")
    assert (ranks.optimistic[0], ranks.realistic[0], ranks.pessimistic[0]) == (1, 2.5, 4)


def test_threads_change_nothing() -> None:
    case, threads = Case("dot", candidates=3001, d=96), torch.get_num_threads()
    found = []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            found.append(case.ranks(known=case.known))
    finally:
        torch.set_num_threads(threads)
    assert equal(*found)


@pytest.mark.parametrize("similarity", NAMES)
def test_a_subset_of_the_candidates(similarity: Similarity) -> None:
    case = Case(similarity)
    subset = np.random.default_rng(1).permutation(np.unique(np.append(case.gold, np.arange(0, 203, 3))))
    assert equal(case.ranks(known=case.known, subset=subset, block_size=16), case.expected(True, subset))
    scores = lambda questions: case.scores[torch.from_numpy(questions)]  # noqa: E731
    found = rank_scores(scores, case.gold, 203, questions=case.questions, known=case.known, subset=subset)
    assert equal(found, case.expected(True, subset))


@pytest.mark.parametrize("filtered", [False, True])
def test_ranks_from_scores(filtered: bool) -> None:
    case = Case("dot")
    asked = []

    def scores(questions: np.ndarray) -> Tensor:
        asked.append(questions)
        return case.scores[torch.from_numpy(questions)]

    known = case.known if filtered else None
    found = rank_scores(scores, case.gold, 203, questions=case.questions, known=known, rows_at_once=200)
    assert equal(found, case.expected(filtered))
    assert sorted(np.concatenate(asked).tolist()) == sorted(set(case.questions.tolist()))  # each question once


def test_the_callers_scores_stay_as_they_are() -> None:
    case = Case("dot")
    before = case.scores.clone()
    rank_scores(lambda questions: case.scores, np.arange(31), 203, known=case.known, rows_at_once=31)
    assert torch.equal(case.scores, before)


def test_shares_of_several_processes_merge() -> None:
    case = Case("l2")
    parts = []
    for index in range(3):
        rows = share_of(case.questions, index, 3)
        ranks = rank(case.queries, case.gold[rows], case.table, "l2", questions=case.questions[rows], known=case.known)
        parts.append((rows, ranks))
    assert equal(merge(reversed(parts)), case.expected(True))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_types(dtype: torch.dtype) -> None:
    case = Case("dot")
    case.table, case.queries = case.table.to(dtype), case.queries.to(dtype)
    left, right = case.queries.repeat_interleave(203, 0), case.table.repeat(31, 1)
    case.scores = KERNELS["dot"].exact(left, right).view(31, 203)
    assert equal(case.ranks(known=case.known), case.expected(True))


def test_a_memory_map_and_shards(tmp_path: Path) -> None:
    case = Case("l1")
    np.save(tmp_path / "table.npy", case.table.numpy())
    mapped = np.load(tmp_path / "table.npy", mmap_mode="r")

    class Shards:
        parts = torch.split(case.table, 50)

        def __len__(self) -> int:
            return 203

        def rows(self, rows: np.ndarray) -> Tensor:
            return torch.cat(self.parts)[torch.from_numpy(rows)]

        def blocks(self, size: int, rows: np.ndarray | None = None) -> Iterator[Tensor]:
            yield from self.rows(np.arange(203) if rows is None else rows).split(size)

    done: list[int] = []
    for table in (mapped, Shards()):
        found = rank(
            case.queries, case.gold, table, "l1", questions=case.questions, known=case.known, block_size=64, advance=done.append
        )
        assert equal(found, case.expected(True))
    assert done == [64, 64, 64, 11] * 2


@pytest.mark.parametrize("similarity", NAMES)
def test_ranks_against_given_negatives(similarity: Similarity, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(similarity)
    others = np.array([np.delete(np.arange(203), gold) for gold in case.gold])
    monkeypatch.setattr(ranking, "_EXACT_NUMBERS", 50_000)
    found = rank_against(case.queries, case.gold, case.table, similarity, others, questions=case.questions)
    assert equal(found, case.expected(False))


def test_minus_one_is_no_negative() -> None:
    ranks = rank_against(torch.eye(2), [0, 1], TABLE, "dot", [[2, -1, 1], [2, -1, -1]])
    assert (ranks.greater.tolist(), ranks.ties.tolist(), ranks.candidates.tolist()) == ([1, 0], [0, 1], [3, 2])


def test_nothing_to_rank() -> None:
    assert len(rank(torch.empty(0, 2), [], TABLE, "dot")) == 0
    assert len(rank_scores(lambda questions: TABLE, [], 4)) == 0
    assert len(rank_against(torch.empty(0, 2), [], TABLE, "dot", np.empty((0, 5), dtype=int))) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gold": [0, 4]}, "found gold answers from 0 to 4, expected 0 to 3"),
        ({"gold": [0.0, 1.0]}, "found gold answers of float64 [2], expected integers"),
        ({"gold": [0]}, "found 2 entries in questions, expected one for each of 1 gold answers"),
        ({"questions": [0, 2]}, "found questions from 0 to 2, expected 0 to 1"),
        ({"subset": [0, 2]}, "found 1 gold answers outside the subset"),
        ({"subset": [0, 1, 1]}, "found a repeated candidate"),
        (
            {"known": AnswerRows(np.array([0, 0]), np.empty(0, dtype=np.int32))},
            "found known answers for 1 questions, expected 2",
        ),
        ({"known": AnswerRows(np.array([0, 0, 1]), np.array([9], dtype=np.int32))}, "found known answers from 9 to 9"),
        ({"block_size": 12}, "expected a multiple of 8"),
        ({"candidates": TABLE[:, :1]}, "found candidates of size 1, expected 2 as the queries"),
        ({"candidates": TABLE / 0}, "found vectors that are not finite"),
        ({"candidates": TABLE * 1e38}, "or too long for float32"),
        ({"queries": torch.eye(2) / 0}, "found vectors that are not finite"),
    ],
)
def test_wrong_input_is_named(arguments: dict[str, object], message: str) -> None:
    usual = {"queries": torch.eye(2), "gold": [0, 1], "candidates": TABLE, "similarity": "dot", "questions": [0, 1]}
    with pytest.raises(ValueError, match=re.escape(message)):
        rank(**usual | arguments)  # type: ignore[arg-type]


def test_wrong_scores_are_named() -> None:
    with pytest.raises(ValueError, match="NaN"):
        rank_scores(lambda questions: torch.full((2, 4), torch.nan), [0, 1], 4)
    with pytest.raises(ValueError, match="infinite score of a gold answer"):
        rank_scores(lambda questions: torch.full((2, 4), -torch.inf), [0, 1], 4)
    with pytest.raises(ValueError, match=r"\[2, 3\], expected \[2, 4\]"):
        rank_scores(lambda questions: torch.zeros(2, 3), [0, 1], 4)
    with pytest.raises(ValueError, match="expected .2, negatives."):
        rank_against(torch.eye(2), [0, 1], TABLE, "dot", [[4], [0]])
