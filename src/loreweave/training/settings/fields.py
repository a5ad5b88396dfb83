"""Settings of a group (a configuration dataclass, or a `RegisteredGroup`): their types and their defaults."""

from __future__ import annotations

import dataclasses
import math
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from loreweave.training.settings.registered import RegisteredGroup


def union_members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or the annotation itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def is_group(kind: type) -> bool:
    """Whether values of a type are groups of settings."""
    return dataclasses.is_dataclass(kind) or issubclass(kind, RegisteredGroup)


def dataclass_of(annotation: Any) -> type | None:
    """The group of settings among the alternatives."""
    return next((member for member in union_members(annotation) if isinstance(member, type) and is_group(member)), None)


def types_of(cls: type[Any]) -> dict[str, Any]:
    """The settings of a group: name -> annotation."""
    if issubclass(cls, RegisteredGroup):
        return {name: kind | None for name, kind in cls.members().items()}
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def default_of(cls: type[Any], name: str) -> Any:
    """The default of one setting, None where it has none."""
    if issubclass(cls, RegisteredGroup):
        return None
    field = next(field for field in dataclasses.fields(cls) if field.name == name)
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def check_at_least(group: Any, minimum: float, *names: str) -> None:
    """Refuse settings of a group that are smaller than the minimum, or infinite; null is not checked.

    Raises:
        ValueError: names the setting and the value.
    """
    for name in names:
        value = getattr(group, name)
        _check_finite(name, value)
        if value is not None and not value >= minimum:  # also nan
            raise ValueError(f"{name}: found {written(value)}, expected {minimum} or more")


def check_positive(group: Any, *names: str) -> None:
    """Refuse settings of a group that are not more than 0, or infinite; null is not checked.

    Raises:
        ValueError: names the setting and the value.
    """
    for name in names:
        value = getattr(group, name)
        _check_finite(name, value)
        if value is not None and not value > 0:  # also nan
            raise ValueError(f"{name}: found {written(value)}, expected more than 0")


def _check_finite(name: str, value: Any) -> None:
    if isinstance(value, float) and math.isinf(value):
        raise ValueError(f"{name}: found {written(value)}, expected a finite number")


def check_share(group: Any, *names: str, zero: bool = True, one: bool = True) -> None:
    """Refuse settings of a group that are not numbers from 0 to 1; null is not checked.

    Args:
        group: the group.
        names: the settings.
        zero: whether 0 is allowed.
        one: whether 1 is allowed.

    Raises:
        ValueError: names the setting and the value.
    """
    expected = {
        (True, True): "a number from 0 to 1",
        (True, False): "a number from 0 to below 1",
        (False, True): "more than 0, at most 1",
        (False, False): "a number between 0 and 1",
    }[zero, one]
    for name in names:
        value = getattr(group, name)
        if value is not None and not (0 < value < 1 or (zero and value == 0) or (one and value == 1)):
            raise ValueError(f"{name}: found {written(value)}, expected {expected}")


def written(value: Any) -> str:
    """A value as written after `key=`.

    Example:
        >>> [written(value) for value in (None, True, (0.9, 0.98), "iob2")]
        ['null', 'true', '[0.9, 0.98]', 'iob2']
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"[{', '.join(map(written, value))}]" if isinstance(value, list | tuple) else str(value)
