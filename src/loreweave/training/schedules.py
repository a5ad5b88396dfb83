"""Learning rate after the warm-up, as a fraction of the highest one: one function per schedule.

A new schedule is a function here, a row of `SCHEDULES` and its name in `ScheduleName`; `schedule.name=NAME` selects it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

ScheduleName = Literal["linear", "constant"]
"""Names of the schedules; the keys of `SCHEDULES`."""


@dataclass(frozen=True)
class Schedule:
    """A schedule.

    Attributes:
        summary: course of the learning rate after the warm-up, for the help.
        factor: (update, number of warm-up updates, number of all updates) -> fraction of the highest learning rate. It is
            called for updates after the warm-up.
        reads_total: whether it depends on the number of all updates.
    """

    summary: str
    factor: Callable[[int, int, int], float]
    reads_total: bool


def linear(update: int, warmup: int, total: int) -> float:
    """Falls evenly from 1 at the end of the warm-up to 0 at `total`."""
    return max(0.0, (total - update) / max(1, total - warmup))


def constant(update: int, warmup: int, total: int) -> float:
    """1 at every update."""
    return 1.0


SCHEDULES: dict[str, Schedule] = {
    "linear": Schedule("it falls to 0", linear, reads_total=True),
    "constant": Schedule("it stays", constant, reads_total=False),
}


def rate_factor(update: int, *, name: str, warmup: int, total: int) -> float:
    """Fraction of the highest learning rate at an update, counted from 0: it rises from 0 in the warm-up."""
    return update / max(1, warmup) if update < warmup else SCHEDULES[name].factor(update, warmup, total)
