"""The best trials of a search again, with other seeds: the mean is free of the luck for which a trial was selected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.trial import TrialState

from loreweave.experiments.search.designs import POINT, Listed
from loreweave.experiments.search.plan import SEED
from loreweave.experiments.search.space import Factor, Point, Range, Setting
from loreweave.experiments.search.stages import TRIAL, Stage, points_of, ranked
from loreweave.experiments.search.study import open_optuna
from loreweave.metrics.analysis.groups import group_mean
from loreweave.metrics.analysis.groups import summary as summary_of_group

REPEATS = "repeats"
_LARGEST = 2**31 - 1


def repeat_stage(first: Stage) -> Stage | None:
    """The repetitions of the best trials; None if the sweep has none, or no trial is complete.

    Repetitions that an earlier part of the search has made stay, also if other trials are better now.

    Raises:
        StorageLost: the storage is gone.
    """
    study, repeat = first.study, first.study.sweep.repeat
    origins = {trial.number: first.settings(trial) for trial in first.all() if trial.params}
    best: list[int] = []
    seen: list[list[Setting]] = []
    for trial in ranked(first):
        settings = [setting for setting in origins[trial.number] if setting[0] != SEED]
        if settings not in seen:  # equal settings, or another seed only, are repeated once
            seen.append(settings)
            best.append(trial.number)
    if repeat is None or not best:
        return None
    made = open_optuna(study.storage, f"{study.name}-{REPEATS}", study.target.direction, fresh=True)
    factors = tuple(Factor(name, range=Range(0, _LARGEST, integer=True)) for name in (TRIAL, SEED))
    stage = Stage(REPEATS, study, made, Listed(factors, ()), None, origins)
    points: list[Point] = []
    for known in sorted(stage.all(), key=lambda trial: trial.user_attrs.get(POINT, 0)):
        values = known.params or known.system_attrs.get("fixed_params", {})
        points.append({name: values[name] for name in (TRIAL, SEED)})
    wanted: list[Point] = [{TRIAL: number, SEED: seed} for number in best[: repeat.best] for seed in repeat.seeds]
    points += [point for point in wanted if point not in points]
    return Stage(REPEATS, study, made, Listed(factors, points), len(points), origins)


def kept_trials(first: Stage) -> set[int]:
    """Numbers of the trials whose weights are of use: those that are repeated, as far as is known; otherwise the best one."""
    repeats = repeat_stage(first)
    if repeats is None:
        return {trial.number for trial in ranked(first)[:1]}
    return {int(repeats.design.point(place, ())[TRIAL] or 0) for place in range(repeats.trials or 0)}


def summaries(repeats: Stage) -> list[dict[str, Any]]:
    """Mean, standard deviation and 95 % interval of each repeated trial over its seeds, best mean first.

    Trials of which fewer repetitions are complete, because they failed or are not done yet, come after the others.

    Raises:
        StorageLost: the storage is gone.
    """
    values: dict[int, dict[int, float]] = {}
    failed: dict[int, int] = {}
    for trial in points_of(repeats).values():  # of a failed repetition that was run again, the last result
        if TRIAL not in trial.params:
            continue
        number = trial.params[TRIAL]
        values.setdefault(number, {})
        if trial.state == TrialState.COMPLETE and trial.value is not None:
            values[number][trial.params[SEED]] = trial.value
        elif trial.state == TrialState.FAIL:
            failed[number] = failed.get(number, 0) + 1
    rows = [
        {"trial": number, **summary(list(each.values())), "failed": failed.get(number, 0), "seeds": each}
        for number, each in values.items()
    ]
    sign = -1 if repeats.study.target.direction == "maximize" else 1
    return sorted(rows, key=lambda row: (-row["runs"], sign * (row["mean"] or 0), row["trial"]))


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Number, mean, standard deviation and the 95 % interval of the mean by Student's t; null where there are too few values.

    Example:
        >>> {name: value and round(value, 3) for name, value in summary([0.5, 0.6, 0.7]).items()}
        {'runs': 3, 'mean': 0.6, 'deviation': 0.1, 'low': 0.352, 'high': 0.848}
    """
    if not values:
        return {"runs": 0, "mean": None, "deviation": None, "low": None, "high": None}
    group, ends = summary_of_group(np.asarray(values, dtype=float)), group_mean(values)
    low, high = (None, None) if ends is None else (ends.low, ends.high)
    return {"runs": group.size, "mean": group.mean, "deviation": group.deviation, "low": low, "high": high}
