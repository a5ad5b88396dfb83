"""The checkpoints of a run: which of them is whole and healthy, and how one becomes so.

A checkpoint counts when it has `complete.json`, which is written last: it lists the other files with their sizes. What a run
must know besides to go on as if it had never stopped stands there too.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import write_json, write_through
from loreweave.errors import DataError

MARK = "complete.json"


@dataclass
class Found:
    """The checkpoint to go on from (None: there is none), and why newer ones were passed over, a line each."""

    path: Path | None = None
    passed_over: list[str] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)

    @property
    def step(self) -> int:
        """Updates that it has behind it."""
        return 0 if self.path is None else step_of(self.path)


class Checkpoints:
    """The folder `checkpoints` of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, step: int) -> Path:
        """The folder of the checkpoint after so many updates."""
        return self.path / f"checkpoint-{step}"

    def all(self) -> list[Path]:
        """All that are there, whole or not, the newest first."""
        found = [path for path in self.path.glob("checkpoint-*") if path.name.rpartition("-")[2].isdecimal()]
        return sorted(found, key=step_of, reverse=True)

    def newest(self) -> Found:
        """The newest that is whole and has finite weights. Reads those weights."""
        found = Found()
        for path in self.all():
            fault = fault_of(path)
            if fault is None:
                found.path = path
                break
            found.passed_over.append(f"passed over {path}: {fault}")
            found.broken.append(path)
        return found

    def seal(self, step: int, state: Mapping[str, Any]) -> None:
        """Say that a checkpoint is whole: all its files are on the disk now."""
        folder = self.of(step)
        write_through(folder)
        files = {str(path.relative_to(folder)): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()}
        write_json(folder / MARK, {"step": step, "files": files, "state": dict(state)})
        write_through(folder / MARK)
        write_through(self.path)

    def prune(self, keep: int) -> None:
        """Remove all older than the newest `keep` that were sealed."""
        whole = 0
        for path in self.all():
            if whole >= keep:
                shutil.rmtree(path, ignore_errors=True)
            whole += (path / MARK).is_file()


def step_of(path: Path) -> int:
    """Updates behind a checkpoint, from its name."""
    return int(path.name.rpartition("-")[2])


def state_of(path: Path) -> dict[str, Any]:
    """What `seal` was given."""
    return dict(read_json(path / MARK)["state"])


def fault_of(path: Path) -> str | None:
    """Why no run can go on from a checkpoint; None where one can."""
    try:
        mark = read_json(path / MARK)
        files = dict(mark["files"])
        mark["state"]
    except (DataError, KeyError, TypeError):
        return f"it was not written to the end (no {MARK})"
    for name, size in files.items():
        file = path / name
        there = file.stat().st_size if file.is_file() else None
        if there != size:
            return f"{name} " + (f"has {there:,} bytes, expected {size:,}" if there is not None else "is missing")
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
