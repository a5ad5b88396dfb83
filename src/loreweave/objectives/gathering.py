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


def process() -> int:
    """Number of this process in the run."""
    return torch.distributed.get_rank() if processes() > 1 else 0


def gather(vectors: Tensor, *columns: Tensor) -> tuple[Tensor, list[Tensor], int]:
    """Vectors of all processes with gradient, their columns, and the index of this process's first one.

    Processes may have different numbers of vectors, which are padded for the exchange.
    """
    if processes() == 1:
        return vectors, list(columns), 0
    sizes = _sizes(vectors)
    gathered = _together(all_gather(_padded(vectors, sizes)), sizes)
    whole = _gather_rows(torch.stack([column.long() for column in columns], dim=1), sizes)
    others = [whole[:, i].to(column.dtype) for i, column in enumerate(columns)]
    return gathered, others, sum(sizes[: process()])


def gather_rows(table: Tensor) -> Tensor:
    """Rows of a table of integers of all processes, which may have different numbers of rows. [all rows, columns]"""
    return table if processes() == 1 else _gather_rows(table, _sizes(table))


def most_columns(table: Tensor) -> int:
    """Maximum number of columns of a table in the processes, which may have different ones."""
    if processes() == 1:
        return table.shape[1]
    return max(_of_processes(table.shape[1], table.device))


def _gather_rows(table: Tensor, sizes: Sequence[int]) -> Tensor:
    padded = _padded(table, sizes)
    tables = [torch.zeros_like(padded) for _ in sizes]
    torch.distributed.all_gather(tables, padded)
    return _together(tables, sizes)


def _sizes(rows: Tensor) -> list[int]:
    """Number of rows of each process."""
    return _of_processes(len(rows), rows.device)


def _of_processes(number: int, device: torch.device) -> list[int]:
    """A number of each process."""
    own = torch.tensor([number], device=device)
    numbers = [torch.zeros_like(own) for _ in range(processes())]
    torch.distributed.all_gather(numbers, own)
    return [int(found) for found in numbers]


def _padded(rows: Tensor, sizes: Sequence[int]) -> Tensor:
    return functional.pad(rows, (0, 0, 0, max(sizes) - len(rows)))


def _together(parts: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])
