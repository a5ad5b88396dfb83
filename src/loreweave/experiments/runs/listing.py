"""Tables of runs: a row per run, filtered and sorted by what is known about the runs."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from loreweave.errors import ConfigurationError
from loreweave.experiments.runs.fact_names import check_name
from loreweave.experiments.runs.recorded import STATES, RecordedRun, is_number
from loreweave.experiments.runs.run_settings import OBJECTIVES, in_any_order

Facts = dict[str, Any]
"""What is known about a run, by name."""

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "!=": operator.ne, "<=": operator.le, ">=": operator.ge, "=": operator.eq, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_CONDITION = re.compile(r"""\s*("[^"]+"|'[^']+'|[^"'=<>~]+?)\s*(!=|<=|>=|=|<|>|~)\s*(.*?)\s*""", re.DOTALL)
_QUOTED = re.compile(r"""(["'])(.*)\1""", re.DOTALL)
_SIGNS = "= != < <= > >= ~"


def facts_of(run: RecordedRun, data: str | None = None) -> Facts:
    """Everything that is known about a run: its origin, settings, scores and costs.

    Args:
        data: short name of its data (see `data_names`).
    """
    used = run.status.get("used") or {}
    seconds = used.get("seconds")
    origin: Facts = {"run": str(run.path), "task": run.task, "data": data, "state": run.state, "model": run.model}
    origin |= {"kind": run.kind, "error": run.error}
    facts: Facts = {"epoch": run.epoch, "minutes": None if seconds is None else round(seconds / 60, 1)}
    facts |= {"cpu_minutes": None if "cpu_seconds" not in used else round(used["cpu_seconds"] / 60, 1)}
    facts |= {"memory_gib": used.get("peak_memory_gib")}
    facts |= {name: run.status.get(name) for name in ("started", "ended")}
    return origin | run.settings | run.scores | facts | origin


@dataclass(frozen=True)
class Condition:
    """A condition such as `task=ner`, `dev.micro_f1>0.8` or `model~minilm` (contains).

    Attributes:
        name: name of a fact.
        sign: =, !=, <, <=, >, >= or ~.
        value: what the fact is compared with; as a number, if both are numbers.
    """

    name: str
    sign: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition. A name with one of the signs, and a value that begins with one, are quoted: `"a=b"=1`.

        Raises:
            ConfigurationError: it has no name, sign and value.
        """
        match = _CONDITION.fullmatch(text)
        if match is None:
            raise ConfigurationError(
                f"--where: found {text!r}, expected a name, one of {_SIGNS} and a value, such as 'dev.micro_f1>0.8'; a name "
                "with such a sign must be quoted"
            )
        name, sign, value = match.groups()
        if value and value[0] in "=<>~":
            raise ConfigurationError(
                f"--where: found the sign {sign + value[0]!r} in {text!r}, expected one of {_SIGNS}; a value that begins with "
                "such a sign must be quoted"
            )
        name, value = _unquoted(name), _unquoted(value)
        return cls(name, sign, in_any_order(value) if name == OBJECTIVES and sign in ("=", "!=") else value)

    def holds(self, facts: Facts) -> bool:
        """Whether a run meets it. A run without the fact meets only `!=`, and `=` with an empty value."""
        found = facts.get(self.name)
        if found is None:
            return (self.sign == "!=") == bool(self.value) and self.sign in ("=", "!=")
        if self.sign == "~":
            return self.value in _text(found)
        number = _number(self.value)
        if number is not None and is_number(found):
            return _COMPARISONS[self.sign](found, number)
        return _COMPARISONS[self.sign](_text(found), self.value)


def select(rows: Iterable[Facts], conditions: Sequence[Condition]) -> list[Facts]:
    """The rows that meet all conditions.

    Raises:
        ConfigurationError: no row has a fact of this name, no run has such a state, or a number is compared with a text.
    """
    found = list(rows)
    for condition in conditions:
        check_name("--where", condition.name, found)
        _check_value(condition, found)
    return [facts for facts in found if all(condition.holds(facts) for condition in conditions)]


def _check_value(condition: Condition, rows: Sequence[Facts]) -> None:
    """Refuse a state that does not exist, and a text that is compared with numbers: no run could meet either."""
    name, sign, value = condition.name, condition.sign, condition.value
    if sign == "~" or (not value and sign in ("=", "!=")):
        return
    if name == "state" and value not in STATES:
        raise ConfigurationError(f"--where: there is no state {value!r}; expected {', '.join(STATES)}")
    known = [facts[name] for facts in rows if facts.get(name) is not None]
    number = _number(value)
    if known and all(is_number(one) for one in known) and (number is None or math.isnan(number)):
        example = f"{name}{sign}{known[0]}"
        raise ConfigurationError(f"--where: {name} is a number, found {value!r}, expected a number, such as '{example}'")


def in_order(rows: Sequence[Facts], name: str, reverse: bool = False) -> list[Facts]:
    """The rows sorted by a fact, numbers before texts; rows without it are last."""
    there = [facts for facts in rows if facts.get(name) is not None]
    ordered = sorted(there, key=lambda facts: order_of(facts[name]), reverse=reverse)
    return ordered + [facts for facts in rows if facts.get(name) is None]


def varied(rows: Sequence[Facts], names: Iterable[str]) -> list[str]:
    """Those names whose values differ between the rows that have them.

    A row also has the settings of a group that is off: `fine_tuning.optimizer: null` gives all of them the value None.
    """
    return [
        name for name in names if len({_text(facts.get(name)) for facts in rows if name in facts or _is_off(facts, name)}) > 1
    ]


def _is_off(facts: Facts, name: str) -> bool:
    """Whether the group of a setting is null."""
    parts = name.split(".")
    groups = (".".join(parts[:length]) for length in range(1, len(parts)))
    return any(group in facts and facts[group] is None for group in groups)


def _unquoted(text: str) -> str:
    """A name or a value without quotes around it."""
    match = _QUOTED.fullmatch(text)
    return match[2] if match else text


def _text(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def order_of(value: Any) -> tuple[bool, float, str]:
    """What values are sorted by: numbers before texts."""
    number = is_number(value)
    return (not number, float(value) if number else 0.0, "" if number else _text(value))
