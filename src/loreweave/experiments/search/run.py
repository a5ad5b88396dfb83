"""`loreweave.search`, which the command of the same name calls with its options."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.owners import Owner
from loreweave.errors import ConfigurationError
from loreweave.experiments.search.claims import enqueue_failed
from loreweave.experiments.search.extra import check_extra
from loreweave.experiments.search.launchers.local import work_locally
from loreweave.experiments.search.launchers.scripts import Scheduler, write_script
from loreweave.experiments.search.plan import plan_of
from loreweave.experiments.search.repeats import repeat_stage
from loreweave.experiments.search.results import results_of, rows_of, write_results
from loreweave.experiments.search.stages import Stage, first_stage
from loreweave.experiments.search.study import Study, begin, is_study, reopen, sweep_in
from loreweave.experiments.search.sweep import check_source, read_sweep
from loreweave.experiments.search.targets import target_of
from loreweave.experiments.search.workers import PARENT_VARIABLE, work
from loreweave.training.settings.configuration import overrides_of, to_dict

Place = str | PathLike[str]
Report = Callable[[str], None]

DEFAULT_PLACE = Path("runs")


@dataclass(frozen=True)
class SearchResult:
    """A search in its folder.

    Attributes:
        path: folder of the search.
        results: content of `results.json`: the best trial, counts, and the means of the repetitions. `kept` of the
            best trial has the settings in `best.yaml` that only made the search cheaper, such as `train_fraction`.
        trials: a row per trial, as in `trials.csv`.
    """

    path: Path
    results: dict[str, Any]
    trials: list[dict[str, Any]]

    @property
    def best(self) -> dict[str, Any] | None:
        """Number, value, settings, scores and folder of the best trial; None if no trial is complete."""
        found: dict[str, Any] | None = self.results["best"]
        return found


def search(
    sweep: Place | Mapping[str, Any],
    *overrides: str,
    output: Place | None = None,
    workers: int = 1,
    storage: str | None = None,
    retry_failed: bool = False,
    report: Report = print,
    **settings: Any,
) -> SearchResult:
    """Search over the settings of a task or of pre-training, as `loreweave search` does. A search that is there is continued.

    Args:
        sweep: the sweep: a YAML file, a mapping with the same keys, or the folder of a search that was begun.
        overrides: keys of the sweep as in the shell, such as `"budget.trials=20"`.
        output: folder of the search. Default: `runs/NAME` for `NAME.yaml`.
        workers: number of processes on this machine; 1: this process.
        storage: URL of a database for many machines. Default: a file in the folder.
        retry_failed: run the trials that failed again, with new numbers.
        report: called with what the user should know, a line at a time.
        settings: keys of the sweep; a group is a dict (`budget={"trials": 20}`), or part of the name (`budget__trials=20`).

    Raises:
        LoreweaveError: a wrong sweep, data or a model that cannot be read, or a storage that is gone.

    Example:
        >>> search("sweep.yaml", output="runs/sweep", workers=4).best  # doctest: +SKIP
    """
    if workers < 1:
        raise ConfigurationError(f"--workers: found {workers}, expected 1 or more")
    study, known = open_study(sweep, [*overrides], settings, output, storage)
    _describe(study, known, report)
    if retry_failed:
        again = sum(enqueue_failed(stage) for stage in stages_of(study))
        report(f"{counted(again, 'failed trial is', 'failed trials are')} run again")
    if workers == 1:
        stages = work(study, worker_name(), report)
    else:
        work_locally(study, workers, report)
        stages = stages_of(study)
        write_results(stages)
    return SearchResult(study.folder, results_of(stages), rows_of(stages))


def open_study(
    sweep: Place | Mapping[str, Any],
    overrides: list[str],
    settings: Mapping[str, Any],
    output: Place | None = None,
    storage: str | None = None,
    *,
    existing: bool = False,
) -> tuple[Study, bool]:
    """Begin a study, or open the one that was begun (`existing`: only that); the second value says which.

    Raises:
        LoreweaveError: see `search`.
    """
    if not isinstance(sweep, Mapping) and is_study(Path(sweep)):
        if output is not None:
            raise ConfigurationError(f"{sweep}: this is the folder of an existing search; leave out --output")
        if not overrides and not settings:
            return reopen(Path(sweep), storage), True
        return begin(read_sweep(to_dict(sweep_in(Path(sweep))), [*overrides, *overrides_of(settings)]), Path(sweep), storage)
    if not isinstance(sweep, Mapping):
        check_source(Path(sweep), existing)
    if output is None:
        if isinstance(sweep, Mapping):
            raise ConfigurationError("output: found none, expected a folder for the search")
        output = DEFAULT_PLACE / Path(sweep).name.partition(".")[0]
    asked = read_sweep(sweep, [*overrides, *overrides_of(settings)])
    if existing and not is_study(Path(output)):
        plan_of(asked, target_of(asked))  # wrong settings are named first
        raise ConfigurationError(
            f"{output}: found no search in the folder; the search of {sweep} has not begun there (--output names its folder)"
        )
    return begin(asked, Path(output), storage)


def work_as(folder: Place, name: str, storage: str | None, report: Report) -> SearchResult | None:
    """Work on a search that was begun, as one of several workers, until all trials are finished.

    Returns:
        The search; None for a worker whose results another process reads, which has started it.

    Raises:
        LoreweaveError: see `search`.
    """
    started = PARENT_VARIABLE in os.environ
    study = reopen(Path(folder), storage)
    stages = work(study, name, report, patient=started)
    return None if started else SearchResult(study.folder, results_of(stages), rows_of(stages))


def status(sweep: Place, overrides: list[str], output: Place | None, storage: str | None) -> SearchResult:
    """How far a search is that was begun.

    Raises:
        LoreweaveError: see `search`.
    """
    study, _ = open_study(sweep, overrides, {}, output, storage, existing=True)
    stages = stages_of(study)
    return SearchResult(study.folder, results_of(stages), rows_of(stages))


def submit_workers(
    sweep: Place, overrides: list[str], output: Place | None, storage: str | None, workers: int, report: Report
) -> None:
    """Begin a search or continue it, and submit its workers to SLURM.

    Raises:
        ConfigurationError: there is no SLURM, or submitit is not installed.
    """
    check_extra("submitit")
    from loreweave.experiments.search.launchers.slurm import submit

    study, known = open_study(sweep, overrides, {}, output, storage)
    _describe(study, known, report)
    jobs = submit(study, workers, Path.cwd())
    report(f"submitted {counted(len(jobs), 'worker')}: {', '.join(job.job_id for job in jobs)}")
    report(f"loreweave search {os.path.relpath(study.folder)} --status shows the progress of the search")


def write_job_script(
    sweep: Place,
    overrides: list[str],
    output: Place | None,
    storage: str | None,
    scheduler: Scheduler,
    workers: int,
    report: Report,
) -> None:
    """Begin a search, write a job script for its workers, and tell how it is submitted.

    Raises:
        LoreweaveError: see `search`.
    """
    study, known = open_study(sweep, overrides, {}, output, storage)
    _describe(study, known, report)
    path, command = write_script(study, scheduler, workers, Path.cwd())
    report(f"wrote {path} for {counted(workers, 'worker')}; to submit: {command}")


def stages_of(study: Study) -> list[Stage]:
    """All stages of a study that have been begun, for reading."""
    first = first_stage(study)
    repeats = repeat_stage(first) if all(trial.state.is_finished() for trial in first.all()) else None
    return [first, *([repeats] if repeats is not None else [])]


def worker_name() -> str:
    """Name of this process among the workers."""
    return f"worker-{Owner.current().mark()}"


def _describe(study: Study, known: bool, report: Report) -> None:
    sweep, plan = study.sweep, study.plan
    number = "as many trials as the time allows" if plan.trials is None else counted(plan.trials, "trial")
    names = ", ".join(factor.name for factor in plan.factors)
    report(f"search {study.name}: {study.target.name}, {sweep.design} over {names}, {number}, {study.target.metric}")
    report(f"folder: {os.path.relpath(study.folder)}, storage: {study.storage.shown}")
    for note in plan.notes:
        report(note)
    if known:
        finished = sum(trial.state.is_finished() for trial in study.trials())
        report(f"the search is continued: {counted(finished, 'trial is', 'trials are')} finished")
    if sweep.keep_models == "best":
        best = sweep.repeat.best if sweep.repeat is not None else 1
        which = "the best trial" if best == 1 else f"the best {counted(best, 'trial')}"
        report(f"the weights of {which} are kept (keep_models=all keeps all)")
