"""A recorded run: what `loreweave finetune`, `pretrain` and `evaluate` have written to a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import read_json
from loreweave.errors import DataError
from loreweave.training.runs.lock import is_held
from loreweave.training.runs.metric_lines import read_lines
from loreweave.training.runs.status import FILE as STATUS

RESULTS = "results.json"
STATES = ("running", "done", "failed", "interrupted", "crashed", "pruned", "unreadable")
"""States of a run. crashed: the process has ended without saying how. pruned: a search has stopped the run early."""
_SPLITS = ("dev", "test")


@dataclass(frozen=True)
class RecordedRun:
    """A run in its folder, read without changing it; it may be running.

    Attributes:
        path: the folder.
        state: one of `STATES`.
        status: content of `status.json`.
        config: content of `config.json`.
        results: content of `results.json`, empty before the end of the run.
        rows: the lines of `metrics.jsonl`.
        error: what went wrong.
    """

    path: Path
    state: str
    status: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] = ()
    error: str | None = None

    @property
    def kind(self) -> str:
        """finetuning, pretraining, evaluation, or score and other for results without a status (of `score`, of `probe`)."""
        if "kind" in self.status:
            return str(self.status["kind"])
        if "task" not in self.results:
            return "other"
        return "score" if "gold" in self.results else "evaluation"

    @property
    def task(self) -> str | None:
        """Name of the task; None for pre-training."""
        found = self.config.get("task", self.results.get("task"))
        return None if found is None else str(found)

    @property
    def model(self) -> str | None:
        """The model with which the run began."""
        found = self.config.get("model", self.results.get("model"))
        return None if found is None else str(found)

    @property
    def main_scores(self) -> list[str]:
        """Names of the most important scores.

        Fine-tuning: the metric that selects the epoch, on dev and test data. Pre-training: the loss. Evaluation: the first
        metric of the task.
        """
        if self.kind == "pretraining":
            return [name for name in self.scores if name == "loss"]
        if self.kind != "finetuning":
            return list(self.scores)[:1]
        metric = self.results.get("metric") or self.settings.get("metric")
        return [name for name in self.scores if name.partition(".")[2] == metric]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Settings by their dotted names, as in the shell (`optimizer.learning_rate`)."""
        values = self.config.get("settings", self.config if self.kind == "pretraining" else {})
        found = dict(_dotted(values)) if isinstance(values, Mapping) else {}
        return {name: value for name, value in found.items() if name not in ("model", "output")}

    @cached_property
    def scores(self) -> dict[str, float]:
        """Numbers of the run by name: `dev.micro_f1`, `test.micro_f1`; without a split for pre-training and evaluations.

        A run without results has the scores of its last epoch.
        """
        if self.kind == "pretraining":
            return dict(_numbers(self.results or self._last(None), without=("steps", "seconds")))
        if self.kind == "finetuning":
            splits = {split: self.results.get(split) or {} for split in _SPLITS} if self.results else {"dev": self._last("dev")}
            return {f"{split}.{name}": value for split, values in splits.items() for name, value in _numbers(values)}
        names = list(self.results)
        after = names.index("notes") + 1 if "notes" in names else len(names)  # facts come before, metrics after
        return dict(_numbers({name: self.results[name] for name in names[after:]}))

    @property
    def epoch(self) -> float | None:
        """The last epoch that was finished, or the part of the data that pre-training has read so far."""
        return next((float(row["epoch"]) for row in reversed(self.rows) if row.get("epoch") is not None), None)

    def _last(self, split: str | None) -> Mapping[str, Any]:
        """The last line of a split, or of all."""
        found: Mapping[str, Any] = next((row for row in reversed(self.rows) if split in (None, row.get("split"))), {})
        return {name: value for name, value in found.items() if name not in ("step", "split", "epoch")}


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
    state = str(status.get("status", "done"))
    if state == "running" and not is_held(folder):
        state = "crashed"
    return RecordedRun(folder, state, status, config, results, rows, status.get("error"))


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


def _numbers(values: Mapping[str, Any], without: Sequence[str] = ()) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in without:
            yield name, value


def _dotted(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _dotted(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
