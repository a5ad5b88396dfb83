"""Designs of a search: each lists or suggests the points, one per trial."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from loreweave.experiments.search.space import Factor, Point
from loreweave.random_streams import entropy

POINT = "point"
"""Attribute of a trial in Optuna: the number of its point in the design, from 0."""
STARTUP = 10
"""Number of first points of `tpe` that are random."""


class Design(Protocol):
    """Points by their number."""

    @property
    def factors(self) -> Sequence[Factor]:
        """What varies."""

    @property
    def size(self) -> int | None:
        """Number of points; None: any."""

    def needs(self, number: int) -> int:
        """Number of first trials that must be finished before this point can be chosen."""

    def point(self, number: int, history: Sequence[FrozenTrial]) -> Point:
        """The point; `history` has the trials so far."""


@dataclass(frozen=True)
class Listed:
    """Points that are known from the start."""

    factors: Sequence[Factor]
    points: Sequence[Point]

    @property
    def size(self) -> int | None:
        """See `Design.size`."""
        return len(self.points)

    def needs(self, number: int) -> int:
        """See `Design.needs`."""
        return 0

    def point(self, number: int, history: Sequence[FrozenTrial]) -> Point:
        """See `Design.point`."""
        return dict(self.points[number])


@dataclass(frozen=True)
class Random:
    """Random points: each depends on the seed and its number only."""

    factors: Sequence[Factor]
    seed: int
    size: int | None = None

    def needs(self, number: int) -> int:
        """See `Design.needs`."""
        return 0

    def point(self, number: int, history: Sequence[FrozenTrial]) -> Point:
        """See `Design.point`."""
        return _suggested(self.factors, RandomSampler(seed=_seed(self.seed, number)), (), "maximize")


@dataclass(frozen=True)
class Tpe:
    """Random points first, then points that a tree of Parzen estimators suggests.

    With `batch`, a point depends on the seed, its number and the results of earlier batches only; otherwise on all results that
    there are when it is chosen.
    """

    factors: Sequence[Factor]
    seed: int
    direction: str
    batch: int | None = None
    size: int | None = None

    def needs(self, number: int) -> int:
        """See `Design.needs`."""
        return 0 if self.batch is None or number < STARTUP else number - number % self.batch

    def point(self, number: int, history: Sequence[FrozenTrial]) -> Point:
        """See `Design.point`."""
        if number < STARTUP:
            return Random(self.factors, self.seed).point(number, ())
        known = sorted((trial for trial in history if POINT in trial.user_attrs), key=lambda trial: trial.user_attrs[POINT])
        if self.batch is not None:
            known = [trial for trial in known if trial.user_attrs[POINT] < self.needs(number)]
        sampler = TPESampler(seed=_seed(self.seed, number), n_startup_trials=1)
        return _suggested(self.factors, sampler, known, self.direction)


def grid(factors: Sequence[Factor]) -> list[Point]:
    """All combinations; the last factor changes fastest."""
    names = [factor.name for factor in factors]
    return [dict(zip(names, each, strict=True)) for each in itertools.product(*(factor.choices() for factor in factors))]


def one_factor_at_a_time(factors: Sequence[Factor], base: Point) -> list[Point]:
    """The base, then each other value of each factor with the base values of the others."""
    found = [dict(base)]
    for factor in factors:
        found += [{**base, factor.name: value} for value in factor.choices() if {**base, factor.name: value} != base]
    return found


def _seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence(entropy(seed, "trials of a search", number)).generate_state(1)[0])


def _suggested(factors: Sequence[Factor], sampler: BaseSampler, history: Sequence[FrozenTrial], direction: Any) -> Point:
    """A point that a sampler of Optuna suggests after the history, in a study in memory."""
    distributions = {factor.name: factor.distribution() for factor in factors}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(sampler=sampler, direction=direction)
        for trial in history:
            if trial.params and trial.state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING):
                study.add_trial(_copy(trial))
        return dict(study.ask(distributions).params)


def _copy(trial: FrozenTrial) -> FrozenTrial:
    finished = trial.state == TrialState.COMPLETE
    return optuna.trial.create_trial(
        state=trial.state, value=trial.value if finished else None, params=trial.params, distributions=trial.distributions,
        intermediate_values=trial.intermediate_values,
    )  # fmt: skip
