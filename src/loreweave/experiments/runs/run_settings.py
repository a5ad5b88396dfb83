"""Settings of a recorded run by their dotted names, in a form in which runs can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

OBJECTIVES = "objectives"
"""The group of settings with the objectives of pre-training; as a setting, their names in the order of the alphabet."""
_CHOSEN = (OBJECTIVES, "rate_factors")
"""Groups whose members are chosen for each run. Their names are a setting, in which runs with other members differ."""
_NOT_READ: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "epochs": lambda settings: settings.get("steps") is not None,
    "schedule.warmup_ratio": lambda settings: settings.get("schedule.warmup_steps") is not None,
    "loss_scale.initial": lambda settings: settings.get("precision") not in (None, "fp16"),
    "loss_scale.growth_interval": lambda settings: settings.get("precision") not in (None, "fp16"),
    "entity_occurrences": lambda settings: settings.get("entities_start") not in (None, "occurrences"),
    "sampling_smoothing": lambda settings: isinstance(settings.get("data"), list) and len(settings["data"]) < 2,
}
"""Name of a setting -> whether it had no effect in a run with these settings."""


def dotted_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their dotted names, as in the shell (`optimizer.learning_rate`).

    `objectives` and `optimizer.rate_factors` are also there: the names of their members (`entity_types,masked_words`). A
    setting that had no effect, because another one takes precedence, is None.
    """
    found = dict(_dotted(values))
    return {name: value if is_read(name, found) else None for name, value in found.items()}


def is_read(name: str, settings: Mapping[str, Any]) -> bool:
    """Whether a setting had an effect in a run with these settings."""
    return name not in _NOT_READ or not _NOT_READ[name](settings)


def in_any_order(names: str) -> str:
    """Names of objectives, separated by commas, in the order of the alphabet: the losses add up in any order."""
    return ",".join(sorted(name.strip() for name in names.split(",")))


def _dotted(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        place = f"{prefix}{name}"
        if isinstance(value, Mapping) and name in _CHOSEN:
            members = {member: content for member, content in value.items() if content is not None}  # null in older records
            names = ",".join(members) or "none"  # of several rate factors that fit a parameter, the first one is used
            yield place, in_any_order(names) if place == OBJECTIVES else names
            yield from _dotted(members, f"{place}.")
        elif isinstance(value, Mapping) and value:
            yield from _dotted(value, f"{place}.")
        else:
            yield place, value
