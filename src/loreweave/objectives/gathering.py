"""Vectors of all processes of a run, for losses that compare a micro-batch with those of the other processes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed
from torch import Tensor
from torch.distributed.nn.functional import all_gather
from torch.nn import functional


def processes() -> int:
    """Number of processes of the run."""
    ready = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_world_size() if ready else 1


def gather(vectors: Tensor, *columns: Tensor) -> tuple[Tensor, list[Tensor], int]:
    """Vectors of all processes with gradient, their columns, and the index of this process's first one.

    Processes may have different numbers of vectors, which are padded for the exchange.
    """
    world = processes()
    if world == 1:
        return vectors, list(columns), 0
    count = torch.tensor([len(vectors)], device=vectors.device)
    counts = [torch.zeros_like(count) for _ in range(world)]
    torch.distributed.all_gather(counts, count)
    sizes = [int(found) for found in counts]
    missing = max(sizes) - len(vectors)

    def together(parts: Sequence[Tensor]) -> Tensor:
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    gathered = together(all_gather(functional.pad(vectors, (0, 0, 0, missing))))
    table = functional.pad(torch.stack([column.long() for column in columns], dim=1), (0, 0, 0, missing))
    tables = [torch.zeros_like(table) for _ in range(world)]
    torch.distributed.all_gather(tables, table)
    whole = together(tables)
    others = [whole[:, i].to(column.dtype) for i, column in enumerate(columns)]
    return gathered, others, sum(sizes[: torch.distributed.get_rank()])
