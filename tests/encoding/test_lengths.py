from __future__ import annotations

import numpy as np
import pytest

from loreweave.encoding import LengthBucketSampler
from loreweave.errors import ConfigurationError

LENGTHS = np.random.default_rng(0).integers(5, 500, size=403)


def padding(batches: list[list[int]]) -> int:
    return sum(int(LENGTHS[batch].max()) * len(batch) - int(LENGTHS[batch].sum()) for batch in batches)


def test_every_item_once_and_the_longest_first() -> None:
    sampler = LengthBucketSampler(LENGTHS, 8)
    batches = list(sampler)
    assert sorted(sum(batches, [])) == list(range(403))
    assert len(batches) == len(sampler) == 51
    assert LENGTHS.max() in LENGTHS[batches[0]]


def test_much_less_padding_than_by_chance() -> None:
    assert padding(list(LengthBucketSampler(LENGTHS, 8))) < 0.2 * padding(list(LengthBucketSampler(LENGTHS, 8, pool=1)))


def test_seed_and_epoch_alone_make_the_order() -> None:
    one, other = LengthBucketSampler(LENGTHS, 8, seed=3), LengthBucketSampler(LENGTHS, 8, seed=3)
    assert list(one) == list(other) == list(one)
    other.set_epoch(1)
    assert list(one) != list(other)
    assert list(one) != list(LengthBucketSampler(LENGTHS, 8, seed=4))


def test_drop_last() -> None:
    batches = list(LengthBucketSampler(LENGTHS, 8, drop_last=True))
    assert len(batches) == 50 and {len(batch) for batch in batches} == {8}


def test_wrong_sizes() -> None:
    with pytest.raises(ConfigurationError, match="batch_size=0"):
        LengthBucketSampler(LENGTHS, 0)
