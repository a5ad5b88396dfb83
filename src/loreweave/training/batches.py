"""Which examples go together: batches that depend on the seed and the epoch alone, so that a run resumes exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

_POOL = 50
"""Batches whose examples are sorted together when batches are made by length."""


class EpochBatches(Sampler[list[int]]):
    """Shuffled batches of example indices for the epoch in `epoch`, which the engine sets before each pass.

    Args:
        lengths: the length of each example.
        batch_size: examples a batch; the last of the epoch may be smaller.
        seed: of the order.
        by_length: fill batches with examples of like length, and shuffle the batches (a short one stays last).
        multiple_of: leave out batches at the end of the epoch so that their number is a multiple of this.
    """

    drop_last = False  # read by accelerate where it shares the batches out to processes

    def __init__(
        self, lengths: Sequence[int], batch_size: int, seed: int, *, by_length: bool = False, multiple_of: int = 1
    ) -> None:
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.by_length = by_length
        self.epoch = 0
        batches = -(-len(lengths) // batch_size)
        self._kept = batches - batches % multiple_of

    def __len__(self) -> int:
        return self._kept

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng((self.seed, self.epoch))
        order = random.permutation(len(self.lengths))
        if self.by_length:
            pool = _POOL * self.batch_size
            pools = [order[start : start + pool] for start in range(0, len(order), pool)]
            order = np.concatenate([part[np.argsort(self.lengths[part], kind="stable")] for part in pools])
        batches = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        full = len(self.lengths) // self.batch_size
        # A short batch stays last: accelerate loses the whole round of processes that one in the middle belongs to.
        sequence = [*(random.permutation(full) if self.by_length else range(full)), *range(full, len(batches))]
        for index in sequence[: self._kept]:
            yield batches[index].tolist()


def batches_by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Batches for evaluation: longest first, so that padding is least and a lack of memory shows at once."""
    order = np.argsort(-np.asarray(lengths), kind="stable").tolist()
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
