"""Runs of a report, in sections of comparable runs and groups that differ only in their seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from loreweave.experiments.runs.listing import varied
from loreweave.experiments.runs.recorded import RecordedRun

SEEDS = ("seed", "data_seed")
"""Settings in which the runs of a group differ."""
_NO_CAUSES = ("model", "output", "device", "checkpoints", "tensorboard", "log_steps", "eval_batch_size", "feature_cache")
"""Settings that do not change what is learned: they make no groups."""
SCORED = "test"
"""The split of an evaluation, whose data were given to `loreweave evaluate`."""


@dataclass(frozen=True, eq=False)
class Group:
    """Runs with equal settings and different seeds.

    Attributes:
        label: the settings in which the group differs from others, such as `learning_rate=0.001, epochs=3`.
        settings: these settings by name.
        runs: the runs in the order of their seeds; also those that failed.
    """

    label: str
    settings: Mapping[str, Any]
    runs: Sequence[RecordedRun]

    @property
    def finished(self) -> list[RecordedRun]:
        """The runs that are done."""
        return [run for run in self.runs if run.state == "done"]

    def scores(self, split: str, metric: str) -> list[float]:
        """The score of each finished run that has it."""
        return [value for run in self.finished if (value := score_of(run, split, metric)) is not None]


@dataclass(frozen=True, eq=False)
class Section:
    """Comparable runs: of one kind and task, on the same data for evaluation.

    Attributes:
        name: kind or task, and the names of the data.
        kind: finetuning, pretraining or evaluation.
        task: name of the task; None for pre-training.
        runs: all runs in any state.
    """

    name: str
    kind: str
    task: str | None
    runs: Sequence[RecordedRun]

    @cached_property
    def metric(self) -> str:
        """The main metric: the one that most runs name first."""
        names = [name.rpartition(".")[2] for run in self.runs for name in run.main_scores]
        return max(dict.fromkeys(names), key=names.count, default="")

    @cached_property
    def splits(self) -> list[str]:
        """The splits with the main metric, dev before test."""
        return [split for split in ("dev", "test") if any(score_of(run, split, self.metric) is not None for run in self.runs)]

    @cached_property
    def varied(self) -> list[str]:
        """Settings with several values, without seeds; `model` among them."""
        rows = [causes_of(run) for run in self.runs]
        return varied(rows, dict.fromkeys(name for row in rows for name in row))

    @cached_property
    def groups(self) -> list[Group]:
        """The groups, in the order of the values of their settings."""
        found: dict[str, list[RecordedRun]] = {}
        for run in self.runs:
            found.setdefault(json.dumps(self._settings(run), sort_keys=True, default=str), []).append(run)
        groups = []
        for runs in found.values():
            settings = self._settings(runs[0])
            runs.sort(key=lambda run: tuple(str(run.settings.get(seed, "")).zfill(20) for seed in SEEDS))
            groups.append(Group(label_of(settings), settings, runs))
        return sorted(groups, key=lambda group: [_order(value) for value in group.settings.values()])

    def best_run(self, having: Callable[[RecordedRun], bool]) -> RecordedRun | None:
        """The finished run with the best dev score (test score if there is no dev data) among those that have something."""
        found = [run for run in self.runs if run.state == "done" and having(run)]
        split = self.splits[0] if self.splits else "dev"
        scores = {id(run): score_of(run, split, self.metric) for run in found}
        return max(found, key=lambda run: float("-inf") if (score := scores[id(run)]) is None else score, default=None)

    def _settings(self, run: RecordedRun) -> dict[str, Any]:
        causes = causes_of(run)
        return {name: causes.get(name) for name in self.varied}


def sections_of(runs: Sequence[RecordedRun]) -> list[Section]:
    """Sections in the order of their first runs."""
    found: dict[tuple[str, str | None, tuple[str, ...]], list[RecordedRun]] = {}
    for run in runs:
        found.setdefault((run.kind, run.task, _data(run)), []).append(run)
    names: dict[str, int] = {}
    sections = []
    for (kind, task, data), members in found.items():
        name = f"{task or kind} on {' and '.join(_file_names(data))}" if data else str(task or kind)
        name += " (evaluations)" if kind == "evaluation" else ""
        names[name] = names.get(name, 0) + 1
        name += f", other data {names[name]}" if names[name] > 1 else ""
        sections.append(Section(name, kind, task, members))
    return sections


def causes_of(run: RecordedRun) -> dict[str, Any]:
    """The settings that may explain a score: the model and all settings but seeds and those without influence."""
    settings = {name: value for name, value in run.settings.items() if name not in (*SEEDS, *_NO_CAUSES)}
    return {"model": run.model} | settings


def label_of(settings: Mapping[str, Any]) -> str:
    """Settings in short: the last part of each name, if no other name ends in it."""
    ends = [name.rpartition(".")[2] for name in settings]
    short = {name: end if ends.count(end) == 1 else name for name, end in zip(settings, ends, strict=True)}
    return ", ".join(f"{short[name]}={shown(value)}" for name, value in settings.items()) or "all runs"


def score_of(run: RecordedRun, split: str, metric: str) -> float | None:
    """A final score of a run; that of an evaluation belongs to the split `SCORED`."""
    if run.kind == "finetuning":
        return run.scores.get(f"{split}.{metric}")
    return run.scores.get(metric) if split == SCORED else None


def seed_of(run: RecordedRun) -> Any:
    """The seed of a run."""
    return run.settings.get("seed")


def shown(value: Any) -> str:
    """A setting as it is written in the shell; the last part of a path."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ",".join(shown(part) for part in value)
    return Path(value).name if isinstance(value, str) and "/" in value else str(value)


def rows_of(run: RecordedRun) -> Iterator[tuple[str, float | None, int | None, str, float | None]]:
    """Everything that a run has measured: split, epoch, step, metric, value; the final scores have no step."""
    for row in run.rows:
        for name, value in row.items():
            if name not in ("step", "split", "epoch") and not isinstance(value, str | bool | list | dict):
                yield str(row.get("split")), row.get("epoch"), row.get("step"), name, value
    for name, value in run.scores.items():
        split, _, metric = name.rpartition(".")
        yield split or SCORED, None, None, metric, value


def _data(run: RecordedRun) -> tuple[str, ...]:
    """What a run is scored on: names with hashes for fine-tuning, paths for evaluations; nothing for pre-training."""
    recorded = run.config.get("data")
    if run.kind == "finetuning" and isinstance(recorded, Mapping):
        return tuple(str(recorded[split]) for split in ("dev", "test") if split in recorded) or (str(recorded.get("train")),)
    place = (run.status.get("files") or {}).get("data") or run.results.get("data") or run.results.get("gold")
    return (str(place),) if place and run.kind != "pretraining" else ()


def _file_names(data: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(Path(text.partition(" ")[0]).name for text in data))


def _order(value: Any) -> tuple[bool, float, str]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (not number, float(value) if number else 0.0, "" if number else str(value))
