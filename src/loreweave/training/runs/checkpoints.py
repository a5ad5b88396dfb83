"""Checkpoints of a run: which are complete and healthy, and how one becomes complete.

A checkpoint counts if it has `complete.json`, which is written last: it lists the other files with their sizes, and has the
state that a run needs besides to resume exactly.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import write_json, write_through
from loreweave.errors import DataError

MARK = "complete.json"


@dataclass
class Found:
    """Checkpoint to resume from (None if there is none), and why newer ones were skipped, one line each."""

    path: Path | None = None
    passed_over: list[str] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)

    @property
    def step(self) -> int:
        """Number of updates done."""
        return 0 if self.path is None else step_of(self.path)


class Checkpoints:
    """The folder `checkpoints` of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, step: int) -> Path:
        """Folder of the checkpoint after that number of updates."""
        return self.path / f"checkpoint-{step}"

    def all(self) -> list[Path]:
        """All checkpoints, complete or not, the newest first."""
        found = [path for path in self.path.glob("checkpoint-*") if path.name.rpartition("-")[2].isdecimal()]
        return sorted(found, key=step_of, reverse=True)

    def newest(self) -> Found:
        """The newest complete checkpoint with finite weights. Reads the weights."""
        found = Found()
        for path in self.all():
            fault = fault_of(path)
            if fault is None:
                found.path = path
                break
            found.passed_over.append(f"skipped {path}: {fault}")
            found.broken.append(path)
        return found

    def seal(self, step: int, state: Mapping[str, Any]) -> None:
        """Mark a checkpoint as complete: all its files are on the disk."""
        folder = self.of(step)
        write_through(folder)
        files = {str(path.relative_to(folder)): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()}
        write_json(folder / MARK, {"step": step, "files": files, "state": dict(state)})
        write_through(folder / MARK)
        write_through(self.path)

    def prune(self, keep: int) -> None:
        """Remove all checkpoints older than the newest `keep` complete ones."""
        whole = 0
        for path in self.all():
            if whole >= keep:
                shutil.rmtree(path, ignore_errors=True)
            whole += (path / MARK).is_file()


def step_of(path: Path) -> int:
    """Number of updates of a checkpoint, from its name."""
    return int(path.name.rpartition("-")[2])


def state_of(path: Path) -> dict[str, Any]:
    """The state given to `seal`."""
    return dict(read_json(path / MARK)["state"])


def fault_of(path: Path) -> str | None:
    """Reason why no run can resume from a checkpoint; None if one can."""
    try:
        mark = read_json(path / MARK)
        files = dict(mark["files"])
        mark["state"]
    except (DataError, KeyError, TypeError):
        return f"it is incomplete (no {MARK})"
    for name, size in files.items():
        file = path / name
        there = file.stat().st_size if file.is_file() else None
        if there != size:
            return f"{name} " + (f"has {counted(there, 'byte')}, expected {size:,}" if there is not None else "is missing")
    return _not_finite_in(path)


def _not_finite_in(path: Path) -> str | None:
    from safetensors import SafetensorError, safe_open

    for file in sorted(path.glob("*.safetensors")):
        try:
            with safe_open(file, framework="pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118  # no mapping
                    tensor = tensors.get_tensor(name)
                    if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                        return f"{name} in {file.name} has values that are not finite"
        except SafetensorError as error:
            return f"{file.name} cannot be read ({error})"
    return None
