"""Runs in folders: ours, and those of the LUKE thesis tools."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import read_json
from loreweave.errors import DataError
from loreweave.experiments.runs.recorded import RESULTS, RecordedRun
from loreweave.experiments.runs.thesis import is_thesis_run, thesis_run
from loreweave.training.runs.lock import is_held
from loreweave.training.runs.metric_lines import read_lines
from loreweave.training.runs.status import FILE as STATUS


def read_run(folder: Path) -> RecordedRun:
    """The run in a folder; a folder that cannot be read has the state `unreadable` and says why."""
    try:
        status = _object(folder / STATUS)
        config = _object(folder / "config.json")
        results = _object(folder / RESULTS)
        rows, _ = read_lines(folder / "metrics.jsonl")
    except (DataError, OSError) as error:
        return RecordedRun(folder, "unreadable", error=str(error))
    if not status and not results:
        return RecordedRun(folder, "unreadable", error=f"{folder / STATUS}: found no status")
    if is_thesis_run(results) and not status:
        return _thesis(folder, results)
    state = str(status.get("status", "done"))
    if state == "running" and not is_held(folder):
        state = "crashed"
    return RecordedRun(folder, state, status, config, results, rows, status.get("error"))


def _thesis(folder: Path, results: Mapping[str, Any]) -> RecordedRun:
    try:
        return thesis_run(folder, results)
    except (DataError, KeyError, TypeError, ValueError, AttributeError) as error:
        return RecordedRun(folder, "unreadable", error=f"{folder / RESULTS}: not as the thesis tools write it: {error}")


def is_run(folder: Path) -> bool:
    """Whether a folder has a run: a status, or the results of an evaluation."""
    return (folder / STATUS).is_file() or (folder / RESULTS).is_file()


def find_runs(folders: Sequence[Path]) -> list[RecordedRun]:
    """All runs in folders and their subfolders, in the order of their paths; a run in a run (a checkpoint) is not one.

    Raises:
        DataError: a folder does not exist, or has no run.
    """
    found: dict[Path, RecordedRun] = {}
    for folder in folders:
        if not folder.is_dir():
            raise DataError("found no such folder, expected the folder of a run, or one with runs", path=folder)
        paths = list(_runs_below(folder))
        if not paths:
            raise DataError(f"found no run here or in a subfolder (a run has a file {STATUS} or {RESULTS})", path=folder)
        found |= {path.resolve(): read_run(path) for path in paths}
    return list(found.values())


def run_names(runs: Sequence[RecordedRun]) -> list[str]:
    """Names for files about each run: its path below the folder that all have in common."""
    paths = [run.path.resolve() for run in runs]
    common = Path(os.path.commonpath(paths)) if len(paths) > 1 else paths[0].parent
    return [path.relative_to(common).as_posix().replace("/", "-") for path in paths]


def _runs_below(folder: Path) -> Iterator[Path]:
    if is_run(folder):
        yield folder
        return
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith("."):
            yield from _runs_below(entry)


def _object(path: Path) -> dict[str, Any]:
    """A JSON object; empty if there is no file, or one that a full disk has left empty."""
    if not path.is_file() or not path.stat().st_size:
        return {}
    found = read_json(path)
    if not isinstance(found, dict):
        raise DataError(f"found a {type(found).__name__}, expected a JSON object", path=path)
    return found
