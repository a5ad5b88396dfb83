"""Documentation of settings: every setting of a configuration with its type, its default and its docstring."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, Protocol, get_args, get_origin

from loreweave.training.settings.conditions import conditions_of
from loreweave.training.settings.configuration import to_dict
from loreweave.training.settings.fields import dataclass_of, default_of, is_group, types_of, union_members
from loreweave.training.settings.ranges import ANY_NUMBER, SEED, ranges_of
from loreweave.training.settings.registered import RegisteredGroup

ALWAYS = "always"


class Choice(Protocol):
    """A row of a table whose names are the values of a setting."""

    @property
    def summary(self) -> str:
        """Effect of the value."""


Choices = Mapping[str, Mapping[str, Choice]]
"""Type of `CHOICES` of a configuration: setting -> table of its values, whose summaries follow the text of the setting."""


@dataclass(frozen=True)
class SettingDoc:
    """A setting, as in `key=value`.

    Attributes:
        name: dotted, where it is in a group.
        kind: permitted values: the type, and the range of numbers.
        default: as YAML would write it; None where it must be given.
        read: the condition under which it is read, or `always`.
        text: meaning of the setting.
    """

    name: str
    kind: str
    default: Any
    read: str
    text: str


def setting_docs(cls: type, prefix: str = "") -> Iterator[SettingDoc]:
    """All settings of a configuration dataclass in their order, those of its groups included and those that it never reads left
    out.

    Example:
        >>> from loreweave.training.settings.optimizer import ScheduleConfig
        >>> [setting.name for setting in setting_docs(ScheduleConfig)][0]
        'name'
    """
    texts, conditions = cls.texts() if issubclass(cls, RegisteredGroup) else _texts(cls), conditions_of(cls)
    limits = {setting: f" ({found.text})" for setting, found in ranges_of(cls).items() if found not in (ANY_NUMBER, SEED)}
    for setting, annotation in types_of(cls).items():
        name, default = f"{prefix}{setting}", default_of(cls, setting)
        group, condition = dataclass_of(annotation), conditions.get(setting)
        if condition is not None and not condition.alternatives:
            continue
        read = ALWAYS if condition is None else condition.text(prefix)
        if group is not annotation:
            yield SettingDoc(name, _kind(annotation) + limits.get(setting, ""), default, read, texts.get(setting, ""))
        if group is None:
            continue
        for inner in setting_docs(group, f"{name}."):
            path = inner.name.removeprefix(f"{name}.").split(".")
            both = " and ".join(part for part in (read, inner.read) if part != ALWAYS) or ALWAYS
            yield dataclasses.replace(inner, default=_inner(default, path, inner.default), read=both)


def _inner(group: Any, path: list[str], own: Any) -> Any:
    """Default of a setting according to the default of its group; the setting's `own` default if the group has none."""
    found: Any = None if group is None else to_dict(group)
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return own
        found = found[name]
    return found


def _texts(cls: type) -> dict[str, str]:
    """The text under each field, of the class or of those that it is made from; none of a class without a file."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if not dataclasses.is_dataclass(base):
            continue
        try:
            source = inspect.getsource(base)
        except (OSError, TypeError):  # entered at a prompt
            continue
        (body,) = ast.parse(textwrap.dedent(source)).body
        assert isinstance(body, ast.ClassDef)
        for node, after in zip(body.body, [*body.body[1:], None], strict=True):
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
                continue
            match after:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[node.target.id] = " ".join(text.split())
                case _:
                    found.setdefault(node.target.id, "")
        choices: Choices = vars(base).get("CHOICES", {})
        for name, table in choices.items():
            found[name] = " ".join([found[name], *(f"`{value}`: {choice.summary}." for value, choice in table.items())])
    return found


_PLURALS = {str: "texts", int: "integers", float: "numbers", Path: "paths"}


def _kind(annotation: Any) -> str:
    """A type as the user writes its values."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and is_group(annotation):
        return "group"
    if len(members := union_members(annotation)) > 1:
        return " | ".join(map(_kind, members))
    if origin is Literal:
        return " | ".join(map(str, inner))
    if origin in (list, tuple):
        return f"list of {_PLURALS.get(inner[0]) or _kind(inner[0])}"
    if origin is dict:
        return f"name: {_kind(inner[1])}"
    plain = {NoneType: "null", str: "text", int: "integer", float: "number", bool: "true | false", Path: "path"}
    return plain.get(annotation, getattr(annotation, "__name__", str(annotation)))
