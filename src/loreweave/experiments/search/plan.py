"""The plan of a search: its factors with their types, its design, and what can be said about both before the first trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin

from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.experiments.search.designs import Design, Listed, Random, Tpe, grid, one_factor_at_a_time
from loreweave.experiments.search.space import MODEL, Choice, Factor, Point, Range, Setting, factors_of
from loreweave.experiments.search.sweep import Sweep
from loreweave.experiments.search.targets import Target
from loreweave.training.settings.configuration import to_dict
from loreweave.training.settings.fields import dataclass_of, types_of, union_members, written

_SOMEWHERE = Path("run")
SEED = "seed"
"""Setting with the seed of a run, which repetitions vary."""


@dataclass(frozen=True)
class Plan:
    """The points of a search.

    Attributes:
        factors: what varies.
        design: the points.
        trials: number of points that are run; None: as many as the time allows.
        notes: lines for the user.
    """

    factors: tuple[Factor, ...]
    design: Design
    trials: int | None
    notes: tuple[str, ...]


def plan_of(sweep: Sweep, target: Target) -> Plan:
    """The plan of a sweep.

    Raises:
        ConfigurationError: settings that do not exist, or that are wrong in every trial; the message names the closest ones.
    """
    target.check()
    listed = {SEED: sweep.seeds} if sweep.design == "seeds" else sweep.vary
    factors = [_typed(factor, target) for factor in factors_of(listed)]
    base = _config(target, [])
    notes = list(_check_values(factors, target, base))
    factors, design = _design(sweep, target, factors, base)
    limit, size = sweep.budget.trials, design.size
    if size is not None and limit is not None and limit < size:
        notes.append(f"budget.trials={limit}: the first {limit} of {size} trials of the design are run")
    counts = [number for number in (limit, size) if number is not None]
    return Plan(tuple(factors), design, min(counts, default=None), tuple(notes))


def _config(target: Target, settings: Sequence[Setting]) -> Any:
    return target.config(settings, _SOMEWHERE)


def _design(sweep: Sweep, target: Target, factors: list[Factor], base: Any) -> tuple[list[Factor], Design]:
    if sweep.design == "random":
        return factors, Random(factors, sweep.seed)
    if sweep.design == "tpe":
        return factors, Tpe(factors, sweep.seed, target.direction, sweep.batch)
    if sweep.design != "one-factor-at-a-time":
        return factors, Listed(factors, grid(factors))
    values: dict[str, Any] = to_dict(base)
    pairs: list[tuple[Factor, Choice]] = []
    for factor in factors:
        known, value = _value_of(values, factor.name)
        if factor.name == MODEL:
            known, value = sweep.model is not None, sweep.model
            if not known:
                raise ConfigurationError("model: found none, expected the encoder of the base settings")
        pairs.append(factor.with_base(value, known))
    factors = [factor for factor, _ in pairs]
    start: Point = {factor.name: choice for factor, choice in pairs}
    return factors, Listed(factors, one_factor_at_a_time(factors, start))


def _value_of(values: Any, name: str) -> tuple[bool, Any]:
    """Whether a dotted setting has a value, and that value."""
    for part in name.split("."):
        if not isinstance(values, dict) or part not in values:
            return False, None
        values = values[part]
    return True, values


def _typed(factor: Factor, target: Target) -> Factor:
    """A range whose setting is an integer has integers."""
    if factor.range is None:
        return factor
    kinds = _types(target.config_type, factor.name)
    if kinds and not {int, float} & kinds:
        raise ConfigurationError(f"vary.{factor.name}: the setting is not a number; list its values")
    if not kinds or float in kinds:
        return factor
    numbers = (factor.range.low, factor.range.high, factor.range.step)
    if broken := [number for number in numbers if number is not None and number != int(number)]:
        raise ConfigurationError(f"vary.{factor.name}: found {broken[0]:g}, expected integers, since the setting is an integer")
    return replace(factor, range=Range(int(numbers[0]), int(numbers[1]), factor.range.log, factor.range.step, integer=True))


def _types(cls: Any, name: str) -> set[Any]:
    """Types of a dotted setting; none if it is not known from the classes."""
    first, _, rest = name.partition(".")
    annotation = types_of(cls).get(first)
    while rest and annotation is not None:
        inner = dataclass_of(annotation)
        first, _, rest = rest.partition(".")
        if inner is not None:
            annotation = types_of(inner).get(first)
        else:
            mapping = next((member for member in union_members(annotation) if get_origin(member) is dict), None)
            annotation = None if mapping is None else get_args(mapping)[1]
    return set() if annotation is None else set(union_members(annotation))


def check_repeats(sweep: Sweep, target: Target, plan: Plan) -> None:
    """Refuse seeds of repetitions that trials have: such a repetition is the selected run itself, with its luck.

    Raises:
        ConfigurationError: names the first such seed.
    """
    varied = [factor for factor in plan.factors if SEED in factor.names()]
    for seed in sweep.repeat.seeds if sweep.repeat is not None else ():
        if any(_has_seed(factor, seed) for factor in varied) or (not varied and seed == _config(target, []).seed):
            raise ConfigurationError(
                f"repeat.seeds: found {seed}, which is the seed of {'some' if varied else 'all'} trials; expected other seeds, "
                "since a repetition with the seed of the selected trial would be the same run"
            )


def _has_seed(factor: Factor, seed: int) -> bool:
    if factor.range is not None:
        return factor.range.low <= seed <= factor.range.high
    return any((SEED, seed) in factor.settings(choice) for choice in factor.choices())


def _check_values(factors: Sequence[Factor], target: Target, base: Any) -> Iterator[str]:
    """Yield a line for each value that is wrong by itself.

    Raises:
        ConfigurationError: a setting whose values are all wrong: unknown, not read, or of another type.
    """
    for factor in factors:
        choices: list[Choice] = [factor.range.low, factor.range.high] if factor.range is not None else factor.choices()
        errors = {}
        for choice in choices:
            try:
                if factor.name == MODEL:
                    resolve(str(choice), weights=False)
                else:
                    _config(target, factor.settings(choice))
            except LoreweaveError as error:
                errors[choice] = str(error)
        if choices and len(errors) == len(choices):
            raise ConfigurationError(f"vary.{factor.name}: {next(iter(errors.values()))}")
        for choice, message in errors.items():
            yield f"vary.{factor.name}: trials with {written(choice)} will fail: {message}"
