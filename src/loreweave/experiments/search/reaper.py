"""Trials whose worker has ended without finishing them: they are found by the locks of worker and run, and taken over.

This works with any storage. The heartbeat of Optuna exists for databases only, and not for
trials that are asked for one by one.
"""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial, TrialState

from loreweave.errors import DataError
from loreweave.experiments.search.stages import Stage
from loreweave.training.runs.lock import is_held
from loreweave.training.runs.record import RunRecord

WORKERS = "workers"
"""Folder in a study with a folder per worker, whose lock tells whether the worker is alive."""
WORKER = "worker"
"""Attribute of a trial: the worker that runs it."""
ATTEMPTS, PROGRESS = "attempts", "progress"
"""Attributes of a trial: how often it was taken over since it got on, and the number of its lines of metrics by then."""
MOST_ATTEMPTS = 3
ERROR = "error"
"""Attribute of a failed trial."""


def is_abandoned(stage: Stage, trial: FrozenTrial, worker: str) -> bool:
    """Whether neither the worker of a running trial nor its run has a live process; asked by a worker in its turn."""
    if is_held(stage.folder(trial.number)):
        return False  # for example, a group of processes that has lost its worker
    owner = trial.user_attrs.get(WORKER)
    return owner in (None, worker) or not is_held(stage.study.folder / WORKERS / str(owner))


def adopt(stage: Stage, trial: FrozenTrial, worker: str) -> optuna.Trial | None:
    """Take a trial over, whose run is then resumed or read.

    A trial that ends its process again and again, without another line of metrics in between, fails: None.

    Raises:
        StorageLost: the storage is gone.
    """
    progress, interrupted = _progress(RunRecord(stage.folder(trial.number)))
    stuck = progress <= trial.user_attrs.get(PROGRESS, 0) and not interrupted
    before = trial.user_attrs.get(ATTEMPTS, 0) if stuck else 0
    with stage.study.storage.reachable():
        taken = optuna.trial.Trial(stage.kept, trial._trial_id)
        if before + 1 >= MOST_ATTEMPTS:
            taken.set_user_attr(ERROR, f"its process ended {MOST_ATTEMPTS} times without an error (killed, or out of memory)")
            stage.kept.tell(taken, state=TrialState.FAIL, skip_if_finished=True)
            return None
        taken.set_user_attr(WORKER, worker)
        taken.set_user_attr(ATTEMPTS, before + 1)
        taken.set_user_attr(PROGRESS, progress)
        for factor in stage.factors:
            factor.suggest(taken)  # what was stored, or the rest of what was enqueued
    return taken


def _progress(record: RunRecord) -> tuple[int, bool]:
    """Number of lines of metrics, and whether the run was interrupted. A run that cannot be read fails later."""
    try:
        return len(record.metrics()), record.status().get("status") == "interrupted"
    except DataError:
        return 0, False
