"""Batches of texts of similar length, to reduce padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from loreweave.errors import ConfigurationError
from loreweave.random_streams import stream


class LengthBucketSampler:
    """Batch sampler for `DataLoader(batch_sampler=...)`: shuffled, with texts of similar length in a batch.

    The items are shuffled, cut into pools of `pool` batches, sorted by length inside a pool, cut into batches, and the
    batches shuffled. The longest batch comes first, so that a lack of memory shows at once. The order depends only on
    `seed` and `epoch`.

    Args:
        lengths: length of each item, for example in words.
        batch_size: number of items per batch.
        pool: number of batches per pool. 1 is plain shuffling; more sorts better and shuffles less.
        seed: seed of the shuffling.
        drop_last: leave out the last batch if it is not full.

    Example:
        >>> sorted(sum(LengthBucketSampler([3, 1, 2], batch_size=2), []))
        [0, 1, 2]
    """

    def __init__(
        self, lengths: Sequence[int], batch_size: int, *, pool: int = 50, seed: int = 0, drop_last: bool = False
    ) -> None:
        if batch_size < 1 or pool < 1:
            raise ConfigurationError(f"found batch_size={batch_size} and pool={pool}, expected at least 1")
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self.batch_size, self.pool, self.seed, self.drop_last = batch_size, pool, seed, drop_last
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which determines the order of the next iteration."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Number of batches."""
        full, rest = divmod(len(self.lengths), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[list[int]]:
        generator = stream(self.seed, "batches of an epoch", self.epoch)
        order = generator.permutation(len(self.lengths))
        if self.drop_last:
            order = order[: len(self) * self.batch_size]
        width = self.pool * self.batch_size
        pools = (order[start : start + width] for start in range(0, len(order), width))
        batches = [
            ordered[start : start + self.batch_size]
            for ordered in (pool[np.argsort(-self.lengths[pool], kind="stable")] for pool in pools)
            for start in range(0, len(ordered), self.batch_size)
        ]
        shuffled = [batches[place] for place in generator.permutation(len(batches))]
        if shuffled:
            longest = max(range(len(shuffled)), key=lambda place: int(self.lengths[shuffled[place]].max()))
            shuffled.insert(0, shuffled.pop(longest))
        return iter([[int(item) for item in batch] for batch in shuffled])
