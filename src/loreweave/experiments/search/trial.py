"""One trial: an ordinary run in its folder, whose metric goes to the pruner after each epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import TrialState

from loreweave.corpus.files.writing import write_json
from loreweave.errors import CheckpointError, DataError, LoreweaveError
from loreweave.experiments.runs.content import results_in
from loreweave.experiments.runs.recorded import RESULTS
from loreweave.experiments.search.groups import run_group
from loreweave.experiments.search.stages import Stage
from loreweave.experiments.search.storage import StorageLost
from loreweave.training.runs.endings import Pruned
from loreweave.training.runs.record import TRIAL_FILE, RunRecord
from loreweave.training.runs.status import begun, now, write_status


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: complete, pruned or failed.
        value: the metric of a complete trial.
        error: error of a failed trial.
        scores: all numbers of a complete trial, test scores among them.
        fatal: whether the error is about data or a checkpoint, which all trials share.
    """

    state: TrialState
    value: float | None = None
    error: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    fatal: bool = False


class Watcher:
    """Tells the storage the metric after each epoch, and ends a run that is pruned.

    A run is not stopped by a storage that cannot be reached: it is finished first, and `lost` then has the error.
    """

    def __init__(self, stage: Stage, trial: optuna.Trial) -> None:
        self.stage, self.trial = stage, trial
        self.lost: StorageLost | None = None
        self._known = set(stage_steps(stage, trial))

    def __call__(self, step: int, value: float) -> None:
        """See `targets.Watch`."""
        if self.lost is not None or not math.isfinite(value) or step in self._known:
            return
        try:
            with self.stage.study.storage.reachable():
                self.trial.report(value, step)
                stop = self.trial.should_prune()
        except StorageLost as error:
            self.lost = error
            return
        self._known.add(step)
        if stop:
            study = self.stage.study
            raise Pruned(f"pruned by {study.sweep.pruner} after step {step}, {study.target.metric} {value:.6g}")


def stage_steps(stage: Stage, trial: optuna.Trial) -> list[int]:
    """Steps whose metric the storage has."""
    found = next((known for known in stage.all() if known.number == trial.number), None)
    return [] if found is None else list(found.intermediate_values)


def run_trial(stage: Stage, trial: optuna.Trial, attributes: Mapping[str, Any]) -> Outcome:
    """Run a trial, or finish one that was begun, or read one that is finished.

    Raises:
        KeyboardInterrupt: the user stops the search; the trial is continued by the next worker.
        StorageLost: the storage is gone; the run is finished.
    """
    target, folder = stage.study.target, stage.folder(trial.number)
    record, watch = RunRecord(folder), Watcher(stage, trial)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / TRIAL_FILE, attributes)
    stage.log(trial.number).parent.mkdir(exist_ok=True)
    try:
        if (ended := _ended(stage, record)) is not None:
            return ended
        with open(stage.log(trial.number), "a", encoding="utf-8") as log:
            settings = stage.settings(trial)
            if stage.study.sweep.processes is None:
                results = target.run(settings, folder, watch, _writer(log))
            else:
                command = target.command(settings, folder)
                results = run_group(command, record, stage.study.sweep.processes, target.step_of, watch, log)
    except Pruned:
        return Outcome(TrialState.PRUNED)
    except StorageLost:
        raise
    except Exception as error:  # out of memory, a loss that is not finite, wrong settings: the search goes on
        message = str(error) if isinstance(error, LoreweaveError) else f"{type(error).__name__}: {error}"
        _note_failure(record, stage, trial, message)
        return Outcome(TrialState.FAIL, error=message, fatal=isinstance(error, (DataError, CheckpointError)))
    finally:
        _free_memory()
        if watch.lost is not None:
            raise watch.lost
    return _complete(stage, results)


def _complete(stage: Stage, results: Mapping[str, Any]) -> Outcome:
    target = stage.study.target
    value, scores = target.value(results), target.scores(results)
    if not math.isfinite(value):
        return Outcome(TrialState.FAIL, error=f"{target.metric} is {value}, which cannot be compared", scores=scores)
    return Outcome(TrialState.COMPLETE, value=value, scores=scores)


def _ended(stage: Stage, record: RunRecord) -> Outcome | None:
    """Outcome of a run that had ended before its trial was told (one that cannot be read has failed); None: it must be run."""
    try:
        status = record.status()
        if status.get("status") == "done" and (record.path / RESULTS).exists():
            return _complete(stage, results_in(record.path / RESULTS))
    except (DataError, OSError) as error:
        return Outcome(TrialState.FAIL, error=f"its run cannot be read: {error}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"found no {error}" if isinstance(error, KeyError) else str(error)
        return Outcome(TrialState.FAIL, error=f"its run cannot be read: {record.path / RESULTS}: {why}")
    if status.get("status") == "pruned":
        return Outcome(TrialState.PRUNED)
    if status.get("status") == "failed":
        return Outcome(TrialState.FAIL, error=str(status.get("error")))
    return None


def _note_failure(record: RunRecord, stage: Stage, trial: optuna.Trial, message: str) -> None:
    """Let a run that failed before it had a record have the status and the error of others."""
    with suppress(DataError):
        if record.status():
            return
    command = ["loreweave", *stage.study.target.command(stage.settings(trial), record.path)]
    status = begun(stage.study.target.kind, command)
    write_status(record.path, status | {"status": "failed", "error": message, "ended": now()})


def _writer(log: Any) -> Callable[[str], None]:
    def write(line: str) -> None:
        log.write(f"{line}\n")
        log.flush()

    return write


def _free_memory() -> None:
    """Give memory of the device back, so that the next trial has all of it."""
    from accelerate.utils.memory import clear_device_cache

    clear_device_cache(garbage_collection=True)


def attributes_of(stage: Stage, trial: optuna.Trial, more: Mapping[str, Any]) -> dict[str, Any]:
    """Content of `trial.json`."""
    study = stage.study
    metric, settings = study.target.metric, dict(stage.settings(trial))
    found: dict[str, Any] = {"study": study.name, "design": study.sweep.design, "stage": stage.name, "trial": trial.number}
    found |= {"values": trial.params, "settings": settings, "seed": _seed(stage, trial)}
    return found | {"metric": metric, "direction": study.target.direction} | dict(more)


def _seed(stage: Stage, trial: optuna.Trial) -> int | None:
    """Seed of the run; None if its settings are wrong."""
    with suppress(LoreweaveError):
        return int(stage.study.target.config(stage.settings(trial), stage.folder(trial.number)).seed)
    return None
