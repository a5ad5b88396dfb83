"""Similarities of queries and candidates, computed in two ways: fast with a bound on the error, and exact.

`fast` gives float32 scores of every query and candidate, by matrix products where the formula allows. The score of a pair
depends on the shapes, the threads and the device, so fast scores cannot tell a tie from a near miss. `error` bounds their
distance from `exact` by the standard analysis of floating-point sums (Higham 2002, section 3.1). `exact` sums float64 terms
in one fixed order, so its value depends on the pair only. Comparing fast scores, and calling `exact` for the pairs within
the bound, therefore gives the same result as exact scores alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from torch import Tensor

Similarity = Literal["dot", "l1", "l2", "modulus"]
"""Dot product; minus the L1 or L2 distance; minus the sum of the moduli of complex differences (re, im interleaved)."""

_ROUNDOFF = 2.0**-24  # of float32
_PRODUCT_ROUNDOFF = {"highest": 0.0, "high": 2.0**-9, "medium": 2.0**-6}
"""Precision that torch.set_float32_matmul_precision() may cost a product: over twice the rounding of its factors."""

_TILE_NUMBERS = {"cpu": 2**20}
_TILE_NUMBERS_ELSEWHERE = 2**23
_TILE_CANDIDATES = {"cpu": 256}
_TILE_CANDIDATES_ELSEWHERE = 4096
"""Queries x candidates x d are computed in tiles that fit the cache (chosen by measurement)."""


class Kernel(ABC):
    """One similarity. Fast scores equal exact ones up to an offset per query (`shift`) and rounding (`error`)."""

    order: ClassVar[int]
    """Order of the norm in which `error` measures vectors."""
    least: ClassVar[float] = 1e-37
    """Error of a term that is too small for float32."""

    @abstractmethod
    def fast(self, queries: Tensor, candidates: Tensor, addend: Tensor | None) -> Tensor:
        """Scores [queries, candidates] of float32 [queries, d] and [candidates, d]; `addend` is the result of `addends`."""

    @abstractmethod
    def terms(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Terms that a score sums, from float64 pairs [pairs, d] and [pairs, d]."""

    @abstractmethod
    def scale(self, query_norm: Tensor, candidate_norm: float) -> Tensor:
        """Magnitude of the terms that a fast score sums [queries], for candidates up to the given norm."""

    def addends(self, candidates: Tensor) -> Tensor | None:
        """Term that a fast score adds for each float32 candidate [candidates], or None."""
        return None

    def shift(self, queries: Tensor) -> Tensor:
        """Fast minus exact score of each query [queries] float64."""
        return queries.new_zeros(len(queries), dtype=torch.float64)

    def norms(self, vectors: Tensor) -> Tensor:
        """Upper bounds, slightly above the norms, of float32 vectors [vectors, d] -> [vectors] float64."""
        found = vectors.abs().sum(-1) if self.order == 1 else torch.linalg.vector_norm(vectors, dim=-1)
        return found.double() * (1 + 2.0**-10) + 1e-18  # for rounded sums, and squares that underflow

    def error(self, d: int, query_norm: Tensor, candidate_norm: float) -> Tensor:
        """Bound on the distance of fast scores from exact scores plus shift [queries]; `candidate_norm` is the largest norm."""
        factor = (1.01 * d + 8) * _ROUNDOFF + self.product_roundoff()
        return factor * self.scale(query_norm, candidate_norm) + d * self.least

    def product_roundoff(self) -> float:
        """Precision that matrix products lose beyond float32."""
        return 0.0

    def exact(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Scores of pairs [pairs, d] and [pairs, d] -> [pairs] float64, the same on every device and in every batch.

        Raises:
            ValueError: queries and candidates have vectors of different sizes.
        """
        if queries.shape[1] != candidates.shape[1]:
            raise ValueError(f"found candidates of size {candidates.shape[1]}, expected {queries.shape[1]} as the queries")
        return _sum_in_order(self.terms(queries.double(), candidates.double()))


class _Dot(Kernel):
    order = 2

    def fast(self, queries: Tensor, candidates: Tensor, addend: Tensor | None) -> Tensor:
        return queries @ candidates.T

    def terms(self, queries: Tensor, candidates: Tensor) -> Tensor:
        return queries * candidates

    def scale(self, query_norm: Tensor, candidate_norm: float) -> Tensor:
        return query_norm * candidate_norm

    def product_roundoff(self) -> float:
        return _PRODUCT_ROUNDOFF[torch.get_float32_matmul_precision()]


class _L2(_Dot):
    """Exact: minus the squared distance, which orders as the distance does. Fast: 2 qc - |c|^2 = |q|^2 - |q - c|^2."""

    def fast(self, queries: Tensor, candidates: Tensor, addend: Tensor | None) -> Tensor:
        assert addend is not None
        return torch.addmm(addend, queries, candidates.T, alpha=2)

    def terms(self, queries: Tensor, candidates: Tensor) -> Tensor:
        return (queries - candidates).square_().neg_()

    def scale(self, query_norm: Tensor, candidate_norm: float) -> Tensor:
        return 2 * query_norm * candidate_norm + candidate_norm**2

    def addends(self, candidates: Tensor) -> Tensor:
        return -torch.linalg.vector_norm(candidates, dim=-1).square()

    def shift(self, queries: Tensor) -> Tensor:
        return queries.double().square().sum(-1)


class _L1(Kernel):
    """Fast: sum c - 2 sum max(q, c) = -sum |q - c| - sum q, which needs one pass less over the tiles than |q - c|."""

    order = 1

    def fast(self, queries: Tensor, candidates: Tensor, addend: Tensor | None) -> Tensor:
        assert addend is not None
        scores = queries.new_empty(len(queries), len(candidates))
        space = _space(queries)
        for rows, columns in _tiles(scores, queries.shape[1]):
            left, right = queries[rows, None], candidates[columns]
            tile = space[: len(left) * right.numel()].view(len(left), *right.shape)
            torch.sum(torch.maximum(left, right, out=tile), -1, out=scores[rows, columns])
        return torch.add(addend, scores, alpha=-2, out=scores)

    def terms(self, queries: Tensor, candidates: Tensor) -> Tensor:
        return (queries - candidates).abs_().neg_()

    def scale(self, query_norm: Tensor, candidate_norm: float) -> Tensor:
        return 2 * query_norm + 3 * candidate_norm

    def addends(self, candidates: Tensor) -> Tensor:
        return candidates.sum(-1)

    def shift(self, queries: Tensor) -> Tensor:
        return -queries.sum(-1, dtype=torch.float64)


class _Modulus(Kernel):
    order = 1
    least = 1e-18  # a square that underflows

    def fast(self, queries: Tensor, candidates: Tensor, addend: Tensor | None) -> Tensor:
        scores = queries.new_empty(len(queries), len(candidates))
        space, second = _space(queries), _space(queries)
        halves = [(queries[:, part::2].contiguous(), candidates[:, part::2].contiguous()) for part in (0, 1)]
        for rows, columns in _tiles(scores, queries.shape[1] // 2):
            tiles = []
            for place, (left, right) in zip((space, second), halves, strict=True):
                left, right = left[rows, None], right[columns]
                tile = place[: len(left) * right.numel()].view(len(left), *right.shape)
                tiles.append(torch.sub(left, right, out=tile))
            moduli = tiles[0].square_().addcmul_(tiles[1], tiles[1]).sqrt_()
            torch.sum(moduli, -1, out=scores[rows, columns])
        return scores.neg_()

    def terms(self, queries: Tensor, candidates: Tensor) -> Tensor:
        squares = (queries - candidates).square_()
        return (squares[:, 0::2] + squares[:, 1::2]).sqrt_().neg_()

    def scale(self, query_norm: Tensor, candidate_norm: float) -> Tensor:
        return query_norm + candidate_norm


KERNELS: dict[Similarity, Kernel] = {"dot": _Dot(), "l1": _L1(), "l2": _L2(), "modulus": _Modulus()}


def _sum_in_order(terms: Tensor) -> Tensor:
    """Sum [pairs, d] over d by folding halves: additions of single numbers, whose order nothing can change."""
    while (width := terms.shape[1]) > 1:
        half = width // 2
        folded = terms[:, :half] + terms[:, half : 2 * half]
        if width % 2:
            folded[:, 0] += terms[:, -1]
        terms = folded
    return terms[:, 0]


def _space(queries: Tensor) -> Tensor:
    """Memory of one tile in bytes."""
    return queries.new_empty(max(_TILE_NUMBERS.get(queries.device.type, _TILE_NUMBERS_ELSEWHERE), queries.shape[1]))


def _tiles(scores: Tensor, d: int) -> Iterator[tuple[slice, slice]]:
    """Pieces of [queries, candidates] whose [queries, candidates, d] fits the memory of one tile."""
    kind = scores.device.type
    numbers = _TILE_NUMBERS.get(kind, _TILE_NUMBERS_ELSEWHERE) // d
    columns = max(1, min(_TILE_CANDIDATES.get(kind, _TILE_CANDIDATES_ELSEWHERE), scores.shape[1], numbers))
    rows = max(1, numbers // columns)
    for row in range(0, scores.shape[0], rows):
        for column in range(0, scores.shape[1], columns):
            yield slice(row, row + rows), slice(column, column + columns)
