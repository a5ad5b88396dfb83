"""Several processes that share the work of an evaluation (torchrun sets RANK, WORLD_SIZE and LOCAL_RANK)."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from loreweave.training import accelerators
from loreweave.training.devices import choose_device

T = TypeVar("T")

_PATIENCE = timedelta(days=7)
"""Timeout for a slower process: torchrun ends all processes when one fails."""


class Processes:
    """This process among all processes; for a single one, everything returns at once.

    Example:
        >>> Processes().gather("result")
        ['result']
    """

    def __init__(self) -> None:
        self.rank, self.count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        if self.count > 1 and not dist.is_initialized():
            dist.init_process_group("gloo", timeout=_PATIENCE)

    @property
    def share(self) -> tuple[int, int]:
        """(number of this process, number of processes)."""
        return self.rank, self.count

    @property
    def is_first(self) -> bool:
        """Whether this process writes the outputs."""
        return self.rank == 0

    def device(self, name: str | None) -> torch.device:
        """The device of that name. Default: each process of a machine gets its own accelerator."""
        chosen = choose_device(name)
        if self.count == 1 or chosen.type == "cpu" or ":" in (name or ""):
            return chosen
        return torch.device(chosen.type, int(os.environ.get("LOCAL_RANK", "0")) % accelerators.count(chosen.type))

    def wait(self) -> None:
        """Return when all processes have called it."""
        if self.count > 1:
            dist.barrier()

    def gather(self, value: T) -> list[T]:
        """Values of all processes, by number, in each process."""
        values: list[Any] = [value] * self.count
        if self.count > 1:
            dist.all_gather_object(values, value)
        return values
