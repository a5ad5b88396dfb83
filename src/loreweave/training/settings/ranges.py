"""Ranges of the settings that are numbers: declared in a configuration, and checked when it is made.

A configuration lists in `RANGES` the numbers that its settings may have:

    class NerConfig(FinetuningConfig):
        RANGES: ClassVar[Ranges] = {("negative_weight",): at_least(0), ("max_entity_length",): at_least(1)}

Its subclasses have them too, and may declare a setting again. Lists and dicts of numbers have the range of each number. Null is
never checked. Every setting with a number needs a range (a test looks at all of them); `ANY_NUMBER` is any finite one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loreweave.training.settings.fields import written


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; without the ends that are not `closed`. None: no end.

    Attributes:
        text: the numbers in words, for messages.
    """

    low: float | None
    high: float | None
    closed: tuple[bool, bool]
    text: str

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool) or not _is_finite(value):
            return False
        above = self.low is None or value > self.low or (self.closed[0] and value == self.low)
        return above and (self.high is None or value < self.high or (self.closed[1] and value == self.high))


Ranges = Mapping[tuple[str, ...], Range]
"""Names of settings -> the numbers that they may have."""

ANY_NUMBER = Range(None, None, (True, True), "a finite number")
POSITIVE = Range(0, None, (False, True), "more than 0")
SHARE = Range(0, 1, (True, True), "a number from 0 to 1")
SHARE_BELOW_1 = Range(0, 1, (True, False), "a number from 0 to below 1")
POSITIVE_SHARE = Range(0, 1, (False, True), "more than 0, at most 1")
BETWEEN_0_AND_1 = Range(0, 1, (False, False), "a number between 0 and 1")


def at_least(low: float, high: float | None = None) -> Range:
    """Numbers from `low` on, to `high` if it is given."""
    return Range(low, high, (True, True), f"{low} or more" if high is None else f"a number from {low} to {high}")


SEED = at_least(0, 2**32 - 1)


def ranges_of(cls: type) -> dict[str, Range]:
    """Name of a setting -> its range."""
    tables = [vars(base).get("RANGES", {}) for base in reversed(cls.__mro__)]
    return {name: found for table in tables for names, found in table.items() for name in names}


def check_ranges(group: Any) -> None:
    """Refuse numbers of a group that are not in the range of their setting.

    Raises:
        ValueError: names the setting, what was found, and what was expected.
    """
    for name, found in ranges_of(type(group)).items():
        for place, value in _numbers(name, getattr(group, name)):
            if value not in found:
                wanted = found.text if _is_finite(value) or "number" in found.text else f"a finite number, {found.text}"
                raise ValueError(f"{place}: found {written(value)}, expected {wanted}")


def _numbers(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The numbers of a setting with their places; texts beside numbers and null are none."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(f"{name}.{key}", item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(name, item)
    elif value is not None and not isinstance(value, str | bool):
        yield name, value


def _is_finite(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
