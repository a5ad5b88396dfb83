"""Batches of examples that depend only on the seed and the epoch, so that a run resumes exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from loreweave.random_streams import stream

_POOL = 50
"""Number of batches whose examples are sorted together when batches are made by length."""


class EpochBatches(Sampler[list[int]]):
    """Shuffled batches of example indices for the epoch in `epoch`, which the engine sets before each pass.

    Several processes take the batches in turn. All have the same number; if the last round has none left for a process, it
    gets an empty batch (accelerate would repeat examples).

    Args:
        lengths: length of each example.
        batch_size: number of examples per batch; the last batch of the epoch may be smaller.
        seed: seed of the order.
        by_length: fill batches with examples of similar length, and shuffle the batches (a short one stays last).
        multiple_of: leave out batches at the end of the epoch, so that their number over all processes is a multiple of this.
        processes: number of processes that share the batches.
        process: number of this process, from 0.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int,
        *,
        by_length: bool = False,
        multiple_of: int = 1,
        processes: int = 1,
        process: int = 0,
    ) -> None:
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.by_length = by_length
        self.processes, self.process = processes, process
        self.epoch = 0
        batches = -(-len(lengths) // batch_size)
        self._kept = batches - batches % multiple_of

    def __len__(self) -> int:
        """Batches of each process."""
        return -(-self._kept // self.processes)

    def __iter__(self) -> Iterator[list[int]]:
        mine = self._order()[self.process : self._kept : self.processes]
        yield from (batch.tolist() for batch in mine)
        if len(mine) < len(self):
            yield []

    def _order(self) -> list[np.ndarray]:
        """All batches of the epoch, in order."""
        random = stream(self.seed, "batches of an epoch", self.epoch)
        order = random.permutation(len(self.lengths))
        if self.by_length:
            pool = _POOL * self.batch_size
            pools = [order[start : start + pool] for start in range(0, len(order), pool)]
            order = np.concatenate([part[np.argsort(self.lengths[part], kind="stable")] for part in pools])
        batches = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        full = len(self.lengths) // self.batch_size
        if not self.by_length:
            return batches
        # A short batch stays last, so that only the last update of an epoch is smaller.
        return [*(batches[index] for index in random.permutation(full)), *batches[full:]]


def batches_by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Batches for evaluation: longest first, which minimises padding and shows a lack of memory at once."""
    order = np.argsort(-np.asarray(lengths), kind="stable").tolist()
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
