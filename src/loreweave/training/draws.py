"""Order of a pre-training run: the row of a data set for every draw.

A run is a fixed sequence of draws, which depends only on the seed. There is no state, so a run resumes at any draw, with
any number of processes and workers, with the same rows and masks.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import numpy as np

from loreweave.random_streams import stream


class Draws:
    """Draw d belongs to epoch d // n, where n is the number of rows of all sets together.

    With several sets, each epoch gives set i a share of its n draws proportional to size_i ** smoothing (mLUKE:
    Ri et al. 2022), and goes through every set in epochs of its own, so that after whole epochs all rows of a set were
    drawn equally often, up to one draw.

    Args:
        sizes: number of rows of each data set.
        seed: seed of all permutations.
        smoothing: 1 draws sets in proportion to their size, 0 evenly.
    """

    def __init__(self, sizes: list[int], seed: int, smoothing: float = 0.7) -> None:
        if not sizes or min(sizes) < 1:
            raise ValueError(f"every data set needs at least one row, found sizes {sizes}")
        self.sizes = sizes
        self.seed = seed
        self.smoothing = smoothing
        self.per_epoch = sum(sizes)
        self.quotas = _quotas(sizes, self.per_epoch, smoothing)
        self._ends = np.cumsum(self.quotas)  # of the sets' draws in an epoch
        self._epoch_order = lru_cache(maxsize=2)(self._order_of_epoch)
        orders = sum(ceil(quota / size) + 1 for quota, size in zip(self.quotas, sizes, strict=True))  # of the sets, in an epoch
        self._set_order = lru_cache(maxsize=orders)(self._order_of_set)

    def __reduce__(self) -> tuple[type[Draws], tuple[list[int], int, float]]:
        """State without the cached orders, for workers in new processes (macOS, Windows)."""
        return Draws, (self.sizes, self.seed, self.smoothing)

    def __getitem__(self, draw: int) -> tuple[int, int]:
        """(data set, row) of a draw."""
        epoch, place = divmod(draw, self.per_epoch)
        turn = int(self._epoch_order(epoch)[place])
        which = int(np.searchsorted(self._ends, turn, side="right"))
        position = (epoch + 1) * self.quotas[which] + turn - int(self._ends[which])
        own_epoch, own_place = divmod(position, self.sizes[which])
        return which, int(self._set_order(which, own_epoch)[own_place])

    def rows(self, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Data sets and rows of many draws at once. Each [draws]"""
        epochs, places = np.divmod(draws, self.per_epoch)
        turns = np.empty_like(draws)
        for epoch in np.unique(epochs).tolist():
            inside = epochs == epoch
            turns[inside] = self._epoch_order(epoch)[places[inside]]
        sets = np.searchsorted(self._ends, turns, side="right")
        positions = (epochs + 1) * np.array(self.quotas)[sets] + turns - self._ends[sets]
        own_epochs, own_places = np.divmod(positions, np.array(self.sizes)[sets])
        rows = np.empty_like(draws)
        for which, epoch in np.unique(np.stack([sets, own_epochs], axis=1), axis=0).tolist():
            inside = (sets == which) & (own_epochs == epoch)
            rows[inside] = self._set_order(which, epoch)[own_places[inside]]
        return sets, rows

    def _order_of_epoch(self, epoch: int) -> np.ndarray:
        return _small(stream(self.seed, "draws of an epoch", epoch).permutation(self.per_epoch))

    def _order_of_set(self, which: int, epoch: int) -> np.ndarray:
        return _small(stream(self.seed, "rows of a set", which, epoch).permutation(self.sizes[which]))


def _small(order: np.ndarray) -> np.ndarray:
    """A permutation with four bytes a row, if they are enough."""
    return order.astype(np.int32) if len(order) <= np.iinfo(np.int32).max else order


def _quotas(sizes: list[int], total: int, smoothing: float) -> list[int]:
    """Draws per epoch of each set: whole numbers that add up to `total` (largest remainders)."""
    weights = np.asarray(sizes, dtype=np.float64) ** smoothing
    exact = weights / weights.sum() * total
    quotas = np.floor(exact).astype(np.int64)
    missing = total - int(quotas.sum())
    quotas[np.argsort(exact - quotas)[::-1][:missing]] += 1
    return [int(q) for q in quotas]
