"""The settings that vary in a search, as factors: lists of values, or ranges."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import ConfigurationError
from loreweave.training.settings.configuration import overrides_of
from loreweave.training.settings.fields import written

Choice = None | bool | int | float | str
"""A value as Optuna stores it."""
Point = dict[str, Choice]
"""Name of a factor -> value."""
Setting = tuple[str, Any]

BASE = "(base)"
"""Choice of a factor that leaves the base settings as they are."""
MODEL = "model"
"""Factor that is not a setting: the encoder."""

_RANGE = {"low", "high", "log", "step"}
_LIST = {"values", "choices"}
_OTHER_NAMES = {"min", "max", "lower", "upper", "from", "to", "start", "stop", "end", "distribution", "mu", "sigma", "q"}


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    integer: bool = False

    def distribution(self) -> BaseDistribution:
        """The distribution of Optuna."""
        if self.integer:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def values(self, name: str) -> list[Choice]:
        """All values, for designs that list them.

        Raises:
            ConfigurationError: a range of real numbers without a step, or a logarithmic one.
        """
        if self.log or (self.step is None and not self.integer):
            raise ConfigurationError(
                f"vary.{name}: the range from {self.low:g} to {self.high:g} has no separate values; give step, or list them"
            )
        step = self.step or 1
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        found = [self.low + number * step for number in range(count)]
        return [int(value) for value in found] if self.integer else [round(value, 12) for value in found]


@dataclass(frozen=True)
class Factor:
    """One setting that varies, or several that vary together.

    Attributes:
        name: dotted name of the setting.
        values: listed values; a mapping sets several settings. None for a range.
        range: range of numbers.
    """

    name: str
    values: tuple[Any, ...] | None = None
    range: Range | None = None

    @property
    def is_group(self) -> bool:
        """Whether values set several settings."""
        return any(isinstance(value, Mapping) for value in self.values or ())

    def choices(self) -> list[Choice]:
        """All values as Optuna stores them; see `Range.values` for ranges."""
        if self.range is not None:
            return self.range.values(self.name)
        return [_choice(value) for value in self.values or ()]

    def distribution(self) -> BaseDistribution:
        """The distribution of Optuna."""
        return self.range.distribution() if self.range is not None else CategoricalDistribution(self.choices())

    def suggest(self, trial: optuna.Trial) -> None:
        """Let a trial of Optuna have a value, if it has none yet."""
        if self.range is None:
            trial.suggest_categorical(self.name, self.choices())
        elif self.range.integer:
            step = int(self.range.step or 1)
            trial.suggest_int(self.name, int(self.range.low), int(self.range.high), log=self.range.log, step=step)
        else:
            trial.suggest_float(self.name, self.range.low, self.range.high, log=self.range.log, step=self.range.step)

    def settings(self, choice: Choice) -> list[Setting]:
        """The settings that a choice stands for."""
        if self.values is None:
            return [(self.name, choice)]
        found = next((value for value in self.values if _choice(value) == choice), choice)
        if found == BASE:
            return []
        return list(overrides_of(found)) if isinstance(found, Mapping) else [(self.name, found)]

    def names(self) -> list[str]:
        """Names of the settings that its values stand for."""
        if self.values is None:
            return [self.name]
        return list(dict.fromkeys(name for choice in self.choices() for name, _ in self.settings(choice)))

    def with_base(self, value: Any, known: bool) -> tuple[Factor, Choice]:
        """The factor with the base settings among its values, and their choice.

        Args:
            value: value of the setting in the base settings.
            known: whether the factor is a setting that has a value there.
        """
        values = tuple(self.choices()) if self.values is None else self.values
        if self.is_group or not known:
            return Factor(self.name, (BASE, *values)), BASE
        same = next((listed for listed in values if _same(listed, value)), None)
        if same is None and not any(listed is None for listed in values if value is None):
            return Factor(self.name, (value, *values)), _choice(value)
        return Factor(self.name, values), _choice(same)


def factors_of(vary: Mapping[str, Any]) -> list[Factor]:
    """The factors of a sweep, in the order of the file.

    Raises:
        ConfigurationError: names the factor that is empty or not understood.
    """
    found = list(_factors(vary, ""))
    names = [factor.name for factor in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"vary.{name} is given twice")
    return found


def settings_of(point: Mapping[str, Any], factors: Sequence[Factor]) -> list[Setting]:
    """All settings that a point stands for. Those of groups come last: they override the base value of another factor."""
    ordered = sorted(factors, key=lambda factor: factor.is_group)
    return [setting for factor in ordered for setting in factor.settings(point[factor.name])]


def _factors(vary: Mapping[str, Any], prefix: str) -> Iterator[Factor]:
    for key, given in vary.items():
        name = f"{prefix}{key}"
        if isinstance(given, Mapping):
            keys = {str(inner) for inner in given}
            if keys & _LIST and len(keys) == 1:
                yield _listed(name, next(iter(given.values())))
            elif keys & _RANGE or (keys and keys <= _OTHER_NAMES) or not keys:
                yield Factor(name, range=_range(name, given))
            else:
                yield from _factors(given, f"{name}.")
        else:
            yield _listed(name, given)


def _listed(name: str, values: Any) -> Factor:
    if not isinstance(values, (list, tuple)):
        raise ConfigurationError(
            f"vary.{name}: found {in_json(values)}, expected a list of values or a range; "
            "a value of all trials belongs under settings"
        )
    if not values:
        raise ConfigurationError(f"vary.{name}: found an empty list, expected one value or more")
    choices = [_choice(value) for value in values]
    for number, choice in enumerate(choices):
        if any(_same(choice, other) for other in choices[:number]):
            raise ConfigurationError(f"vary.{name}: {written(choice)} is given twice")
        if isinstance(choice, float) and not math.isfinite(choice):
            raise ConfigurationError(f"vary.{name}: found {choice}, expected finite numbers")
    return Factor(name, tuple(values))


def _range(name: str, given: Mapping[str, Any]) -> Range:
    expected = "expected low and high, and log: true or step if wanted"
    if others := [str(key) for key in given if key not in _RANGE]:
        raise ConfigurationError(f"vary.{name}: found {', '.join(others)}, {expected}")
    numbers = {key: given.get(key) for key in ("low", "high", "step")}
    for key, number in numbers.items():
        if number is None and key != "step":
            raise ConfigurationError(f"vary.{name}: found no {key}, {expected}")
        usable = isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number)
        if number is not None and not usable:
            raise ConfigurationError(f"vary.{name}.{key}: found {in_json(number)}, expected a number")
    low, high, step, log = numbers["low"], numbers["high"], numbers["step"], given.get("log", False)
    assert low is not None and high is not None
    if not isinstance(log, bool):
        raise ConfigurationError(f"vary.{name}.log: found {in_json(log)}, expected true or false")
    if low > high:
        raise ConfigurationError(f"vary.{name}: the range is empty, since low={low:g} is more than high={high:g}")
    if low == high:
        raise ConfigurationError(f"vary.{name}: low and high are both {low:g}; a value of all trials belongs under settings")
    if log and low <= 0:
        raise ConfigurationError(f"vary.{name}: found low={low:g}, expected more than 0 for a logarithmic range")
    if step is not None and (log or step <= 0 or step > high - low):
        why = "a logarithmic range has no step" if log else f"step={step:g} does not fit from {low:g} to {high:g}"
        raise ConfigurationError(f"vary.{name}: {why}")
    if step is not None:  # the last value that the steps reach, as Optuna counts too
        high = low + math.floor((high - low) / step + 1e-9) * step
        high = high if all(isinstance(number, int) for number in (low, step)) else round(high, 12)
    return Range(low, high, log, step)


def _choice(value: Any) -> Choice:
    """A value as Optuna stores it: lists and groups of settings as text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return " ".join(f"{name}={written(item)}" for name, item in overrides_of(value))
    return written(value)


def _same(first: Any, second: Any) -> bool:
    """Equal, where `true` is not 1, and a list is its text."""
    return isinstance(first, bool) == isinstance(second, bool) and bool(_choice(first) == _choice(second))
