"""The stages of a search: the trials of its design, then the repetitions of the best ones. Each is a study of Optuna."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from loreweave.experiments.search.designs import POINT, Design
from loreweave.experiments.search.plan import SEED
from loreweave.experiments.search.space import Factor, Setting, settings_of
from loreweave.experiments.search.study import TRIALS, Study, open_optuna, trials_of
from loreweave.experiments.search.sweep import Sweep

TRIAL = "trial"
"""In repetitions, the number of the repeated trial."""
FIRST_STEP = 2
"""First epoch (or step of pre-training) after which the median prunes."""


@dataclass(frozen=True)
class Stage:
    """A part of a search.

    Attributes:
        name: name of its folder.
        kept: its study in the storage, as Optuna keeps it.
        design: its points.
        trials: number of points that are run; None: as many as the time allows.
        origins: in repetitions, the settings of each repeated trial by its number.
    """

    name: str
    study: Study
    kept: optuna.Study
    design: Design
    trials: int | None
    origins: Mapping[int, list[Setting]] | None = None

    def all(self) -> list[FrozenTrial]:
        """All trials, by number.

        Raises:
            StorageLost: the storage is gone.
        """
        return trials_of(self.study.storage, self.kept)

    def folder(self, number: int) -> Path:
        """Folder of a trial's run."""
        return self.study.folder / self.name / f"{number:04d}"

    def log(self, number: int) -> Path:
        """File with what a trial's run reported."""
        return self.study.folder / "logs" / f"{self.name}-{number:04d}.txt"

    @property
    def factors(self) -> tuple[Factor, ...]:
        """What varies."""
        return tuple(self.design.factors)

    def settings(self, trial: FrozenTrial | optuna.Trial) -> list[Setting]:
        """The settings of a trial."""
        if self.origins is not None:
            return [*self.origins[trial.params[TRIAL]], (SEED, trial.params[SEED])]
        return settings_of(trial.params, self.factors)


def first_stage(study: Study) -> Stage:
    """The trials of the design."""
    made = study.kept
    pruned = open_optuna(study.storage, made.study_name, study.target.direction, fresh=False, pruner=pruner_of(study.sweep))
    return Stage(TRIALS, study, pruned, study.plan.design, study.plan.trials)


def pruner_of(sweep: Sweep) -> Any:
    """The pruner of Optuna that a sweep names."""
    if sweep.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=FIRST_STEP)
    if sweep.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=1)
    return optuna.pruners.NopPruner()


def points_of(stage: Stage) -> dict[int, FrozenTrial]:
    """Trials of the design by the number of their point; trials that others added are left out."""
    return {trial.user_attrs[POINT]: trial for trial in stage.all() if POINT in trial.user_attrs}


def ranked(stage: Stage) -> list[FrozenTrial]:
    """Complete trials, best first; of equal ones, the first in the order of the design."""
    sign = -1.0 if stage.study.target.direction == "maximize" else 1.0
    complete = [trial for trial in stage.all() if trial.state == TrialState.COMPLETE and trial.value is not None]

    def place(trial: FrozenTrial) -> tuple[float, int]:
        return sign * (trial.value or 0.0), trial.user_attrs.get(POINT, trial.number)

    return sorted(complete, key=place)
