"""Another value than the default for any setting, for tests over all settings."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from loreweave.training.settings.fields import default_of, types_of, union_members

OF_THEIR_OWN: dict[str, Any] = {
    "dev_fraction": 0.25,
    "dropout": 0.2,
    "betas": (0.8, 0.9),
    "block_size": 16,
    "na_rate": 1.0,
    "train_balance": 2.0,
    "dev_split_by": "doc",
}
"""Settings whose other values must be of a certain kind."""


def other_value(cls: type, name: str) -> Any:
    """A value that the setting of a configuration takes and that is not its default."""
    default = default_of(cls, name)
    if is_dataclass(default):
        (first, *_) = [field.name for field in fields(default)]
        return type(default)(**{first: other_value(type(default), first)})
    if name in OF_THEIR_OWN:
        return OF_THEIR_OWN[name]
    kinds = [kind for kind in union_members(types_of(cls)[name]) if kind is not NoneType]
    for kind in kinds:
        if get_origin(kind) is Literal:
            return next(value for value in get_args(kind) if value not in (default, "auto"))
    plain = {bool: not default, int: (default or 16) + 1, float: (default or 0.25) / 2, str: "other", Path: Path("other")}
    return next(plain[kind] for kind in kinds if kind in plain) if set(kinds) & set(plain) else ["other"]
