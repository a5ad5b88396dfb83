"""Ranks of gold answers, stored as three counts per query: candidates above gold, level with gold, and all candidates."""

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
    """Counts for each query, without its other known answers. All are int64 [queries]."""

    greater: Counts
    """Number of candidates with a higher score."""
    ties: Counts
    """Number of other candidates with the same score."""
    candidates: Counts
    """Number of all candidates, the gold answer included: the worst possible rank."""

    def __len__(self) -> int:
        return len(self.greater)

    def __getitem__(self, rows: NDArray[np.integer] | slice) -> Ranks:
        return Ranks(self.greater[rows], self.ties[rows], self.candidates[rows])

    @property
    def optimistic(self) -> NDArray[np.float64]:
        """Rank from 1, with gold first among its equals."""
        return self.greater.astype(np.float64) + 1

    @property
    def realistic(self) -> NDArray[np.float64]:
        """Mean of the optimistic and pessimistic ranks: the expectation over all orders of equals."""
        return self.greater.astype(np.float64) + self.ties / 2 + 1

    @property
    def pessimistic(self) -> NDArray[np.float64]:
        """Rank with gold last among its equals: the rank of GraphVite, and therefore of KEPLER's paper."""
        return self.greater.astype(np.float64) + self.ties + 1

    def of_kind(self, kind: RankKind) -> NDArray[np.float64]:
        """One of the three kinds, by name."""
        found: NDArray[np.float64] = getattr(self, kind)
        return found

    @classmethod
    def concatenate(cls, parts: Iterable[Ranks]) -> Ranks:
        """Concatenate the queries of several sets, such as those of both sides."""
        parts = list(parts)
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("greater", "ties", "candidates")))


def merge(parts: Iterable[tuple[ArrayLike, Ranks]]) -> Ranks:
    """Merge the ranks of several processes.

    Args:
        parts: row numbers (`known_answers.share_of`) and ranks of these rows, one pair per process.

    Returns:
        Ranks of all rows, in the order of the rows.

    Raises:
        ValueError: a row is missing or repeated, or a part has another number of ranks than rows.
    """
    pairs = [(np.asarray(rows, dtype=np.int64), ranks) for rows, ranks in parts]
    for rows, ranks in pairs:
        if len(rows) != len(ranks):
            raise ValueError(f"found {len(ranks)} ranks for {len(rows)} row numbers")
    rows = np.concatenate([rows for rows, _ in pairs]) if pairs else np.empty(0, dtype=np.int64)
    order = np.argsort(rows, kind="stable")
    if not np.array_equal(rows[order], np.arange(len(rows))):
        raise ValueError(f"found {len(np.unique(rows))} distinct row numbers among {len(rows)}, expected each from 0 once")
    return Ranks.concatenate(ranks for _, ranks in pairs)[order]
