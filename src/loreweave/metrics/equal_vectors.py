"""Equal vectors in a block of candidates, grouped so that each is compared once.

In a graph with few descriptions, most entities have the same text, so most candidates are the same vector. All of them tie
with a gold answer that has this text, and without groups each of them would be scored again exactly, for every question.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Groups(NamedTuple):
    """Groups of equal vectors in a block [candidates, d]."""

    first: Tensor
    """One candidate per group: int64 [groups]."""
    of: Tensor
    """Group of each candidate: int64 [candidates]."""
    sizes: Tensor
    """Number of candidates in each group: int64 [groups]."""


def equal_vectors(block: Tensor) -> Groups | None:
    """Group the vectors of a block by their bits; None if no two are equal.

    Args:
        block: [candidates, d] of any floating type.

    Example:
        >>> equal_vectors(torch.tensor([[1.0, 2], [3, 4], [1, 2]])).of.tolist()
        [0, 1, 0]
    """
    if len(block) < 2 or not block.shape[1]:
        return None
    bits = block.contiguous().view(_INTEGERS[block.element_size()])
    generator = torch.Generator().manual_seed(len(bits))
    factors = torch.randint(-(2**62), 2**62, (bits.shape[1],), generator=generator).to(block.device)
    hashes = (bits.long() * factors).sum(1)  # modulo 2**64; equal bits have equal hashes
    distinct, of, sizes = torch.unique(hashes, return_inverse=True, return_counts=True)
    if len(distinct) == len(block):
        return None
    numbers = torch.arange(len(block), device=block.device)
    first = torch.full_like(distinct, len(block)).scatter_reduce_(0, of, numbers, "amin")
    if not bool((bits == bits[first[of]]).all()):
        return None  # a collision of 64-bit hashes, which is very unlikely: each vector is then compared by itself
    order = torch.argsort(first)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device)
    return Groups(first[order], rank[of], sizes[order])
