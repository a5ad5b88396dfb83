"""The folder of a run: what was asked, on what, how it went, and every number and prediction that came out.

Layout (specs/experiments_and_attention.md A1.9):

    config.json        the resolved configuration
    environment.json   versions, git commit, machine and device
    status.json        running | done | failed | interrupted, with times, command, error, and what it `used` (seconds, memory)
    metrics.jsonl      one object per evaluation or log line: step, epoch, split and values; epoch 0 = before training
    train_loss.npy     the true loss of every update
    predictions/       <split>_epoch<k>.npz and .jsonl; <split>.npz and .jsonl are those of the kept weights
    results.json       the summary; there when the run is done
    records.json       ids of the records that were drawn, where the files alone do not say
    model/             the kept weights (Hugging Face format)
    checkpoints/       for resuming; removed when the run is done
    tensorboard/       event files, when asked for
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from loreweave import __version__
from loreweave.corpus.files import atomic_path, json_text, read_json, read_json_lines, write_json, write_json_lines
from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.training.resources import Meter

_FILES = (
    "config.json",
    "environment.json",
    "metrics.jsonl",
    "train_loss.npy",
    "results.json",
    "records.json",
)
_FOLDERS = ("predictions", "model", "checkpoints", "tensorboard")
_PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "datasets", "numpy", "safetensors")


class Interrupted(LoreweaveError):
    """The user stopped the run; a checkpoint is kept and the message says how to go on."""

    exit_code = 130


class RunRecord:
    """One run's folder. Make it with `create` or `reopen`; `is_writer` is false on all processes but the first."""

    def __init__(self, path: str | os.PathLike[str], is_writer: bool = True) -> None:
        self.path = Path(path)
        self.is_writer = is_writer
        self._board: Any = None
        self._meter: Meter | None = None

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        kind: str,
        config: Mapping[str, Any],
        *,
        overwrite: bool = False,
        command: Sequence[str] | None = None,
        is_writer: bool = True,
    ) -> RunRecord:
        """Start a new run in `path`.

        Raises:
            ConfigurationError: the folder holds another run (and `overwrite` is off) or files that are no run's.
        """
        record = cls(path, is_writer)
        if not is_writer:
            return record
        record._make_room(overwrite)
        record.path.mkdir(parents=True, exist_ok=True)
        # First, because it marks the folder as a run's: one that is killed here can be replaced.
        begun = {"status": "running", "kind": kind, "command": list(command or sys.argv), "started": _now()}
        write_json(record.path / "status.json", begun)
        write_json(record.path / "config.json", dict(config))
        write_json(record.path / "environment.json", environment())
        return record

    @classmethod
    def reopen(cls, path: str | os.PathLike[str], config: Mapping[str, Any], *, is_writer: bool = True) -> RunRecord:
        """Continue the run in `path`, which must have been asked for with the same configuration.

        Raises:
            ConfigurationError: no run there, a finished one, or one with other settings (they are named).
        """
        record = cls(path, is_writer)
        status = record.status().get("status")
        if status is None or not (record.path / "config.json").exists():
            raise ConfigurationError(f"{record.path}: found no run to resume")
        if status == "done":
            raise ConfigurationError(f"{record.path}: the run is done, there is nothing to resume")
        changed = _differences(read_json(record.path / "config.json"), json.loads(json.dumps(dict(config))))
        if changed:
            raise ConfigurationError(f"{record.path}: cannot resume with other settings: {'; '.join(changed)}")
        record.set_status("running", resumed=_now(), error=None)
        return record

    def _came_to_nothing(self) -> bool:
        """Whether the folder's run failed before it trained anything: a wrong setting, for example."""
        left = (self.path / "metrics.jsonl").exists() or self.last_checkpoint() is not None
        return self.status().get("status") == "failed" and not left

    def _make_room(self, overwrite: bool) -> None:
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise ConfigurationError(f"{self.path}: found a file, expected a folder for the run")
        found = {entry.name for entry in self.path.iterdir()}
        if not found:
            return
        if "status.json" not in found:
            raise ConfigurationError(f"{self.path}: the folder is not empty and holds no run; choose another")
        if not overwrite and not self._came_to_nothing():
            message = "the folder holds another run; use --resume, --overwrite or another folder"
            raise ConfigurationError(f"{self.path}: {message}")
        for name in _FILES:
            (self.path / name).unlink(missing_ok=True)
        for name in _FOLDERS:
            shutil.rmtree(self.path / name, ignore_errors=True)

    @property
    def model_path(self) -> Path:
        """Where the kept weights are."""
        return self.path / "model"

    @property
    def checkpoints_path(self) -> Path:
        """Where the checkpoints for resuming are."""
        return self.path / "checkpoints"

    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that was written whole (its `trainer_state.json` is written last)."""
        found = [path.parent for path in self.checkpoints_path.glob("checkpoint-*/trainer_state.json")]
        return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    def status(self) -> dict[str, Any]:
        """The content of `status.json`, empty where there is none."""
        path = self.path / "status.json"
        return dict(read_json(path)) if path.exists() else {}

    def set_status(self, status: str, **values: Any) -> None:
        """Replace the status and add values, atomically."""
        if self.is_writer:
            write_json(self.path / "status.json", self.status() | {"status": status} | values)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Note in the status how the block ends (`failed` with the error, or `interrupted`), and what it used.

        A resumed run adds to what its earlier parts used.
        """
        if self._meter is None:  # else a part of what is watched already
            self._meter = Meter(self.status().get("used"))
        try:
            yield
        except (KeyboardInterrupt, Interrupted):
            self._end("interrupted")
            raise
        except BaseException as error:
            self._end("failed", error=f"{type(error).__name__}: {error}")
            raise

    def _end(self, status: str, **values: Any) -> None:
        used = {"used": self._meter.read()} if self._meter else {}
        self.set_status(status, ended=_now(), **used, **values)

    def open_tensorboard(self) -> None:
        """From now on `log` writes event files as well; they begin with what `metrics.jsonl` holds, and with nothing else."""
        if not self.is_writer:
            return
        from torch.utils.tensorboard import SummaryWriter

        if self._board is not None:
            self._board.close()
        shutil.rmtree(self.path / "tensorboard", ignore_errors=True)
        self._board = SummaryWriter(str(self.path / "tensorboard"))
        for row in self.metrics():
            self._show(row)
        self._board.flush()

    def _show(self, row: Mapping[str, Any]) -> None:
        """Give the numbers of a line to TensorBoard."""
        for name, value in row.items():
            if name not in ("step", "split") and isinstance(value, int | float):
                self._board.add_scalar(f"{row['split']}/{name}", value, row["step"])

    def log(self, *, step: int, split: str, **values: Any) -> None:
        """Append one object to `metrics.jsonl`, and its numbers to TensorBoard if that is open."""
        if not self.is_writer:
            return
        row = {"step": step, "split": split, **values}
        with open(self.path / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write(json_text(row) + "\n")
        if self._board is not None:
            self._show(row)
            self._board.flush()

    def metrics(self) -> list[dict[str, Any]]:
        """All objects of `metrics.jsonl`."""
        path = self.path / "metrics.jsonl"
        return [row for _, row in read_json_lines(path)] if path.exists() else []

    def forget_after(self, step: int) -> None:
        """Take out the metrics and losses of later steps: the run goes on from a checkpoint of `step`."""
        if self.is_writer:
            write_json_lines(self.path / "metrics.jsonl", [row for row in self.metrics() if row["step"] <= step])
            if losses := self.train_loss():
                self.save_train_loss(losses[: max(0, step)])
            if self._board is not None:
                self.open_tensorboard()

    def train_loss(self) -> list[float]:
        """The loss of each update so far."""
        path = self.path / "train_loss.npy"
        return [float(value) for value in np.load(path)] if path.exists() else []

    def save_train_loss(self, losses: Sequence[float]) -> None:
        """Replace the losses of the updates."""
        if self.is_writer:
            with atomic_path(self.path / "train_loss.npy") as path, open(path, "wb") as file:
                np.save(file, np.asarray(losses, dtype=np.float32))

    def save_predictions(self, name: str, arrays: Mapping[str, np.ndarray], rows: Iterable[Mapping[str, Any]]) -> None:
        """Write `predictions/<name>.npz` (logits, labels, ids as text) and `.jsonl`, one object per record."""
        if self.is_writer:
            folder = self.path / "predictions"
            with atomic_path(folder / f"{name}.npz") as path, open(path, "wb") as file:
                np.savez_compressed(file, **dict(arrays))  # type: ignore[arg-type]  # numpy's stub: names are arrays
            write_json_lines(folder / f"{name}.jsonl", rows)

    def save_records(self, ids: Mapping[str, Sequence[str]]) -> None:
        """Write the ids of each split's records."""
        if self.is_writer:
            write_json(self.path / "records.json", {split: list(names) for split, names in ids.items()})

    def save_left_out(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Write place and error of each bad record that was skipped, by split; no file where there is none."""
        if self.is_writer and errors:
            write_json(self.path / "left_out.json", {split: list(lines) for split, lines in errors.items()})

    def keep_predictions(self, source: str, name: str) -> None:
        """Copy the predictions `source` (`dev_epoch2`) to `name` (`dev`)."""
        if self.is_writer:
            for suffix in (".npz", ".jsonl"):
                with atomic_path(self.path / "predictions" / f"{name}{suffix}") as path:
                    shutil.copyfile(self.path / "predictions" / f"{source}{suffix}", path)

    def finish(self, results: Mapping[str, Any]) -> None:
        """Write `results.json`, remove the checkpoints, and set the status to `done`."""
        if self.is_writer:
            write_json(self.path / "results.json", dict(results))
            shutil.rmtree(self.checkpoints_path, ignore_errors=True)
            self._end("done")

    def resume_command(self) -> str:
        """The command that continues this run."""
        command = [part for part in self.status().get("command", sys.argv) if part not in ("--overwrite", "--resume")]
        return shlex.join([*_program(command[0]), *command[1:], "--resume"])


def environment() -> dict[str, Any]:
    """Versions, git commit of the code, machine and device."""
    import torch

    devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "loreweave": __version__,
        "git": _git_commit(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "devices": devices,
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
    }


def _git_commit() -> dict[str, Any] | None:
    """Commit of the checkout that the code runs from; None for an installed package or without git."""
    here = Path(__file__).parent
    try:
        git = ["git", "-C", str(here)]
        # A package installed inside someone's own repository is not part of that repository.
        subprocess.run([*git, "ls-files", "--error-unmatch", "../errors.py"], capture_output=True, check=True)
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit.stdout.strip(), "dirty": bool(changed.stdout.strip())}


def _differences(old: Any, new: Any, path: str = "") -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = list(dict.fromkeys([*old, *new]))
        return [line for key in keys for line in _differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))]
    return [] if old == new else [f"{path} was {old!r}, now {new!r}"]


def _program(name: str) -> list[str]:
    """How the program is called: a module run with -m has the path of its file as name; torchrun starts several."""
    if not name.endswith("__main__.py"):
        return [Path(name).name]
    processes = os.environ.get("LOCAL_WORLD_SIZE", "1")
    launcher = ["python"] if processes == "1" else ["torchrun", "--nproc-per-node", processes]
    return [*launcher, "-m", "loreweave"]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
