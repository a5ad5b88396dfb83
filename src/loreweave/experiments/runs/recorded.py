"""A recorded run: what `loreweave finetune`, `pretrain` and `evaluate` have written to a folder."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from loreweave.corpus.files.reading import read_json, read_json_lines
from loreweave.errors import DataError
from loreweave.experiments.runs.run_settings import dotted_settings

RESULTS = "results.json"
STATES = ("running", "done", "failed", "interrupted", "crashed", "pruned", "unreadable")
"""States of a run. crashed: the process has ended without saying how. pruned: a search has stopped the run early."""
_SPLITS = ("dev", "test")


@dataclass(frozen=True)
class NotReadable:
    """A file of a run that cannot be read.

    Attributes:
        path: the file.
        line: number of the line, from 1; None if it is not known.
        reason: what was found, and what was expected.
    """

    path: Path
    line: int | None
    reason: str

    @classmethod
    def of(cls, error: DataError | OSError, path: Path) -> NotReadable:
        """The file of an error; `path` if the error does not name one."""
        if isinstance(error, OSError):
            return cls(Path(error.filename or path), None, error.strerror or str(error))
        field = f"field {error.field!r}: " if error.field is not None else ""
        return cls(Path(error.path or path), error.line, f"{field}{error.message}")

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line is not None else ""
        return f"{self.path}{line}: {self.reason}"


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
        not_readable: files that cannot be read. Predictions are among them only after `report.readable.checked`; such a run
            has no predictions of their split.
    """

    path: Path
    state: str
    status: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] = ()
    error: str | None = None
    not_readable: tuple[NotReadable, ...] = ()

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

        Fine-tuning: the metric that selects the epoch, on dev and test data. Pre-training: the loss, also on dev data.
        Evaluation: the main metric of the task (of older records, the first one).
        """
        if self.kind == "pretraining":
            return [name for name in self.scores if name in ("loss", "dev.loss")]
        if self.kind != "finetuning":
            main = self.config.get("metric")
            return [str(main)] if main in list(self.scores) else list(self.scores)[:1]
        metric = self.results.get("metric") or self.settings.get("metric")
        return [name for name in self.scores if name.partition(".")[2] == metric]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Settings by their dotted names (see `dotted_settings`); one that had no effect is None."""
        values = self.config.get("settings", self.config if self.kind == "pretraining" else {})
        found = dotted_settings(values) if isinstance(values, Mapping) else {}
        return {name: value for name, value in found.items() if name not in ("model", "output")}

    @cached_property
    def scores(self) -> dict[str, float]:
        """Numbers of the run by name: `dev.micro_f1`, `test.micro_f1`; without a split for evaluations and for the training
        data of pre-training.

        A run without results has the scores of its last epoch. Numbers that are not finite are left out.
        """
        if self.kind == "pretraining":
            own = dict(_numbers(self.results or self._last("train"), without=("steps", "seconds")))
            return own | self._scores_by_split(("dev",))
        if self.kind == "finetuning":
            return self._scores_by_split(_SPLITS)
        names = list(self.results)
        after = names.index("notes") + 1 if "notes" in names else len(names)  # facts come before, metrics after
        return dict(_numbers({name: self.results[name] for name in names[after:]}))

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """Hashes of the inputs; empty if there are none that can be read."""
        path = self.path / "inputs.json"
        with suppress(DataError, OSError):
            found = read_json(path) if path.is_file() else {}
            return found if isinstance(found, dict) else {}
        return {}

    @property
    def epoch(self) -> float | None:
        """The last epoch that was finished, or the part of the data that pre-training has read so far."""
        return next((float(row["epoch"]) for row in reversed(self.rows) if row.get("epoch") is not None), None)

    def arrays(self, split: str) -> dict[str, np.ndarray]:
        """The arrays of the predictions for a split (`logits`, `labels`, ...); empty if there are none.

        Raises:
            DataError: the file cannot be read.
        """
        path = self.predictions_path(split, ".npz")
        if path is None:
            return {}
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, BadZipFile, EOFError, zlib.error, AttributeError, TypeError) as error:
            why = str(error).partition(".")[0] or "the file ends too early"
            raise DataError(f"found arrays that cannot be read ({why}), expected those of a NumPy .npz", path=path) from None

    def predictions(self, split: str) -> list[dict[str, Any]]:
        """The predictions for a split, one object per record; empty if there are none.

        Raises:
            DataError: the file cannot be read.
        """
        path = self.predictions_path(split, ".jsonl")
        return [] if path is None else [row for _, row in read_json_lines(path)]

    def predictions_path(self, split: str, ending: str) -> Path | None:
        """A file of a split, if there is one that can be read.

        The data of an evaluation, after which its files are named, count as test data.
        """
        folder = self.path / "predictions"
        others = [path.stem for path in folder.glob("*.jsonl")] if split == "test" else []
        names = [split] if self.kind == "finetuning" else others
        path = folder / f"{names[0]}{ending}" if len(names) == 1 else None
        if path is None or not path.is_file():
            return None
        broken = [file.path for file in self.not_readable]
        return None if path in broken or path.with_suffix(".jsonl") in broken else path

    def _scores_by_split(self, splits: Sequence[str]) -> dict[str, float]:
        """Numbers of splits, whose names come first."""
        found = {split: self.results.get(split) or {} for split in splits} if self.results else {"dev": self._last("dev")}
        return {f"{split}.{name}": value for split, values in found.items() for name, value in _numbers(values)}

    def _last(self, split: str) -> Mapping[str, Any]:
        """The last line of a split."""
        found: Mapping[str, Any] = next((row for row in reversed(self.rows) if row.get("split") == split), {})
        return {name: value for name, value in found.items() if name not in ("step", "split", "epoch")}


def _numbers(values: Mapping[str, Any], without: Sequence[str] = ()) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if is_number(value) and math.isfinite(value) and name not in without:
            yield name, value


def is_number(value: object) -> bool:
    """Whether a value is a number, and not a boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)
