"""Groups of equal vectors: by bits, in the order of their first members."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from loreweave.metrics.equal_vectors import equal_vectors


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_groups_by_hand(dtype: torch.dtype) -> None:
    block = torch.tensor([[7.0, 1], [2, 1], [7, 1], [1, 2], [2, 1], [7, 1]], dtype=dtype)
    groups = equal_vectors(block)
    assert groups is not None
    assert groups.first.tolist() == [0, 1, 3]
    assert groups.of.tolist() == [0, 1, 0, 2, 1, 0]
    assert groups.sizes.tolist() == [3, 2, 1]


def test_nothing_to_group() -> None:
    assert equal_vectors(torch.eye(4)) is None
    assert equal_vectors(torch.zeros(1, 3)) is None
    assert equal_vectors(torch.zeros(0, 3)) is None


def test_the_last_bit_tells_vectors_apart() -> None:
    block = torch.ones(3, 5)
    block[1, 3] += 2.0**-23
    groups = equal_vectors(block)
    assert groups is not None and groups.of.tolist() == [0, 1, 0]


def test_as_numpy_groups_rows() -> None:
    block = torch.randint(0, 3, (400, 4), generator=torch.Generator().manual_seed(0)).float()
    groups = equal_vectors(block)
    assert groups is not None
    distinct, of = np.unique(block.numpy(), axis=0, return_inverse=True)
    assert len(groups.first) == len(distinct)
    assert len(set(zip(groups.of.tolist(), of.reshape(-1).tolist(), strict=True))) == len(distinct)
    assert torch.equal(block[groups.first][groups.of], block)
    assert groups.sizes.tolist() == np.bincount(groups.of.numpy()).tolist()
