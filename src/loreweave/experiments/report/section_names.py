"""Names of sections: the task, and the names of the data with as much of their folders as tells them apart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.training.runs.inputs import name_and_content

_PLAIN = re.compile(r"(train|training|dev|development|test|testing|valid|validation|val|eval|evaluation|data)?[-_]?\d*", re.I)
"""Names that files of any data set have."""
_PARTS = 4
"""Maximum number of parts of a path in a name."""


def section_names(firsts: Sequence[RecordedRun]) -> list[str]:
    """A name for each section, given by a run of it; all differ.

    Names of files such as `dev.json` do not say which data they are: the folder is added then, and where two sections would
    have the same name.
    """
    paths = [data_paths(run) for run in firsts]
    lengths = [next((size for size in range(1, _PARTS) if _tells(of, size)), 1) for of in paths]
    names = [_name(run, of, size) for run, of, size in zip(firsts, paths, lengths, strict=True)]
    for size in range(2, _PARTS + 1):
        names = [
            name if names.count(name) == 1 else _name(run, of, max(size, own))
            for name, run, of, own in zip(names, firsts, paths, lengths, strict=True)
        ]
    return [
        f"{name}, other data {names[: place + 1].count(name)}" if name in names[:place] else name
        for place, name in enumerate(names)
    ]


def data_paths(run: RecordedRun) -> list[Path]:
    """The files that a run is scored on, as far as their paths are recorded, otherwise their names."""
    recorded, files = run.config.get("data"), run.status.get("files") or {}
    start = Path(str(run.status.get("directory") or ""))
    if run.kind == "pretraining":
        return [start / str(place) for place in run.config.get("dev") or ()]
    if run.kind == "finetuning" and isinstance(recorded, Mapping):
        names = {name: name_and_content(str(recorded[name]))[0] for name in scored_files(run, recorded)}
        return list(dict.fromkeys(_place(start, files.get(split), name) for split, name in names.items()))
    place: Any = files.get("data") or run.results.get("data") or run.results.get("gold")
    return [start / str(place)] if place else []


def scored_files(run: RecordedRun, recorded: Mapping[str, Any]) -> list[str]:
    """Names of the recorded files that a fine-tuned run is scored on; training files if its dev data are a part of them."""
    found = [name for name in recorded if name in ("dev", "test")]
    return list(recorded) if run.settings.get("dev_fraction") else found or list(recorded)


def _place(start: Path, path: Any, name: str) -> Path:
    """The path of a file; its name if the path is that of another file."""
    return start / str(path) if path and Path(str(path)).name == name else Path(name)


def _tells(paths: Sequence[Path], size: int) -> bool:
    """Whether the last parts of the paths have a name that is not one of any data set."""
    parts = [part.partition(".")[0] for path in paths for part in _parts(path)[-size:]]
    return any(not _PLAIN.fullmatch(part) for part in parts)


def _name(run: RecordedRun, paths: Sequence[Path], size: int) -> str:
    data = _data(paths, size)
    name = f"{run.task or run.kind} on {data}" if data else str(run.task or run.kind)
    return f"{name} (evaluations)" if run.kind == "evaluation" else name


def _data(paths: Sequence[Path], size: int) -> str:
    """The last parts of the paths; a folder that all have in common is named once."""
    folders = {"/".join(_parts(path)[:-1][-size + 1 :]) if size > 1 else "" for path in paths}
    if len(folders) == 1:
        (folder,) = folders
        names = " and ".join(dict.fromkeys(path.name for path in paths))
        return f"{names} in {folder}" if folder else names
    return " and ".join("/".join(_parts(path)[-size:]) for path in paths)


def _parts(path: Path) -> tuple[str, ...]:
    return path.parts[1:] if path.is_absolute() else path.parts
