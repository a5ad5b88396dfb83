"""Columns of a table of runs: what tells the runs apart, the settings that matter first, and the main scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loreweave.experiments.runs.listing import Facts, varied
from loreweave.experiments.runs.recorded import RecordedRun

_FIRST = ("run", "task", "data", "model", "state")
_LAST = ("epoch", "minutes", "started")
_IMPORTANT = ("objectives", "optimizer.learning_rate", "epochs", "steps", "train_fraction", "seed", "batch_size")
"""Settings that are shown before all others."""
_FEWEST, _MOST = 5, 12
"""Number of differing settings that are shown in any window, and maximum number where the width is unknown."""
_BETWEEN = 3
"""Width of the borders of a cell."""


@dataclass(frozen=True)
class Columns:
    """What is shown of runs.

    Attributes:
        names: names of the facts.
        settings: those that are settings, which differ between the runs.
        more: further settings that differ and are not shown, because there is no room.
    """

    names: list[str]
    settings: list[str]
    more: list[str]


def columns_of(runs: Sequence[RecordedRun], rows: Sequence[Facts], width: int | None = None) -> Columns:
    """Columns of a short table: origin and state, settings that differ, the main scores, time.

    Args:
        runs: the runs.
        rows: the facts about each run.
        width: number of characters in a line of the window. None: unknown.
    """
    some = {name for facts in rows for name in facts if facts[name] is not None}
    settings = [name for name in _settings(runs, rows) if name in some]
    scores = list(dict.fromkeys(name for run in runs for name in run.main_scores))
    first = [name for name in _FIRST if name in some and (name != "data" or varied(rows, ["data"]))]
    last = [name for name in dict.fromkeys([*scores, *_LAST, "error"]) if name in some]
    number = _MOST
    if width is not None:
        room = width - sum(_width(rows, name) for name in (*first, *last))
        number = max(_FEWEST, _fitting([_width(rows, name) for name in settings], room))
    names = list(dict.fromkeys([*first, *settings[:number], *last]))
    return Columns(names, settings[:number], settings[number:])


def _settings(runs: Sequence[RecordedRun], rows: Sequence[Facts]) -> list[str]:
    """Settings that differ: those that matter, those that differ between runs of one task, and those of different tasks."""
    differing = varied(rows, dict.fromkeys(name for run in runs for name in run.settings if name not in _FIRST))
    by_task: dict[object, list[Facts]] = {}
    for facts in rows:
        by_task.setdefault((facts["kind"], facts["task"]), []).append(facts)
    within = {name for some in by_task.values() for name in varied(some, differing)}
    important = [name for name in _IMPORTANT if name in differing]
    return list(dict.fromkeys([*important, *(name for name in differing if name in within), *differing]))


def _fitting(widths: Sequence[int], room: int) -> int:
    """How many of the first columns fit."""
    number = 0
    for one in widths:
        room -= one
        if room < 0:
            break
        number += 1
    return number


def _width(rows: Sequence[Facts], name: str) -> int:
    """Width of a column."""
    return max(len(name), *(len(shown(facts.get(name))) for facts in rows), 0) + _BETWEEN


def shown(value: object) -> str:
    """A value as tables show it."""
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
