"""Settings of runs as texts: in labels, tables and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.experiments.runs.listing import order_of
from loreweave.experiments.runs.run_settings import OBJECTIVES

_LONGEST = 10


def label_of(settings: Mapping[str, Any], text_of: Callable[[str, Any], str] = lambda _, value: shown(value)) -> str:
    """Settings in short: names as `short_names` has them, and the text of each value."""
    short = short_names(list(settings))
    return ", ".join(f"{short[name]}={text_of(name, value)}" for name, value in settings.items()) or "all runs"


def full_label_of(settings: Mapping[str, Any]) -> str:
    """As `label_of`, with every digit and whole paths."""
    return label_of(settings, lambda _, value: exact(value))


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Last parts of names, if no other name ends in it; the settings of an objective keep its name."""
    start = f"{OBJECTIVES}."
    ends = [name.removeprefix(start) if name.startswith(start) else name.rpartition(".")[2] for name in names]
    return {name: end if ends.count(end) == 1 else name for name, end in zip(names, ends, strict=True)}


def exact(value: Any) -> str:
    """A setting as `shown` writes it, but with every digit and the whole path."""
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, list | tuple):
        return ",".join(map(exact, value))
    return value if isinstance(value, str) else shown(value)


def shown(value: Any, length: int = 1) -> str:
    """A setting as it is written in the shell; of a path the last parts, as many as `length`, and of a number 6 digits each."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.{6 * length}g}"
    if isinstance(value, list | tuple):
        return ",".join(shown(part, length) for part in value) or "none"
    return "/".join(Path(value).parts[-length:]) if isinstance(value, str) and "/" in value else str(value)


def distinct(values: Sequence[Any]) -> dict[str, str]:
    """The shortest texts in which different values differ, by their keys."""
    known = {key_of(value): value for value in values}
    for length in range(1, _LONGEST):
        texts = {key: shown(value, length) for key, value in known.items()}
        if len(set(texts.values())) == len(texts):
            return texts
    return {key: str(value) for key, value in known.items()}


def in_order(values: Sequence[Any], text_of: Callable[[Any], str]) -> list[str]:
    """The texts of different values: numbers by their size, before all others."""
    return list(dict.fromkeys(text_of(value) for value in sorted(values, key=order_of)))


def key_of(value: Any) -> str:
    """A value as a key: equal for equal values."""
    return json.dumps(value, sort_keys=True, default=str)
