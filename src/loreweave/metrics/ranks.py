"""Ranks of gold answers, as three counts a query: what stands above gold, what stands level with it, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

RankKind = Literal["optimistic", "realistic", "pessimistic"]
RANK_KINDS: tuple[RankKind, ...] = get_args(RankKind)

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Ranks:
    """For each query what stands in the way of its gold answer, known other answers left out. All int64 [queries]."""

    greater: Counts
    """Candidates with a higher score."""
    ties: Counts
    """Other candidates with the same score."""
    candidates: Counts
    """All that were compared, the gold answer included: the worst possible rank."""

    def __len__(self) -> int:
        return len(self.greater)

    def __getitem__(self, rows: NDArray[np.integer] | slice) -> Ranks:
        return Ranks(self.greater[rows], self.ties[rows], self.candidates[rows])

    @property
    def optimistic(self) -> NDArray[np.float64]:
        """As if gold stood first among its equals, from 1."""
        return self.greater.astype(np.float64) + 1

    @property
    def realistic(self) -> NDArray[np.float64]:
        """The mean of both others: the expectation over all orders of equals."""
        return self.greater.astype(np.float64) + self.ties / 2 + 1

    @property
    def pessimistic(self) -> NDArray[np.float64]:
        """As if gold stood last among its equals: the rank of GraphVite, hence of KEPLER's paper."""
        return self.greater.astype(np.float64) + self.ties + 1

    def of_kind(self, kind: RankKind) -> NDArray[np.float64]:
        """One of the three, by name."""
        found: NDArray[np.float64] = getattr(self, kind)
        return found

    @classmethod
    def concatenate(cls, parts: Iterable[Ranks]) -> Ranks:
        """Queries of several sets one after another, such as those of both sides."""
        parts = list(parts)
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("greater", "ties", "candidates")))


def merge(parts: Iterable[tuple[ArrayLike, Ranks]]) -> Ranks:
    """Put together what several processes ranked.

    Args:
        parts: of each process its row numbers (`known_answers.share_of`) and the ranks of these rows.

    Returns:
        Ranks of all rows, in order.

    Raises:
        ValueError: a row is missing or is there twice, or a part has ranks of other rows.
    """
    pairs = [(np.asarray(rows, dtype=np.int64), ranks) for rows, ranks in parts]
    for rows, ranks in pairs:
        if len(rows) != len(ranks):
            raise ValueError(f"found ranks of {len(ranks)} rows beside {len(rows)} row numbers")
    rows = np.concatenate([rows for rows, _ in pairs]) if pairs else np.empty(0, dtype=np.int64)
    order = np.argsort(rows, kind="stable")
    if not np.array_equal(rows[order], np.arange(len(rows))):
        raise ValueError(f"found {len(np.unique(rows))} distinct rows of {len(rows)}, expected each of them once from 0")
    return Ranks.concatenate(ranks for _, ranks in pairs)[order]
