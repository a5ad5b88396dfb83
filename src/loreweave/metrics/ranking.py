"""Ranks of true answers among candidates: streamed, filtered, with ties counted.

Candidates come in blocks, and each query has two counters: candidates above its gold answer and candidates level with it.
There is no matrix of queries x entities and no sort. Known answers are removed from a block's scores before the count.
Candidates within the rounding error of the gold score are scored again by the kernel that scored gold
(`similarity_kernels`), so ranks are those of exact scores: they do not depend on block size, threads, device or the number
of processes. Equal candidates of a block are compared once (`equal_vectors`).

With several processes, each ranks the rows of `known_answers.share_of`, and `ranks.merge` joins the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from loreweave.metrics.equal_vectors import Groups, equal_vectors
from loreweave.metrics.known_answers import AnswerRows
from loreweave.metrics.ranking_rows import Chunk, LeftOut, RankedRows
from loreweave.metrics.ranks import Ranks
from loreweave.metrics.similarity_kernels import KERNELS, Kernel, Similarity

Rows = NDArray[np.int64]

_BLOCK_SIZES = {"cpu": 8192}
_BLOCK_SIZE_ELSEWHERE = 65_536
"""Number of candidates per block (chosen by measurement)."""
_ROWS_AT_ONCE = {"cpu": 256}
_ROWS_AT_ONCE_ELSEWHERE = 1024
"""Number of rows whose scores with a block are in memory at a time."""
_EXACT_NUMBERS = 2**22
"""Number of values that exact scores process at a time."""
_LARGEST = 1e38
"""Largest sum of fast scores; float32 overflows soon after."""


class Candidates(Protocol):
    """Vectors that are read in pieces, for example memory-mapped or from shards. Tensors and arrays need no such class."""

    def __len__(self) -> int: ...

    def rows(self, rows: Rows) -> Tensor:
        """Chosen vectors [n, d] of int64 rows [n], in the order of `rows`."""

    def blocks(self, size: int, rows: Rows | None = None) -> Iterator[Tensor]:
        """Consecutive pieces [size, d] of all vectors, or of the chosen `rows` in their order; the last may be shorter."""


def rank(
    queries: Tensor,
    gold: ArrayLike,
    candidates: Candidates | Tensor | NDArray[np.floating],
    similarity: Similarity,
    *,
    questions: ArrayLike | None = None,
    known: AnswerRows | None = None,
    subset: ArrayLike | None = None,
    device: torch.device | str | None = None,
    block_size: int | None = None,
    advance: Callable[[int], object] | None = None,
) -> Ranks:
    """Rank the gold answer of each row among all candidates.

    Args:
        queries: vectors of the distinct questions [questions, d] of any floating type.
        gold: true answer of each row, as a candidate's number: int [rows].
        candidates: vectors [candidates, d] of any floating type; an array may be a memory map.
        similarity: "dot", "l1", "l2" or "modulus".
        questions: question of each row: int [rows] (`Questions.of`). Default: row i has question i.
        known: known answers of each question, which are not candidates; gold may be among them. Default: unfiltered.
        subset: numbers of the only candidates that count, distinct: int [some]. Gold must be among them.
        device: device of the computation, which needs float64: "mps" becomes "cpu". Default: the device of `queries`.
        block_size: number of candidates per block, a multiple of 8. Does not change the ranks. Default: by device.
        advance: called with the number of finished candidates; they add up to `len(candidates)` or `len(subset)`.

    Returns:
        Ranks of the rows, in the order of the rows.

    Raises:
        ValueError: shapes do not fit, a row is out of range or not in the subset, or a vector is not finite.

    Example:
        >>> ranks = rank(torch.eye(2), [0, 1], torch.tensor([[3.0, 0], [1, 1], [5, 1]]), "dot")
        >>> ranks.optimistic, ranks.pessimistic
        (array([2., 1.]), array([2., 2.]))
    """
    vectors = _as_candidates(candidates)
    rows = RankedRows.of(gold, questions, len(queries), len(vectors), known, subset)
    chosen = _exact_device(device or queries.device)
    size = block_size or _BLOCK_SIZES.get(chosen.type, _BLOCK_SIZE_ELSEWHERE)
    if size % 8:
        raise ValueError(f"found a block size of {size}, expected a multiple of 8")
    with torch.no_grad(), torch.autocast(chosen.type, enabled=False):
        counters = _Counters(rows, queries.to(chosen), vectors, KERNELS[similarity], size)
        for block in vectors.blocks(size, rows.subset):
            counters.compare(block.to(chosen))
            if advance is not None:
                advance(len(block))
    return rows.ranks(counters.greater, counters.ties)


def rank_scores(
    scores: Callable[[Rows], Tensor],
    gold: ArrayLike,
    num_candidates: int,
    *,
    questions: ArrayLike | None = None,
    known: AnswerRows | None = None,
    subset: ArrayLike | None = None,
    rows_at_once: int = 64,
    advance: Callable[[int], object] | None = None,
) -> Ranks:
    """Rank by the scores of a function instead of vectors; otherwise as `rank`.

    It is for models of other programs, and for models whose scores are not a similarity of two vectors. The score of gold is
    taken from the scores of the candidates, so equal scores tie.

    Args:
        scores: function from distinct questions int64 [up to rows_at_once] to scores of all candidates [., candidates].
        num_candidates: number of all candidates, including those outside a subset.
        advance: called with the number of finished rows; they add up to `len(gold)`.

    Raises:
        ValueError: as `rank`, or the scores have another shape, contain NaN, or are infinite for gold.

    Example:
        >>> table = torch.tensor([[0.1, 0.9, 0.3], [0.5, 0.5, 0.2]])
        >>> rank_scores(lambda questions: table[questions], [2, 0], 3).realistic
        array([2. , 1.5])
    """
    num_questions = len(np.asarray(gold)) if questions is None else int(np.max(questions, initial=-1)) + 1
    if known is not None:
        num_questions = max(num_questions, len(known))
    rows = RankedRows.of(gold, questions, num_questions, num_candidates, known, subset)
    left_out = LeftOut(rows, max(1, rows.num_candidates))
    columns = None if rows.subset is None else torch.from_numpy(rows.subset)
    greater, level = torch.zeros(len(rows), dtype=torch.int64), torch.zeros(len(rows), dtype=torch.int64)
    for start in range(0, len(rows), rows_at_once):
        part = rows.chunk(start, rows_at_once)
        with torch.no_grad():
            found = scores(rows.asked[part.questions])
        if found.shape != (part.num_questions, num_candidates):
            expected = f"[{part.num_questions}, {num_candidates}]"
            raise ValueError(f"found scores of shape {list(found.shape)}, expected {expected}: questions, candidates")
        found = found.clone() if columns is None else found[:, columns.to(found.device)]
        found = found.contiguous()
        if found.isnan().any():
            raise ValueError("found a score that is NaN, expected numbers")
        local, positions = (torch.from_numpy(x).to(found.device) for x in (part.question, rows.gold[part.rows]))
        own = found[local, positions][:, None]
        if not own.isfinite().all():
            raise ValueError("found an infinite score of a gold answer, expected a finite one")
        found.view(-1).index_fill_(0, left_out.places(0, part, found.shape[1]).to(found.device), -torch.inf)
        compared = found[local]
        greater[part.rows] = (compared > own).sum(1).cpu()
        level[part.rows] = (compared == own).sum(1).cpu()
        if advance is not None:
            advance(len(local))
    return rows.ranks(greater, level - torch.from_numpy(~rows.gold_is_known).long())


def rank_against(
    queries: Tensor,
    gold: ArrayLike,
    candidates: Candidates | Tensor | NDArray[np.floating],
    similarity: Similarity,
    negatives: ArrayLike,
    *,
    questions: ArrayLike | None = None,
    device: torch.device | str | None = None,
) -> Ranks:
    """Rank gold among given negatives only: the sampled protocol (`sampled_negatives.sample_negatives`).

    Args:
        negatives: candidates that compete with the gold answer of each row: int [rows, k]; -1 is padding.

    The other arguments are those of `rank`.
    """
    vectors = _as_candidates(candidates)
    rows = RankedRows.of(gold, questions, len(queries), len(vectors), None, None)
    against = np.asarray(negatives, dtype=np.int64)
    if (
        against.ndim != 2
        or len(against) != len(rows)
        or not -1 <= against.min(initial=0) <= against.max(initial=0) < len(vectors)
    ):
        found = f"{list(against.shape)} from {against.min(initial=0)} to {against.max(initial=0)}"
        raise ValueError(f"found negatives {found}, expected [{len(rows)}, negatives] from -1 to {len(vectors) - 1}")
    against = against[rows.order]
    chosen = _exact_device(device or queries.device)
    kernel, present = KERNELS[similarity], torch.from_numpy(against >= 0)
    asked = queries.to(chosen)[torch.from_numpy(rows.asked).to(chosen)]
    question = torch.from_numpy(rows.question).to(chosen)
    greater, ties = torch.zeros(len(rows), dtype=torch.int64), torch.zeros(len(rows), dtype=torch.int64)
    for part in _pieces(len(rows), queries.shape[1] * (1 + against.shape[1])):
        query = asked[question[part]]
        gold_scores = kernel.exact(query, vectors.rows(rows.gold_rows[part]).to(chosen))
        competing, pairs = present[part].to(chosen), against[part]
        scores = kernel.exact(query[competing.nonzero()[:, 0]], vectors.rows(pairs[pairs >= 0]).to(chosen))
        if not (gold_scores.isfinite().all() and scores.isfinite().all()):
            raise ValueError("found a score that is not finite: a query or a candidate is not")
        table = torch.full(pairs.shape, -torch.inf, dtype=torch.float64, device=chosen)
        table[competing] = scores
        greater[part] = (table > gold_scores[:, None]).sum(1).cpu()
        ties[part] = (table == gold_scores[:, None]).sum(1).cpu()
    return rows.ranks(greater, ties, 1 + (against >= 0).sum(1))


class _Table:
    """Wrap a tensor, an array or a memory map as `Candidates`."""

    def __init__(self, table: Tensor | NDArray[np.floating]) -> None:
        if table.ndim != 2:
            raise ValueError(f"found vectors of shape {list(table.shape)}, expected [candidates, d]")
        self.table = table

    def __len__(self) -> int:
        return len(self.table)

    def rows(self, rows: Rows) -> Tensor:
        if isinstance(self.table, Tensor):
            return self.table[torch.from_numpy(rows).to(self.table.device)]
        return torch.from_numpy(np.asarray(self.table[rows]))

    def blocks(self, size: int, rows: Rows | None = None) -> Iterator[Tensor]:
        for start in range(0, len(self) if rows is None else len(rows), size):
            if rows is not None:
                yield self.rows(rows[start : start + size])
            elif isinstance(self.table, Tensor):
                yield self.table[start : start + size]
            else:
                yield torch.from_numpy(np.array(self.table[start : start + size]))


def _as_candidates(candidates: Candidates | Tensor | NDArray[np.floating]) -> Candidates:
    return _Table(candidates) if isinstance(candidates, (Tensor, np.ndarray)) else candidates


def _exact_device(device: torch.device | str) -> torch.device:
    """Return the device, or the CPU if the device has no float64."""
    chosen = torch.device(device)
    return torch.device("cpu") if chosen.type == "mps" else chosen


class _Counters:
    """Counts of each row over the blocks so far, on one device."""

    def __init__(self, rows: RankedRows, queries: Tensor, vectors: Candidates, kernel: Kernel, block_size: int) -> None:
        self.rows, self.kernel = rows, kernel
        self.left_out = LeftOut(rows, block_size)
        self.start = self.number = 0
        """First candidate of the next block, and the block's number."""
        device = queries.device
        self.queries = queries[torch.from_numpy(rows.asked).to(device)]
        self.fast_queries = self.queries.float()
        self.query_norms = kernel.norms(self.fast_queries)
        self.question, self.gold = torch.from_numpy(rows.question).to(device), torch.from_numpy(rows.gold).to(device)
        self.gold_scores = torch.empty(len(rows), dtype=torch.float64, device=device)
        for part in _pieces(len(rows), queries.shape[1]):
            golds = vectors.rows(rows.gold_rows[part]).to(device)
            self.gold_scores[part] = kernel.exact(self.queries[self.question[part]], golds)
        self.targets = self.gold_scores + kernel.shift(self.queries)[self.question]
        self.greater, self.ties = (torch.zeros(len(rows), dtype=torch.int64, device=device) for _ in range(2))

    def compare(self, block: Tensor) -> None:
        """Count the next candidates [candidates, d]."""
        groups = equal_vectors(block)
        distinct = block if groups is None else block[groups.first]
        columns = len(distinct)
        padded = torch.nn.functional.pad(distinct.float(), (0, 0, 0, -columns % 8)) if columns % 8 else distinct.float()
        largest = float(self.kernel.norms(padded).max())
        self._check(largest, len(block))
        error = self.kernel.error(block.shape[1], self.query_norms, largest)[self.question]
        upper = torch.nextafter((self.targets + error).float(), error.new_tensor(torch.inf).float())[:, None]
        lower = torch.nextafter((self.targets - error).float(), error.new_tensor(-torch.inf).float())[:, None]
        addends = self.kernel.addends(padded)
        at_once = _ROWS_AT_ONCE.get(block.device.type, _ROWS_AT_ONCE_ELSEWHERE)
        for start in range(0, len(self.rows), at_once):
            part = self.rows.chunk(start, at_once)
            scores = self.kernel.fast(self.fast_queries[part.questions], padded, addends)
            scores[:, columns:] = -torch.inf
            amounts = None if groups is None else self._amounts(groups, part, padded)
            if amounts is None:
                places = self.left_out.places(self.number, part, len(padded)).to(block.device)
                scores.view(-1).index_fill_(0, places, -torch.inf)
            if part.num_questions < part.num_rows:
                asked = self.question[part.rows] - part.questions.start
                scores, amounts = scores[asked], None if amounts is None else amounts[asked]
            above = scores > upper[part.rows]
            self.greater[part.rows] += above.sum(1, dtype=torch.int32) if amounts is None else (above * amounts).sum(1)
            near = above.logical_xor_(scores >= lower[part.rows])
            self._compare_exactly(_true_places(near), start, distinct, amounts)
        if groups is not None:  # gold was counted as one of its equals
            itself = self._gold_is_here(len(block)) & torch.from_numpy(~self.rows.gold_is_known).to(block.device)
            self.ties -= itself.long()
        self.start, self.number = self.start + len(block), self.number + 1

    def _amounts(self, groups: Groups, part: Chunk, padded: Tensor) -> Tensor:
        """Number of candidates of each group that a question is compared with: int32 [questions, padded groups]."""
        sizes = torch.zeros(len(padded), dtype=torch.int32, device=padded.device)
        sizes[: len(groups.sizes)] = groups.sizes
        amounts = sizes.repeat(part.num_questions, 1)
        width = len(groups.of)
        places = self.left_out.places(self.number, part, width).to(padded.device)
        inside = places // width * len(padded) + groups.of[places % width]
        amounts.view(-1).index_add_(0, inside, torch.full_like(inside, -1, dtype=torch.int32))
        return amounts

    def _gold_is_here(self, width: int) -> Tensor:
        """Whether gold is in the next block [rows]."""
        return (self.gold >= self.start) & (self.gold < self.start + width)

    def _compare_exactly(self, places: tuple[Tensor, Tensor], first: int, block: Tensor, amounts: Tensor | None) -> None:
        """Compare exactly the pairs (row from `first`, candidate of the block) that fast scores cannot tell from gold.

        Args:
            amounts: number of candidates that each one stands for, gold among its equals. None: each stands for itself.
        """
        rows, columns = places[0] + first, places[1]
        counts = torch.ones_like(rows) if amounts is None else amounts[places].long()
        counted = self.gold[rows] != columns + self.start if amounts is None else counts > 0
        rows, columns, counts = rows[counted], columns[counted], counts[counted]
        for part in _pieces(len(rows), block.shape[1]):
            row, count = rows[part], counts[part]
            scores = self.kernel.exact(self.queries[self.question[row]], block[columns[part]])
            self.greater.index_add_(0, row, count * (scores > self.gold_scores[row]))
            self.ties.index_add_(0, row, count * (scores == self.gold_scores[row]))

    def _check(self, largest: float, width: int) -> None:
        if not bool((self.kernel.scale(self.query_norms, largest) <= _LARGEST).all()):
            place = f"the queries or the candidates {self.start} to {self.start + width - 1}"
            raise ValueError(f"found vectors that are not finite, or too long for float32 scores, among {place}")


def _pieces(count: int, d: int) -> Iterator[slice]:
    """Slices of as many pairs as exact scores process at a time."""
    size = max(1, _EXACT_NUMBERS // max(1, d))
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def _true_places(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and columns where a mask [rows, multiple of 8] is true. Few are, so eight bits are tested at a time."""
    rows, words = mask.view(torch.int64).nonzero(as_tuple=True)
    which, bytes_ = mask.view(len(mask), -1, 8)[rows, words].nonzero(as_tuple=True)
    return rows[which], words[which] * 8 + bytes_
