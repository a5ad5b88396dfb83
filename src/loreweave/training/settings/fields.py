"""Settings of a group (a configuration dataclass, or a `RegisteredGroup`): their types and their defaults."""

from __future__ import annotations

import dataclasses
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


def written(value: Any) -> str:
    """A value as written after `key=`.

    Example:
        >>> [written(value) for value in (None, True, (0.9, 0.98), "iob2")]
        ['null', 'true', '[0.9, 0.98]', 'iob2']
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"[{', '.join(map(written, value))}]" if isinstance(value, list | tuple) else str(value)
