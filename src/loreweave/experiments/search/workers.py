"""A worker of a search: runs trials until there is none left."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import optuna
from optuna.trial import TrialState

from loreweave.errors import DataError, LoreweaveError
from loreweave.experiments.search.claims import next_trial, turn
from loreweave.experiments.search.reaper import ERROR, WORKERS
from loreweave.experiments.search.repeats import repeat_stage
from loreweave.experiments.search.results import SCORES, SECONDS, best_line, remove_models, results_of, write_results
from loreweave.experiments.search.stages import TRIAL, Stage, first_stage, points_of
from loreweave.experiments.search.study import Study
from loreweave.experiments.search.trial import Outcome, attributes_of, run_trial
from loreweave.training.devices import choose_device
from loreweave.training.runs.endings import Interrupted
from loreweave.training.runs.lock import RunLock
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.fields import written

PARENT_VARIABLE = "LOREWEAVE_SEARCH_PARENT"
"""Environment variable of a local worker: the process that started it, without which it stops."""
SAME_ERROR = 3
"""Number of first trials after which a search stops if all of them failed with the same error about data or checkpoints."""
_PAUSE = 0.5  # seconds

Report = Callable[[str], None]


def work(study: Study, name: str, report: Report, *, patient: bool = True) -> list[Stage]:
    """Run trials until all are finished, also those that other workers leave; returns the stages.

    A worker that is not `patient` does not wait for the last trials of others, unless there are repetitions of the best.

    Raises:
        Interrupted: by Ctrl-C or SIGTERM; the run keeps a checkpoint, and its trial is continued later.
        StorageLost: the storage is gone.
        LoreweaveError: the first trials failed with the same error about data or checkpoints, or there is no such device.
    """
    if study.sweep.device is not None:
        choose_device(study.sweep.device)  # an error of all trials
    place = study.folder / WORKERS / name
    place.mkdir(parents=True, exist_ok=True)
    lock = RunLock(place)
    lock.take()
    try:
        with _stoppable(study):
            stages = [first_stage(study)]
            _finish(stages, name, report, patient or study.sweep.repeat is not None)
            if (repeats := repeat_stage(stages[0])) is not None:
                stages.append(repeats)
                _finish(stages, name, report, patient)
            with turn(study.folder):
                write_results(stages)
            return stages
    finally:
        lock.release()


def _finish(stages: list[Stage], worker: str, report: Report, patient: bool) -> None:
    """All trials of the last stage."""
    stage, hours = stages[-1], stages[-1].study.sweep.budget.hours
    end = time.monotonic() + hours * 3600 if hours is not None and len(stages) == 1 else None
    while True:
        claim = next_trial(stage, worker, may_begin=end is None or time.monotonic() < end)
        if claim == "done" or (claim == "wait" and not patient and _is_begun(stage)):
            return
        if claim == "wait":
            time.sleep(_PAUSE)
            continue
        report(f"{_title(stage, claim.trial)}{' (continued)' if claim.resumed else ''}")
        more = {"of_trial": claim.trial.params[TRIAL]} if stage.origins is not None else {}
        outcome = run_trial(stage, claim.trial, attributes_of(stage, claim.trial, more))
        _tell(stage, claim.trial, outcome)
        with turn(stage.study.folder):
            remove_models(stages)
            write_results(stages)
        report(f"{_title(stage, claim.trial, short=True)}: {_ending(stages, outcome)}")
        _check_errors(stage)


def _is_begun(stage: Stage) -> bool:
    """Whether all trials of a stage have been begun."""
    return stage.trials is not None and len(points_of(stage)) >= stage.trials


def _tell(stage: Stage, trial: optuna.Trial, outcome: Outcome) -> None:
    with stage.study.storage.reachable():
        with suppress(DataError):  # the run may be the one that cannot be read
            used = RunRecord(stage.folder(trial.number)).status().get("used") or {}
            if "seconds" in used:
                trial.set_user_attr(SECONDS, used["seconds"])
        if outcome.scores:
            trial.set_user_attr(SCORES, dict(outcome.scores))
        if outcome.error is not None:
            trial.set_user_attr(ERROR, outcome.error)
            trial.set_user_attr("fatal", outcome.fatal)
        stage.kept.tell(trial, outcome.value, state=outcome.state, skip_if_finished=True)


def _check_errors(stage: Stage) -> None:
    """Stop if the first trials have failed for a reason that all will have."""
    finished = [trial for trial in stage.all() if trial.state.is_finished()]
    errors = {trial.user_attrs.get(ERROR) for trial in finished if trial.state == TrialState.FAIL}
    enough = min(SAME_ERROR, stage.trials or SAME_ERROR)
    fatal = all(trial.state == TrialState.FAIL and trial.user_attrs.get("fatal") for trial in finished)
    if len(finished) >= enough and fatal and len(errors) == 1:
        raise LoreweaveError(f"the first {len(finished)} trials failed with the same error; the search stops: {errors.pop()}")


def _title(stage: Stage, trial: optuna.Trial, short: bool = False) -> str:
    what = "repetition" if stage.origins is not None else "trial"
    settings = " ".join(f"{name}={written(value)}" for name, value in stage.settings(trial))
    return f"{what} {trial.number}" + ("" if short else f": {settings}")


def _ending(stages: list[Stage], outcome: Outcome) -> str:
    metric = stages[0].study.target.metric
    if outcome.state == TrialState.COMPLETE:
        return f"{metric} {outcome.value:.4f}; {best_line(results_of(stages))}"
    return "pruned" if outcome.state == TrialState.PRUNED else f"failed: {outcome.error}"


@contextmanager
def _stoppable(study: Study) -> Iterator[None]:
    """Stop at SIGTERM as at Ctrl-C, and when the process ends that started this one."""
    again = f"the same command continues the search in {study.folder}"
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _interrupt) if main else None
    ended = threading.Event()
    if parent := os.environ.get(PARENT_VARIABLE):
        threading.Thread(target=_watch_parent, args=(int(parent), ended), daemon=True).start()
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {again}") from None
    finally:
        ended.set()
        if main:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _watch_parent(parent: int, ended: threading.Event) -> None:
    while not ended.wait(1.0):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
