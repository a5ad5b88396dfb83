"""What can be set: every setting of a configuration with its type, its default and the text that stands under it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from loreweave.training.settings.configuration import to_dict
from loreweave.training.settings.fields import dataclass_of, default_of, is_group, types_of, union_members
from loreweave.training.settings.registered import RegisteredGroup


@dataclass(frozen=True)
class SettingDoc:
    """A setting as `key=value` names it.

    Attributes:
        name: dotted, where it is in a group.
        kind: what may stand there.
        default: as YAML would write it; None where it must be given.
        text: what it is.
    """

    name: str
    kind: str
    default: Any
    text: str


def setting_docs(cls: type, prefix: str = "") -> Iterator[SettingDoc]:
    """All settings of a configuration dataclass in their order, those of its groups included.

    Example:
        >>> from loreweave.training.settings.optimizer import ScheduleConfig
        >>> [setting.name for setting in setting_docs(ScheduleConfig)][0]
        'name'
    """
    texts = cls.texts() if issubclass(cls, RegisteredGroup) else _texts(cls)
    for setting, annotation in types_of(cls).items():
        name, default = f"{prefix}{setting}", default_of(cls, setting)
        group = dataclass_of(annotation)
        if group is not annotation:
            yield SettingDoc(name, _kind(annotation), default, texts.get(setting, ""))
        if group is None:
            continue
        for inner in setting_docs(group, f"{name}."):
            path = inner.name.removeprefix(f"{name}.").split(".")
            yield dataclasses.replace(inner, default=_inner(default, path, inner.default))


def _inner(group: Any, path: list[str], own: Any) -> Any:
    """What a group's default says of a setting in it; the setting's `own` default where it says nothing."""
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
    return found


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
        return f"list of {_kind(inner[0])}"
    if origin is dict:
        return f"name: {_kind(inner[1])}"
    plain = {NoneType: "null", str: "text", int: "integer", float: "number", bool: "true | false", Path: "path"}
    return plain.get(annotation, getattr(annotation, "__name__", str(annotation)))
