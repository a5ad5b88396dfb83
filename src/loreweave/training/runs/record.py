"""The folder of a run: configuration, inputs, status, and all metrics and predictions.

Layout:

    config.json        the resolved configuration
    environment.json   versions, git commit, machine and device
    status.json        running | done | failed | interrupted | pruned, with times, command, error, and `used` (see `status`)
    metrics.jsonl      one object per evaluation or log line: step, epoch, split and values; epoch 0 = before training
    train_loss.npy     true loss of every update
    predictions/       <split>_epoch<k>.npz, .jsonl and .tables.json; <split>.npz and so on are those of the kept weights
    results.json       summary, written when the run is done
    records.json       ids of the drawn records, if the files alone do not determine them
    model/             the kept weights (Hugging Face format)
    inputs.json        hashes of all inputs, and numbers that follow from them: a resumed run must have the same
    checkpoints/       for resuming; removed when the run is done (see `checkpoints`)
    tensorboard/       event files, if requested
    trial.json         the trial of a search to which the run belongs
    lock.json          the process that uses the folder now (see `lock`)
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import atomic_path, is_temporary, write_json, write_json_lines
from loreweave.errors import ConfigurationError, DataError
from loreweave.training.runs import lock as run_lock
from loreweave.training.runs import predictions as run_predictions
from loreweave.training.runs.checkpoints import Checkpoints, state_of
from loreweave.training.runs.endings import Pruned
from loreweave.training.runs.environment import environment, is_command_line, program
from loreweave.training.runs.event_files import EventFiles
from loreweave.training.runs.inputs import changed_settings, changes
from loreweave.training.runs.lock import RunLock
from loreweave.training.runs.metric_lines import append_line, read_lines
from loreweave.training.runs.resources import Meter
from loreweave.training.runs.resuming import occupied
from loreweave.training.runs.status import begun, now, read_status, write_status

_FILES = (
    "config.json", "environment.json", "metrics.jsonl", "train_loss.npy", "results.json", "records.json", "inputs.json",
    "left_out.json",
)  # fmt: skip
TRIAL_FILE = "trial.json"
"""File of a search, which writes it before the run begins: the trial to which the run belongs."""
_FOLDERS = ("predictions", "model", "checkpoints", "tensorboard")


class RunRecord:
    """The folder of one run. Create it with `create` or `reopen`; `is_writer` is true only for the first process."""

    def __init__(self, path: str | os.PathLike[str], is_writer: bool = True) -> None:
        self.path = Path(path)
        self.is_writer = is_writer
        self.resumed = self.asked_to_resume = False
        self._board: EventFiles | None = None
        self._meter: Meter | None = None
        self._lock: RunLock | None = None
        self._watches = 0

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        kind: str,
        config: Mapping[str, Any],
        *,
        resume: bool = False,
        overwrite: bool = False,
        command: Sequence[str] | None = None,
        origin: Mapping[str, Any] | None = None,
        is_writer: bool = True,
    ) -> RunRecord:
        """Begin a run in `path`, or with `resume` continue the one there; if there is none, a run begins too.

        Raises:
            ConfigurationError: see `create` and `reopen`.
        """
        if resume and is_writer and not cls(path)._is_unbegun():
            return cls.reopen(path, config)
        record = cls.create(path, kind, config, overwrite=overwrite, command=command, origin=origin, is_writer=is_writer)
        record.asked_to_resume = resume
        return record

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        kind: str,
        config: Mapping[str, Any],
        *,
        overwrite: bool = False,
        command: Sequence[str] | None = None,
        origin: Mapping[str, Any] | None = None,
        is_writer: bool = True,
    ) -> RunRecord:
        """Start a new run in `path`; `origin` names its input files in the status (see `status.begun`).

        Raises:
            ConfigurationError: the folder has another run (and `overwrite` is false), one that is being trained, or files that
                do not belong to a run.
        """
        record = cls(path, is_writer)
        if not is_writer:
            return record
        record._check_room(overwrite, config)
        record.path.mkdir(parents=True, exist_ok=True)
        record._take_lock()
        with record._unlocked_by_errors():
            record._make_room(overwrite, config)
            record._begin(config, begun(kind, command, **(origin or {})))
        return record

    def _begin(self, config: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        # First, because it marks the folder as a run's: a run that is killed here can be replaced.
        write_status(self.path, status)
        write_json(self.path / "config.json", dict(config))
        write_json(self.path / "environment.json", environment())

    @classmethod
    def reopen(cls, path: str | os.PathLike[str], config: Mapping[str, Any], *, is_writer: bool = True) -> RunRecord:
        """Continue the run in `path`, which must have the same configuration.

        Raises:
            ConfigurationError: there is no run, it is finished, being trained, or has other settings (they are
                named).
        """
        record = cls(path, is_writer)
        record.resumed = True
        if record.path.is_dir():
            record._take_lock()
        with record._unlocked_by_errors():
            record._check_resumable(config)
        record.set_status("running", resumed=now(), error=None)
        return record

    def _check_resumable(self, config: Mapping[str, Any]) -> None:
        status = self.status().get("status")
        if status is None or not (self.path / "config.json").exists():
            raise ConfigurationError(f"{self.path}: found no run to resume")
        if status == "done":
            shutil.rmtree(self.checkpoints_path, ignore_errors=True)  # the run was killed right after setting the status
            raise ConfigurationError(f"{self.path}: the run is done, there is nothing to resume; --overwrite repeats it")
        if changed := changed_settings(read_json(self.path / "config.json"), json.loads(json.dumps(dict(config)))):
            raise ConfigurationError(
                f"{self.path}: cannot resume with other settings: {'; '.join(changed)}. Give the settings of the run, or begin "
                "another run (--overwrite, or another folder)"
            )

    def _came_to_nothing(self) -> bool:
        """Whether the folder's run failed before training anything, for example because of a wrong setting."""
        left = (self.path / "metrics.jsonl").exists() or bool(self.checkpoints.all())
        return self.status().get("status") == "failed" and not left

    def _is_unbegun(self) -> bool:
        """Whether there is nothing to resume: no folder, an empty one, or a run that failed before training."""
        found = self._found()
        return not found or self._came_to_nothing() or ("status.json" in found and "config.json" not in found)

    def _found(self) -> set[str]:
        """Names in the folder, without temporary files and those that can be there before the run."""
        if not self.path.is_dir():
            return set()
        names = {entry.name for entry in self.path.iterdir()}
        return {name for name in names if name not in (run_lock.FILE, TRIAL_FILE) and not is_temporary(name)}

    def _check_room(self, overwrite: bool, config: Mapping[str, Any]) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise ConfigurationError(f"{self.path}: found a file, expected a folder for the run")
        found = self._found()
        if not found:
            return
        if "status.json" not in found:
            raise ConfigurationError(f"{self.path}: the folder is not empty and does not contain a run; choose another")
        if not overwrite and "config.json" in found and not self._came_to_nothing():
            raise ConfigurationError(f"{self.path}: {occupied(self.path, config)}")

    def _make_room(self, overwrite: bool, config: Mapping[str, Any]) -> None:
        self._check_room(overwrite, config)  # again, since another process may have begun a run before the lock was taken
        for name in _FILES:
            (self.path / name).unlink(missing_ok=True)
        for name in (name for name in _FOLDERS if (self.path / name).exists()):
            shutil.rmtree(self.path / name, ignore_errors=True)

    def _take_lock(self) -> None:
        if self.is_writer:
            self._lock = RunLock(self.path)
            self._lock.take()

    @contextmanager
    def _unlocked_by_errors(self) -> Iterator[None]:
        """Release the folder if the block fails, since the process may go on for a long time."""
        try:
            yield
        except BaseException:
            if self._lock is not None:
                self._lock.release()
            raise

    def confirm(self) -> None:
        """Raise a `LoreweaveError` if another process has taken over the run."""
        if self._lock is not None:
            self._lock.confirm()

    @property
    def model_path(self) -> Path:
        """Folder of the kept weights."""
        return self.path / "model"

    @property
    def checkpoints_path(self) -> Path:
        """Folder of the checkpoints for resuming."""
        return self.path / "checkpoints"

    @property
    def checkpoints(self) -> Checkpoints:
        """The checkpoints for resuming."""
        return Checkpoints(self.checkpoints_path)

    def keep_inputs(self, read: Callable[[], Mapping[str, Any]]) -> None:
        """Record the inputs of the run (see `inputs`); a resumed run must have the same.

        Raises:
            ConfigurationError: they differ; the message names the differences.
        """
        if not self.is_writer:
            return
        path, now = self.path / "inputs.json", json.loads(json.dumps(dict(read())))
        before = read_json(path) if path.exists() else {}
        if changed := changes(before, {name: now.get(name, value) for name, value in before.items()}):
            raise ConfigurationError(
                f"{self.path}: cannot resume on other data: {'; '.join(changed)}. Restore the data of the run, or begin "
                "another run (--overwrite, or another folder)"
            )
        write_json(path, {**before, **now})

    def status(self) -> dict[str, Any]:
        """Content of `status.json`, empty if there is none."""
        return read_status(self.path)

    def set_status(self, status: str, **values: Any) -> None:
        """Replace the status and add values."""
        if self.is_writer:
            write_status(self.path, self.status() | {"status": status} | values)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Record in the status how the block ends (`failed` with the error, `interrupted` or `pruned`), and what it used.

        A resumed run adds to the values of its earlier parts.
        """
        if self._meter is None:  # otherwise it is part of a watched block
            self._meter = Meter(self._used_earlier())
        self._watches += 1
        try:
            yield
        except KeyboardInterrupt:
            self._end("interrupted")
            raise
        except Pruned as reason:
            self._end("pruned", reason=str(reason))
            raise
        except BaseException as error:
            self._end("failed", error=f"{type(error).__name__}: {error}")
            raise
        finally:
            self._watches -= 1
            if not self._watches and self._lock is not None:
                self._lock.release()

    def _used_earlier(self) -> dict[str, float]:
        """Usage of earlier parts; a part that was killed has recorded it in its checkpoints only."""
        noted = [self.status().get("used") or {}] if self.resumed else []
        for path in self.checkpoints.all() if self.resumed else ():
            with suppress(DataError, KeyError, TypeError):
                noted.append(dict(state_of(path).get("used") or {}))
        return max(noted, key=lambda used: used.get("seconds", 0.0), default={})

    def used(self) -> dict[str, float]:
        """Time and memory of the run so far, all parts together."""
        return self._meter.read() if self._meter else {}

    def _end(self, status: str, **values: Any) -> None:
        used = {"used": self.used()} if self._meter else {}
        self.set_status(status, ended=now(), **used, **values)

    def open_tensorboard(self) -> None:
        """Let `log` also write event files; they begin with exactly the rows of `metrics.jsonl`."""
        if not self.is_writer:
            return
        if self._board is not None:
            self._board.close()
        config = read_json(self.path / "config.json")
        self._board = EventFiles(self.path / "tensorboard", self.metrics(), config.get("settings", config))

    def log(self, *, step: int, split: str, **values: Any) -> None:
        """Append one object to `metrics.jsonl`, and its numbers to TensorBoard if that is open."""
        if not self.is_writer:
            return
        self.confirm()
        row = append_line(self.path / "metrics.jsonl", {"step": step, "split": split, **values})
        if self._board is not None:
            self._board.show(row)

    def metrics(self) -> list[dict[str, Any]]:
        """All objects of `metrics.jsonl`, without an incomplete last line."""
        return read_lines(self.path / "metrics.jsonl")[0]

    def forget_after(self, step: int) -> list[str]:
        """Remove the metrics and losses of later steps: the run resumes from a checkpoint of `step`.

        Returns:
            Lines about anything else that was dropped.
        """
        rows, broken = read_lines(self.path / "metrics.jsonl")
        if self.is_writer:
            write_json_lines(self.path / "metrics.jsonl", [row for row in rows if row["step"] <= step])
            if losses := self.train_loss():
                self.save_train_loss(losses[: max(0, step)])
            if self._board is not None:
                self.open_tensorboard()
        return [f"{self.path / 'metrics.jsonl'}: dropped the last line, which was incomplete"] * broken

    def train_loss(self) -> list[float]:
        """The loss of each update so far."""
        path = self.path / "train_loss.npy"
        return [float(value) for value in np.load(path)] if path.exists() else []

    def save_train_loss(self, losses: Sequence[float]) -> None:
        """Replace the losses of the updates."""
        if self.is_writer:
            with atomic_path(self.path / "train_loss.npy") as path, open(path, "wb") as file:
                np.save(file, np.asarray(losses, dtype=np.float32))

    def save_predictions(
        self,
        name: str,
        arrays: Mapping[str, np.ndarray],
        rows: Iterable[Mapping[str, Any]],
        tables: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
    ) -> None:
        """Write `predictions/<name>.npz`, `.jsonl` and, if there are tables or `files`, `.tables.json` and others (see
        `predictions`).
        """
        if self.is_writer:
            run_predictions.save(self.path / "predictions", name, arrays, rows, tables, files)

    def save_records(self, ids: Mapping[str, Sequence[str]]) -> None:
        """Write the ids of each split's records."""
        if self.is_writer:
            write_json(self.path / "records.json", {split: list(names) for split, names in ids.items()})

    def save_left_out(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Write place and error of each skipped bad record, by split; no file if there is none."""
        if self.is_writer and errors:
            write_json(self.path / "left_out.json", {split: list(lines) for split, lines in errors.items()})

    def keep_predictions(self, source: str, name: str) -> None:
        """Copy the predictions `source` (`dev_epoch2`) to `name` (`dev`)."""
        if self.is_writer:
            run_predictions.keep(self.path / "predictions", source, name)

    def tables(self, name: str) -> dict[str, Any]:
        """Tables of the predictions `name`; empty if there are none."""
        return run_predictions.tables_of(self.path / "predictions", name)

    def finish(self, results: Mapping[str, Any]) -> None:
        """Write `results.json`, set the status to `done`, and only then remove the checkpoints."""
        if self.is_writer:
            write_json(self.path / "results.json", dict(results))
            if self._board is not None:
                self._board.close()
                self._board = None
            self._end("done")
            shutil.rmtree(self.checkpoints_path, ignore_errors=True)
            if not self._watches and self._lock is not None:
                self._lock.release()

    def resume_command(self) -> str:
        """The command, or call from Python, that continues this run, in words."""
        command = [part for part in self.status().get("command", sys.argv) if part not in ("--overwrite", "--resume")]
        if not is_command_line(command[0]):
            return f"the same call with output={str(self.path)!r} and resume=True"
        return shlex.join([*program(command[0]), *command[1:], "--resume"])
