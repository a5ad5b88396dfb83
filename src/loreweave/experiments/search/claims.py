"""Which trial a worker runs next: one that was abandoned, one that waits, or the next point of the design.

Workers take turns here, by a lock in the folder of the study, so that each point is one trial, whatever their number.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from loreweave.errors import ConfigurationError
from loreweave.experiments.search.designs import POINT
from loreweave.experiments.search.reaper import WORKER, WORKERS, adopt, is_abandoned
from loreweave.experiments.search.stages import Stage, points_of
from loreweave.training.runs.lock import RunLock

_PAUSE = 0.1  # seconds


@dataclass(frozen=True)
class Claim:
    """A trial that a worker runs; `resumed` if another process had begun it."""

    trial: optuna.Trial
    resumed: bool


def next_trial(stage: Stage, worker: str, *, may_begin: bool) -> Claim | Literal["wait", "done"]:
    """The next trial of a stage for a worker.

    Args:
        stage: the stage.
        worker: name of the worker, whose folder in `workers` it has locked.
        may_begin: whether a trial may be begun; otherwise only abandoned ones are finished.

    Returns:
        A trial; `wait` if there may be one later, since others are running; `done` if all are finished.

    Raises:
        StorageLost: the storage is gone.
    """
    with turn(stage.study.folder):
        trials = stage.all()
        running = [trial for trial in trials if trial.state == TrialState.RUNNING]
        for trial in running:
            if is_abandoned(stage, trial, worker) and (adopted := adopt(stage, trial, worker)) is not None:
                return Claim(adopted, resumed=True)
        waiting = any(trial.state == TrialState.WAITING for trial in trials)
        if may_begin and not waiting:
            waiting = _enqueue(stage, trials)
        if waiting and may_begin:
            with stage.study.storage.reachable():
                begun = stage.kept.ask({factor.name: factor.distribution() for factor in stage.factors})
                begun.set_user_attr(WORKER, worker)
            return Claim(begun, resumed=False)
        return "wait" if any(trial.state == TrialState.RUNNING for trial in stage.all()) else "done"


def enqueue_failed(stage: Stage) -> int:
    """Add the points whose last trial failed to the queue again; returns their number.

    Raises:
        StorageLost: the storage is gone.
    """
    with turn(stage.study.folder):
        failed = [(point, trial) for point, trial in points_of(stage).items() if trial.state == TrialState.FAIL]
        with stage.study.storage.reachable():
            for point, trial in failed:
                stage.kept.enqueue_trial(trial.params, user_attrs={POINT: point})
    return len(failed)


def _enqueue(stage: Stage, trials: list[FrozenTrial]) -> bool:
    """Add the next point of the design to the queue, if it can be chosen now."""
    begun = points_of(stage)
    number = max(begun, default=-1) + 1
    if stage.trials is not None and number >= stage.trials:
        return False
    needed = stage.design.needs(number)
    if any(not begun[point].state.is_finished() for point in range(needed) if point in begun):
        return False
    point = stage.design.point(number, trials)
    with stage.study.storage.reachable():
        stage.kept.enqueue_trial(point, user_attrs={POINT: number})
    return True


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Wait for the other workers, then keep them waiting."""
    place = folder / WORKERS
    place.mkdir(exist_ok=True)
    lock = RunLock(place)
    while True:
        try:
            lock.take()
            break
        except ConfigurationError:
            time.sleep(_PAUSE)
    try:
        yield
    finally:
        lock.release()
