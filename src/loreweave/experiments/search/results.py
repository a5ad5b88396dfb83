"""What a search writes: a row per trial, the best settings as a recipe, and a summary."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from optuna.trial import FrozenTrial, TrialState

from loreweave.corpus.files.csv_tables import write_csv
from loreweave.corpus.files.writing import atomic_write, write_json
from loreweave.experiments.search.reaper import ERROR, is_abandoned
from loreweave.experiments.search.repeats import kept_trials, summaries, summary
from loreweave.experiments.search.stages import TRIAL, Stage, ranked
from loreweave.training.settings.fields import written

TRIALS_FILE, BEST_FILE, RESULTS_FILE = "trials.csv", "best.yaml", "results.json"
SCORES = "scores"
"""Attribute of a trial: all its numbers, those on the test data among them."""
SECONDS = "seconds"
"""Attribute of a trial: the duration of its run, all parts together."""
STATES = {
    TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed",
    TrialState.RUNNING: "running", TrialState.WAITING: "waiting",
}  # fmt: skip
INTERRUPTED = "interrupted"
"""State of a running trial whose process has ended; the next worker continues it."""


def state_of(stage: Stage, trial: FrozenTrial) -> str:
    """State of a trial in a word."""
    lost = trial.state == TrialState.RUNNING and is_abandoned(stage, trial, worker="")
    return INTERRUPTED if lost else STATES[trial.state]


def rows_of(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """A row per trial, in the order of their numbers.

    Raises:
        StorageLost: the storage is gone.
    """
    return [_row(stage, trial) for stage in stages for trial in stage.all()]


def _row(stage: Stage, trial: FrozenTrial) -> dict[str, Any]:
    row: dict[str, Any] = {"stage": stage.name, "trial": trial.number, "state": state_of(stage, trial)}
    row["of_trial"] = trial.params.get(TRIAL) if stage.origins is not None else None
    row["value"] = trial.value if trial.state == TrialState.COMPLETE else None
    row |= {name: written(value) for name, value in (stage.settings(trial) if trial.params else ())}
    row |= trial.user_attrs.get(SCORES, {})
    row |= {"seconds": trial.user_attrs.get(SECONDS), "error": trial.user_attrs.get(ERROR)}
    return row | {"folder": f"{stage.name}/{trial.number:04d}"}


def write_results(stages: Sequence[Stage]) -> dict[str, Any]:
    """Write `trials.csv`, `best.yaml` and `results.json`; returns the content of the last one.

    Raises:
        StorageLost: the storage is gone.
    """
    first, study = stages[0], stages[0].study
    rows = rows_of(stages)
    last = ("seconds", "error", "folder")
    columns = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in last]
    names = [*columns, *last]
    write_csv(study.folder / TRIALS_FILE, names, ([row.get(name) for name in names] for row in rows))
    found = results_of(stages)
    best = found["best"]
    if best is not None:
        settings = first.settings(next(trial for trial in first.all() if trial.number == best["trial"]))
        recipe = study.target.recipe(settings, f"the best settings of the search {study.name}")
        with atomic_write(study.folder / BEST_FILE) as file:
            file.write(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True))
    write_json(study.folder / RESULTS_FILE, found)
    return found


def results_of(stages: Sequence[Stage]) -> dict[str, Any]:
    """Content of `results.json`: the best trial by its repetitions if there are any, otherwise by its own value."""
    first, study = stages[0], stages[0].study
    repeated = summaries(stages[1]) if len(stages) > 1 else []
    order = ranked(first)
    number = next((row["trial"] for row in repeated if row["mean"] is not None), order[0].number if order else None)
    found: dict[str, Any] = {"study": study.name, "design": study.sweep.design, "metric": study.target.metric}
    varied = dict.fromkeys(name for factor in first.factors for name in factor.names())
    found |= {"direction": study.target.direction, "varied": list(varied), "trials": counts_of(first), "best": None}
    if number is not None:
        chosen = next(trial for trial in order if trial.number == number)
        found["best"] = {"trial": number, "value": chosen.value, "settings": dict(first.settings(chosen))}
        found["best"] |= {"scores": chosen.user_attrs.get(SCORES, {}), "folder": f"{first.name}/{number:04d}"}
        found["best"]["kept"] = study.target.kept(first.settings(chosen))
    if study.sweep.design == "seeds":
        found["seeds"] = summary([trial.value for trial in order if trial.value is not None])
    if study.sweep.repeat is not None:
        repeat = study.sweep.repeat
        found["repetitions"] = counts_of(stages[1]) if len(stages) > 1 else {"planned": repeat.best * len(repeat.seeds)}
    return found | ({"repeats": repeated} if repeated else {})


def counts_of(stage: Stage) -> dict[str, int]:
    """Number of trials by their state, and how many are planned."""
    counts = Counter(state_of(stage, trial) for trial in stage.all())
    planned = {"planned": stage.trials} if stage.trials is not None else {}
    return planned | {name: counts[name] for name in (*STATES.values(), INTERRUPTED) if counts[name]}


def remove_models(stages: Sequence[Stage]) -> None:
    """Remove the weights of finished trials that the sweep does not keep, and checkpoints that nothing will resume."""
    sweep = stages[0].study.sweep
    if sweep.keep_models == "all":
        return
    kept = kept_trials(stages[0]) if sweep.keep_models == "best" else set()
    for stage in stages:
        for trial in stage.all():
            if not trial.state.is_finished():
                continue
            folder = stage.folder(trial.number)
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)
            if stage.origins is not None or trial.number not in kept:
                shutil.rmtree(folder / "model", ignore_errors=True)


def best_line(found: Mapping[str, Any]) -> str:
    """The best trial in one line, for the user."""
    best = found["best"]
    if best is None:
        return "no trial is complete"
    settings = " ".join(f"{name}={written(value)}" for name, value in best["settings"].items())
    return f"best: trial {best['trial']}, {found['metric']} {best['value']:.4f}, {settings}"
