"""Batches: what an epoch holds, and that it depends on the seed and the epoch alone."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.training.batches import EpochBatches, batches_by_length

LENGTHS = [int(length) for length in np.random.default_rng(0).integers(5, 200, 1003)]


@pytest.mark.parametrize("by_length", [False, True])
def test_an_epoch_holds_every_example_once(by_length: bool) -> None:
    batches = EpochBatches(LENGTHS, 4, seed=1, by_length=by_length)
    drawn = [index for batch in batches for index in batch]
    assert sorted(drawn) == list(range(1003))
    assert len(batches) == len(list(batches)) == 251


@pytest.mark.parametrize("by_length", [False, True])
def test_order_is_a_function_of_seed_and_epoch(by_length: bool) -> None:
    first, again = (EpochBatches(LENGTHS, 4, seed=1, by_length=by_length) for _ in range(2))
    assert list(first) == list(again)
    first.epoch = 1
    assert list(first) != list(again)
    again.epoch = 1
    assert list(first) == list(again)


def test_leftover_batches_are_dropped_to_a_multiple() -> None:
    batches = EpochBatches(LENGTHS, 2, seed=1, multiple_of=4)  # 502 batches: 125 updates of 4
    assert len(batches) == len(list(batches)) == 500


def test_batches_by_length_pad_less() -> None:
    def padding(batches: EpochBatches) -> int:
        return sum(max(LENGTHS[i] for i in batch) * len(batch) - sum(LENGTHS[i] for i in batch) for batch in batches)

    random, bucketed = (padding(EpochBatches(LENGTHS, 8, 1, by_length=value)) for value in (False, True))
    assert bucketed < random / 5


def test_evaluation_batches_start_with_the_longest() -> None:
    batches = batches_by_length([3, 9, 5, 7], 3)
    assert batches == [[1, 3, 2], [0]]


@pytest.mark.parametrize("by_length", [False, True])
def test_processes_share_the_batches_and_take_as_many_steps(by_length: bool) -> None:
    """Five batches in two processes: the last round has nothing for the second."""
    for seed in range(5):
        whole = list(EpochBatches(range(1, 10), 2, seed, by_length=by_length))
        shares = [EpochBatches(range(1, 10), 2, seed, by_length=by_length, processes=2, process=i) for i in range(2)]
        assert [len(share) for share in shares] == [len(list(share)) for share in shares] == [3, 3]
        assert list(shares[0]) == whole[::2] and list(shares[1]) == [*whole[1::2], []]


def test_nothing_is_left_over_where_batches_are_dropped() -> None:
    shares = [EpochBatches(LENGTHS, 2, 1, multiple_of=6, processes=3, process=i) for i in range(3)]  # 502 batches
    assert [len(list(share)) for share in shares] == [166, 166, 166] and all(batch for share in shares for batch in share)
