"""Predictions of a run on one split, with gold labels and probabilities, for figures about classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.files.reading import read_json_lines
from loreweave.errors import DataError
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.metrics.probabilities import sigmoid, softmax


@dataclass(frozen=True)
class ClassOutputs:
    """Predictions of classes.

    Attributes:
        labels: names of the classes, in the order of the columns.
        multi_label: whether a record can have any number of classes.
        gold: bool [records, labels].
        predicted: bool [records, labels].
        logits: float32 [records, labels].
        rows: the predictions of the run, one object per record.
        left_out: number of records without a gold label.
    """

    labels: list[str]
    multi_label: bool
    gold: np.ndarray
    predicted: np.ndarray
    logits: np.ndarray
    rows: Sequence[Mapping[str, Any]]
    left_out: int

    @cached_property
    def probabilities(self) -> np.ndarray:
        """[records, labels]: independent for multi-label tasks, otherwise with sum 1."""
        return sigmoid(self.logits) if self.multi_label else softmax(self.logits)


def class_outputs(run: RecordedRun, split: str) -> ClassOutputs | None:
    """The predictions of classes for a split; None if the run has none (another task, or no such split).

    Raises:
        DataError: the arrays and the lines of the predictions do not belong together.
    """
    files = _files(run, split)
    if files is None:
        return None
    arrays_path, rows_path = files
    with np.load(arrays_path, allow_pickle=False) as file:
        if not {"logits", "labels", "label_list"} <= set(file.files) or not len(file["logits"]):
            return None
        logits, gold, names = file["logits"], file["labels"], [str(name) for name in file["label_list"]]
        multi_label = bool(file["multi_label"]) if "multi_label" in file.files else gold.ndim == 2
    rows = [row for _, row in read_json_lines(rows_path)]
    if len(rows) != len(logits):
        raise DataError(f"found {len(rows)} predictions, expected {len(logits)} as in {arrays_path.name}", path=rows_path)
    if gold.ndim == 1:
        gold = gold[:, None] == np.arange(len(names))
    predicted = _matrix([row.get("predicted") for row in rows], names)
    has_gold = np.ones(len(gold), dtype=bool) if multi_label else gold.any(axis=1)
    kept = [row for row, there in zip(rows, has_gold, strict=True) if there]
    return ClassOutputs(
        names, multi_label, gold[has_gold].astype(bool), predicted[has_gold], logits[has_gold], kept, int((~has_gold).sum())
    )


def prediction_rows(run: RecordedRun, split: str) -> list[dict[str, Any]]:
    """The lines of a run's predictions for a split; empty if there are none."""
    folder = run.path / "predictions"
    name = _name(run, split)
    path = folder / f"{name}.jsonl"
    return [row for _, row in read_json_lines(path)] if name is not None and path.is_file() else []


def _files(run: RecordedRun, split: str) -> tuple[Path, Path] | None:
    name = _name(run, split)
    if name is None:
        return None
    paths = run.path / "predictions" / f"{name}.npz", run.path / "predictions" / f"{name}.jsonl"
    return paths if all(path.is_file() for path in paths) else None


def _name(run: RecordedRun, split: str) -> str | None:
    """Name of the files of a split; those of an evaluation are named after its data."""
    if run.kind == "finetuning":
        return split
    found = sorted((run.path / "predictions").glob("*.jsonl"))
    return found[0].stem if len(found) == 1 and split == "test" else None


def _matrix(predicted: Sequence[Any], labels: Sequence[str]) -> np.ndarray:
    """Names of classes as bool [records, labels]."""
    index = {name: number for number, name in enumerate(labels)}
    found = np.zeros((len(predicted), len(labels)), dtype=bool)
    for row, names in zip(found, predicted, strict=True):
        for name in [names] if isinstance(names, str) else names or ():
            if name in index:
                row[index[name]] = True
    return found
