"""Conditions under which a setting is read: declared in a configuration, checked, and shown by `loreweave tasks TASK`.

A configuration lists in `READ_WHEN` the settings that are read only under a condition:

    class NerConfig(FinetuningConfig):
        READ_WHEN: ClassVar[ReadWhen] = {("nested",): when(head="luke", reason="tags of words cannot nest")}
        LEFT_OPEN: ClassVar[LeftOpen] = {"head": "auto"}

All other settings are always read. A setting that is not read must have its default. `LEFT_OPEN` has values that are
resolved later: what `head=auto` means is known when the encoder is. Some conditions are facts of the run, not settings:
see `FACTS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loreweave.errors import ConfigurationError
from loreweave.training.settings.fields import default_of, is_group, types_of, written


class _Given:
    """Any value but null."""


GIVEN = _Given()

FACTS = {
    ("encoder", "luke"): ("a LUKE", "take a LUKE (--model)"),
    ("dev", True): ("dev data", "give --dev FILE or dev_fraction=0.1"),
    ("test", True): ("test data", "give --test FILE"),
}
"""Facts of a run that a condition may name: (name, value) -> what it is, and how the user gets it."""

NEEDS = {("head", "luke"): ("encoder", "luke"), ("representation", "entities"): ("encoder", "luke")}
"""Values of settings that need a fact, for the way out that a message names."""


@dataclass(frozen=True)
class Condition:
    """One of several alternatives, each a setting or fact -> the values of which it must have one."""

    alternatives: tuple[Mapping[str, tuple[Any, ...]], ...]
    reason: str = ""

    def text(self, prefix: str = "") -> str:
        """As the user writes it, for example `head=luke or markers`; `prefix` is the group of its settings."""
        return ", or ".join(_conjunction(needed, prefix) for needed in self.alternatives) or "never"


ReadWhen = Mapping[tuple[str, ...], Condition]
"""Names of settings -> when they are read."""
LeftOpen = Mapping[str, Any]
"""Name of a setting -> the value that is resolved later."""


def when(reason: str = "", **needed: Any) -> Condition:
    """All of these settings have this value, or one of these values (a tuple)."""
    values = {name: value if isinstance(value, tuple) else (value,) for name, value in needed.items()}
    return Condition((values,), reason)


def either(*conditions: Condition, reason: str = "") -> Condition:
    """One of these conditions holds."""
    return Condition(tuple(needed for condition in conditions for needed in condition.alternatives), reason)


def never(reason: str) -> Condition:
    """A setting that a configuration inherits but does not read."""
    return Condition((), reason)


def conditions_of(cls: type) -> dict[str, Condition]:
    """Name of a setting -> its condition, for those that are not always read. A subclass may declare a setting again."""
    return {name: found for names, found in _declared(cls, "READ_WHEN").items() for name in names}


def check_read(configuration: Any, **known: Any) -> None:
    """Refuse settings that are not read and do not have their default.

    Args:
        configuration: configuration with its groups.
        known: resolved values, such as `head="tags"` for `auto`, or `encoder="luke"`.

    Raises:
        ConfigurationError: names the setting, the condition, what was found, and what to do.
    """
    for message in _unread(configuration, None, known, ""):
        raise ConfigurationError(message)


def is_read(configuration: Any, name: str, /, **known: Any) -> bool | None:
    """Whether a setting is read; None if that is not known yet."""
    condition = conditions_of(type(configuration)).get(name)
    return True if condition is None else _holds(configuration, condition, known)


def _declared(cls: type, table: str) -> dict[Any, Any]:
    """A table of a class merged with those of its base classes; the class itself takes precedence."""
    return {name: value for base in reversed(cls.__mro__) for name, value in vars(base).get(table, {}).items()}


def _unread(configuration: Any, usual: Any, known: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """A message for each setting that is not read. `usual` is the default of the group, where that is not its class's."""
    conditions = conditions_of(type(configuration))
    for name in types_of(type(configuration)):
        value = getattr(configuration, name)
        defaults = [default_of(type(configuration), name), *([getattr(usual, name)] if usual is not None else [])]
        if is_read(configuration, name, **known) is not False:
            if is_group(type(value)):
                given = next((default for default in reversed(defaults) if isinstance(default, type(value))), None)
                yield from _unread(value, given, {}, f"{prefix}{name}.")
        elif value not in defaults:
            setting, default = _changed(value, defaults[-1], f"{prefix}{name}")
            yield _message(configuration, setting, default, conditions[name], known, prefix)


def _changed(value: Any, default: Any, name: str) -> tuple[str, Any]:
    """The name and the default of a setting; for a group, of the first setting in it that is not the default."""
    while dataclasses.is_dataclass(value) and isinstance(default, type(value)):
        pairs = {field.name: (getattr(value, field.name), getattr(default, field.name)) for field in dataclasses.fields(value)}
        inner = next(field for field, (given, usual) in pairs.items() if given != usual)
        (value, default), name = pairs[inner], f"{name}.{inner}"
    return name, default


def _holds(configuration: Any, condition: Condition, known: Mapping[str, Any]) -> bool | None:
    """Whether a condition holds; None if that depends on facts that are not known yet."""
    verdicts = []
    for needed in condition.alternatives:
        each = [_has(configuration, name, values, known) for name, values in needed.items()]
        verdicts.append(False if False in each else None if None in each else True)
    return True if True in verdicts else None if None in verdicts else False


def _has(configuration: Any, name: str, values: Sequence[Any], known: Mapping[str, Any]) -> bool | None:
    if name not in known and not hasattr(configuration, name):
        return None  # a fact that is not known yet
    value = known[name] if name in known else getattr(configuration, name)
    if value in values or (GIVEN in values and value is not None):
        return True
    left_open = _declared(type(configuration), "LEFT_OPEN")
    return None if name not in known and name in left_open and value == left_open[name] else False


def _message(
    configuration: Any, setting: str, default: Any, condition: Condition, known: Mapping[str, Any], prefix: str
) -> str:
    default_text = f"{setting}={written(default)} is its default" if not dataclasses.is_dataclass(default) else ""
    if not condition.alternatives:
        return f"{setting} is not read: {condition.reason}; leave it out{default_text and f' ({default_text})'}"
    failing = [
        {name: values for name, values in needed.items() if _has(configuration, name, values, known) is False}
        for needed in condition.alternatives
    ]
    found = dict.fromkeys(_found(configuration, name, known, prefix) for needed in failing for name in needed)
    ways = dict.fromkeys(way for name, values in min(failing, key=len).items() for way in _ways(name, values, known, prefix))
    reason = f" ({condition.reason})" if condition.reason else ""
    leave = f"leave it out{default_text and f' ({default_text})'}"
    wanted, way = f"{condition.text(prefix)}{reason}", " and ".join(ways)
    return f"{setting} is read only with {wanted}, found {' and '.join(found)}; {leave}, or {way}"


def _found(configuration: Any, name: str, known: Mapping[str, Any], prefix: str) -> str:
    value = known[name] if name in known else getattr(configuration, name)
    facts = [text for (fact, _), (text, _) in FACTS.items() if fact == name]
    if facts:
        return f"no {facts[0].removeprefix('a ')}"
    asked = getattr(configuration, name, value)
    stands_for = f" (for {name}={written(asked)})" if asked != value else ""
    return f"{prefix}{name}={written(value)}{stands_for}"


def _conjunction(needed: Mapping[str, Sequence[Any]], prefix: str) -> str:
    return " and ".join(_term(name, values, prefix) for name, values in needed.items())


def _term(name: str, values: Sequence[Any], prefix: str) -> str:
    if (name, values[0]) in FACTS:
        return FACTS[name, values[0]][0]
    if GIVEN in values:
        return f"a value of {prefix}{name}"
    return f"{prefix}{name}={' or '.join(map(written, values))}"


def _ways(name: str, values: Sequence[Any], known: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Yield the ways in which the user can fulfil a part of a condition."""
    if (name, values[0]) in FACTS:
        yield FACTS[name, values[0]][1]
        return
    yield f"give {prefix}{name}" if GIVEN in values else f"set {_term(name, values, prefix)}"
    fact = NEEDS.get((name, values[0]))
    if fact is not None and known.get(fact[0], fact[1]) != fact[1]:
        yield FACTS[fact][1]
