"""Runs in folders: ours, and those of the LUKE thesis tools."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from loreweave.encoding.model_names import STUDY_FILE
from loreweave.errors import DataError
from loreweave.experiments.runs.content import CONFIG, METRICS, object_in, results_in, rows_in, status_in
from loreweave.experiments.runs.recorded import RESULTS, NotReadable, RecordedRun
from loreweave.experiments.runs.thesis import is_thesis_run, thesis_run
from loreweave.training.runs.lock import is_held
from loreweave.training.runs.status import FILE as STATUS

C = TypeVar("C")


def read_run(folder: Path) -> RecordedRun:
    """The run in a folder; a folder that cannot be read has the state `unreadable` and says why."""
    found = _read(folder)
    if found.state == "running" and not is_held(folder):
        found = _read(folder)  # it may have ended, and released its lock, after its status was read
        if found.state == "running":
            return replace(found, state="crashed")
    return found


def _read(folder: Path) -> RecordedRun:
    """The run by its status, which a killed process cannot correct. It has what can be read, also if another file is broken."""
    broken: list[NotReadable] = []

    def read(name: str, content: Callable[[Path], C]) -> C | None:
        try:
            return content(folder / name)
        except (DataError, OSError) as error:
            broken.append(NotReadable.of(error, folder / name))
            return None

    status, config = read(STATUS, status_in) or {}, read(CONFIG, object_in) or {}
    results, rows = read(RESULTS, results_in) or {}, read(METRICS, rows_in) or []
    if status.get("status") == "done" and not results and not broken:
        read(RESULTS, _refuse_missing)
    if not status and not results and not broken:
        broken.append(NotReadable(folder / STATUS, None, "found no status"))
    if broken:
        why = "; ".join(map(str, broken))
        return RecordedRun(folder, "unreadable", status, config, results, rows, why, tuple(broken))
    if is_thesis_run(results) and not status:
        return _thesis(folder, results)
    return RecordedRun(folder, str(status.get("status", "done")), status, config, results, rows, status.get("error"))


def _refuse_missing(path: Path) -> None:
    found = "an empty file" if path.is_file() else "no such file"
    if not path.is_file() or not path.stat().st_size:
        raise DataError(f"found {found}, but the run is done", path=path)


def _thesis(folder: Path, results: Mapping[str, Any]) -> RecordedRun:
    try:
        return thesis_run(folder, results)
    except (DataError, KeyError, TypeError, ValueError, AttributeError) as error:
        broken = NotReadable(folder / RESULTS, None, f"not as the thesis tools write it: {error}")
        return RecordedRun(folder, "unreadable", error=str(broken), not_readable=(broken,))


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
