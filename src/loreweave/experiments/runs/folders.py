"""Runs in folders: ours, and those of the LUKE thesis tools."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import read_json
from loreweave.encoding.model_names import STUDY_FILE
from loreweave.errors import DataError
from loreweave.experiments.runs.recorded import RESULTS, RecordedRun, is_number
from loreweave.experiments.runs.thesis import is_thesis_run, thesis_run
from loreweave.training.runs.lock import is_held
from loreweave.training.runs.metric_lines import read_lines
from loreweave.training.runs.status import FILE as STATUS

_OBJECTS = {STATUS: ("used", "files"), RESULTS: ("dev", "test", "tables")}
"""Fields of each file that are objects, if they are there."""


def read_run(folder: Path) -> RecordedRun:
    """The run in a folder; a folder that cannot be read has the state `unreadable` and says why."""
    found = _read(folder)
    if found.state == "running" and not is_held(folder):
        found = _read(folder)  # it may have ended, and released its lock, after its status was read
        if found.state == "running":
            return replace(found, state="crashed")
    return found


def _read(folder: Path) -> RecordedRun:
    """The run by its status, which a killed process cannot correct."""
    try:
        status = _object(folder / STATUS)
        config = _object(folder / "config.json")
        results = _object(folder / RESULTS)
        rows, _ = read_lines(folder / "metrics.jsonl")
        _check(folder, {STATUS: status, RESULTS: results}, rows)
    except (DataError, OSError) as error:
        return RecordedRun(folder, "unreadable", error=str(error))
    if not status and not results:
        return RecordedRun(folder, "unreadable", error=f"{folder / STATUS}: found no status")
    if is_thesis_run(results) and not status:
        return _thesis(folder, results)
    return RecordedRun(folder, str(status.get("status", "done")), status, config, results, rows, status.get("error"))


def _thesis(folder: Path, results: Mapping[str, Any]) -> RecordedRun:
    try:
        return thesis_run(folder, results)
    except (DataError, KeyError, TypeError, ValueError, AttributeError) as error:
        return RecordedRun(folder, "unreadable", error=f"{folder / RESULTS}: not as the thesis tools write it: {error}")


def is_run(folder: Path) -> bool:
    """Whether a folder has a run: a status, or the results of an evaluation. A search has results, too, but holds runs."""
    return (folder / STATUS).is_file() or ((folder / RESULTS).is_file() and not (folder / STUDY_FILE).is_file())


def find_runs(folders: Sequence[Path]) -> list[RecordedRun]:
    """All runs in folders and their subfolders, in the order of their paths; a run in a run (a checkpoint) is not one.

    Raises:
        DataError: a folder does not exist, or has no run.
    """
    found: dict[Path, RecordedRun] = {}
    for folder in folders:
        if not folder.is_dir():
            raise DataError("found no such folder, expected the folder of a run, or one with runs", path=folder)
        paths = list(_runs_below(folder, set()))
        if not paths:
            raise DataError(f"found no run here or in a subfolder (a run has a file {STATUS} or {RESULTS})", path=folder)
        for path in paths:
            if (place := path.resolve()) not in found:
                found[place] = read_run(path)
    return list(found.values())


def run_names(runs: Sequence[RecordedRun]) -> list[str]:
    """Names for files about each run, all different: its path below the folder that all have in common."""
    paths = [run.path.resolve() for run in runs]
    common = Path(os.path.commonpath(paths)) if len(paths) > 1 else paths[0].parent
    names = [path.relative_to(common).as_posix().replace("/", "-") for path in paths]
    known, taken = set(names), set[str]()
    for place, name in enumerate(names):
        if name in taken:  # a/b-c and a-b/c
            names[place] = next(other for number in count(2) if (other := f"{name}-{number}") not in taken | known)
        taken.add(names[place])
    return names


def _runs_below(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """Runs in the order of their paths; links are followed, and each folder is read once."""
    if is_run(folder):
        yield folder
        return
    if (here := folder.resolve()) in seen:
        return
    seen.add(here)
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:  # it has just been removed
        return
    for entry in entries:
        if entry.is_dir() and not entry.name.startswith("."):
            yield from _runs_below(entry, seen)


def _check(folder: Path, files: Mapping[str, Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> None:
    """Check what the readers of runs rely on.

    Raises:
        DataError: names the file and the field.
    """
    for file, content in files.items():
        for name in _OBJECTS[file]:
            value = content.get(name)
            if value is not None and not isinstance(value, dict):
                raise DataError(f"found {value!r}, expected an object", path=folder / file, field=name)
    for name, value in (files[STATUS].get("used") or {}).items():
        if not is_number(value):
            raise DataError(f"found {value!r}, expected a number", path=folder / STATUS, field=f"used.{name}")
    for row in rows:
        for name in ("epoch", "step"):
            if row.get(name) is not None and not is_number(row[name]):
                raise DataError(f"found {row[name]!r}, expected a number", path=folder / "metrics.jsonl", field=name)


def _object(path: Path) -> dict[str, Any]:
    """A JSON object; empty if there is no file, or one that a full disk has left empty."""
    if not path.is_file() or not path.stat().st_size:
        return {}
    found = read_json(path)
    if not isinstance(found, dict):
        raise DataError(f"found a {type(found).__name__}, expected a JSON object", path=path)
    return found
