"""The systems that are compared: each is a run, or the runs of one configuration with several seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path

from loreweave.corpus.counts import counted, listed
from loreweave.errors import ConfigurationError
from loreweave.experiments.report.sections import TRAIN_FILES, Group, Section, causes_of, score_of
from loreweave.experiments.report.setting_texts import label_of
from loreweave.experiments.runs.data_names import training_names
from loreweave.experiments.runs.folders import find_runs
from loreweave.experiments.runs.listing import varied
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.tasks.registry import load_task, task_names

Place = str | PathLike[str]
Given = Sequence[Place] | Mapping[str, Place | Sequence[Place]]
"""Folders (or texts `NAME=FOLDER`), or names with one or several folders each."""

_SCORED_KINDS = ("finetuning", "evaluation", "score")


@dataclass(frozen=True, eq=False)
class Systems(Section):
    """Systems of one task, as a section of a report whose groups are the systems."""

    systems: Sequence[Group] = ()

    @cached_property
    def groups(self) -> list[Group]:
        """The systems in the order in which they were given."""
        return list(self.systems)

    @cached_property
    def varied(self) -> list[str]:
        """What differs between the groups: the system."""
        return ["system"]

    @cached_property
    def metric(self) -> str:
        """The metric that selected the epoch of most fine-tuned systems; else the main metric of the task."""
        names = [name.rpartition(".")[2] for run in self.runs if run.kind == "finetuning" for name in run.main_scores]
        if names:
            return max(dict.fromkeys(names), key=names.count)
        known = [name for run in self.runs for name in run.scores]
        main = load_task(self.task).metric if self.task in task_names() else ""
        return main if main in known else next(iter(known), "")

    @cached_property
    def splits(self) -> list[str]:
        """The splits on which every system has a score, dev before test."""
        return [split for split in ("dev", "test") if all(self.scored(system, split) for system in self.groups)]

    def scored(self, system: Group, split: str) -> list[RecordedRun]:
        """The finished runs of a system with a score on a split."""
        return [run for run in system.finished if score_of(run, split, self.metric) is not None]


def read_systems(given: Given) -> Systems:
    """Read the runs of the systems.

    Raises:
        ConfigurationError: fewer than two systems, two of one name, a run in two of them, runs of other kinds or of several
            tasks, runs of one system with different settings, or no split on which all have a score.
        DataError: a folder does not exist, or has no run.
    """
    folders = _by_name(given)
    if len(folders) < 2:
        raise ConfigurationError(f"found {counted(len(folders), 'system')}, expected at least two folders to compare")
    systems, owners = [], dict[Path, str]()
    for name, paths in folders.items():
        runs = find_runs(paths)
        for run in runs:
            owner = owners.setdefault(run.path.resolve(), name)
            if owner != name:
                raise ConfigurationError(f"{run.path}: found the run in two systems, {owner!r} and {name!r}")
        systems.append(_system(name, runs))
    every = [run for system in systems for run in system.runs]
    kinds = [run for run in every if run.state != "unreadable" and run.kind not in _SCORED_KINDS]
    if kinds:
        raise ConfigurationError(f"{kinds[0].path}: found a run of kind {kinds[0].kind}, expected finetune, evaluate or score")
    tasks = {run.task: run.path for run in every if run.task is not None}
    if len(tasks) != 1:
        found = listed([f"{task} ({path})" for task, path in tasks.items()]) or "none"
        raise ConfigurationError(f"found runs of several tasks, expected one: {found}")
    (task,) = tasks
    section = Systems(f"{task}: {' and '.join(folders)}", "comparison", task, every, systems=systems)
    if not section.splits:
        raise ConfigurationError(_without_split(section))
    return section


def _by_name(given: Given) -> dict[str, list[Path]]:
    """The folders of each system."""
    if isinstance(given, Mapping):
        return {name: [Path(one) for one in _listed(places)] for name, places in given.items()}
    found: dict[str, list[Path]] = {}
    unnamed: dict[str, str] = {}
    for place in given:
        text = fspath(place)
        name, sign, folder = text.partition("=")
        if sign and name and not Path(text).exists():
            found.setdefault(name, []).append(Path(folder))
            continue
        name = Path(text).resolve().name
        if name in found or name in unnamed:
            other = unnamed.get(name, found.get(name, [""])[0])
            raise ConfigurationError(f"found two systems named {name!r} ({other} and {text}); name them: NAME=FOLDER")
        unnamed[name] = text
        found[name] = [Path(text)]
    return found


def _listed(places: Place | Iterable[Place]) -> list[Place]:
    return [places] if isinstance(places, (str, PathLike)) else list(places)


def _system(name: str, runs: Sequence[RecordedRun]) -> Group:
    """One system, whose runs must differ only in their seeds."""
    known = [run for run in runs if run.state != "unreadable"]
    rows = [_causes(run) | {TRAIN_FILES: files} for run, files in zip(known, training_names(known), strict=True)]
    differing = varied(rows, dict.fromkeys(cause for row in rows for cause in row))
    if differing:
        labels = dict.fromkeys(label_of({cause: row.get(cause) for cause in differing}) for row in rows)
        raise ConfigurationError(
            f"system {name!r}: found runs with different settings ({listed(list(labels), 3)}), expected runs that differ "
            f"only in their seeds; name the runs of each system, such as {name}={known[0].path} {name}=OTHER_RUN"
        )
    return Group(name, {"system": name}, list(runs))


def _causes(run: RecordedRun) -> dict[str, object]:
    """What the runs of a system have in common; the checkpoints of evaluations differ from seed to seed."""
    causes = {"kind": run.kind, "task": run.task} | causes_of(run)
    return causes if run.kind == "finetuning" else {name: value for name, value in causes.items() if name != "model"}


def _without_split(section: Systems) -> str:
    parts = []
    for system in section.groups:
        splits = [split for split in ("dev", "test") if section.scored(system, split)]
        states = ", ".join(dict.fromkeys(run.state for run in system.runs))
        broken = next((f": {one}" for run in system.runs for one in run.not_readable), "")
        parts.append(f"{system.label}: {' and '.join(splits) or f'none (its runs are {states}{broken})'}")
    return f"found no split on which all systems have a score of {section.metric or 'any metric'}: {'; '.join(parts)}"
