"""Predictions of a run on one split, with gold labels and probabilities, for figures about classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.metrics.probabilities import sigmoid, softmax

NO_CLASSES = "no finished run has predictions of classes with logits"
"""Why figures about classes are not shown."""


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
        places: the place of each of them among all predictions of the split; ids can be repeated.
        left_out: number of records without a gold label.
    """

    labels: list[str]
    multi_label: bool
    gold: np.ndarray
    predicted: np.ndarray
    logits: np.ndarray
    rows: Sequence[Mapping[str, Any]]
    places: Sequence[int]
    left_out: int

    @cached_property
    def probabilities(self) -> np.ndarray:
        """[records, labels]: independent for multi-label tasks, otherwise with sum 1."""
        with np.errstate(invalid="ignore"):  # of logits that are not finite; the probabilities are then NaN
            return sigmoid(self.logits) if self.multi_label else softmax(self.logits)


def class_outputs(run: RecordedRun, split: str) -> ClassOutputs | None:
    """The predictions of classes for a split; None if the run has none (another task, or no such split).

    Raises:
        DataError: the arrays and the lines of the predictions do not belong together.
    """
    arrays = run.arrays(split)
    if not {"logits", "labels", "label_list"} <= set(arrays) or not len(arrays["label_list"]):
        return None
    logits, gold, names = arrays["logits"], arrays["labels"], [str(name) for name in arrays["label_list"]]
    _check_arrays(run.predictions_path(split, ".npz") or run.path, logits, gold, names)
    if not len(logits):
        return None
    multi_label = bool(arrays["multi_label"].all()) if "multi_label" in arrays else gold.ndim == 2
    rows = run.predictions(split)
    if len(rows) != len(logits):
        raise DataError(
            f"found {counted(len(rows), 'prediction')} on {split} data, but {counted(len(logits), 'row')} of logits",
            path=run.predictions_path(split, ".npz") or run.path,
        )
    _check_names(rows, run.predictions_path(split, ".jsonl") or run.path)
    if gold.ndim == 1:
        gold = np.asarray(gold[:, None] == np.arange(len(names)))
    predicted = _matrix([row.get("predicted") for row in rows], names)
    has_gold = np.asarray(gold.any(axis=1)) | multi_label
    places = np.flatnonzero(has_gold).tolist()
    kept = [rows[place] for place in places]
    return ClassOutputs(
        names, multi_label, gold[has_gold].astype(bool), predicted[has_gold], logits[has_gold], kept, places,
        len(rows) - len(kept),
    )  # fmt: skip


def _check_arrays(path: Path, logits: np.ndarray, gold: np.ndarray, names: Sequence[str]) -> None:
    """Raise a `DataError` for arrays that are not [records, labels], or [records] for one gold label each."""
    if logits.ndim != 2 or logits.dtype.kind != "f":
        raise DataError(f"found logits {logits.shape} of {logits.dtype}, expected numbers [records, labels]", path=path)
    if logits.shape[1] != len(names):
        raise DataError(f"found {counted(len(names), 'name')} and logits {logits.shape}, expected a name per column", path=path)
    if gold.dtype.kind not in "biu" or gold.shape not in (logits.shape, logits.shape[:1]):
        raise DataError(f"found labels {gold.shape} and logits {logits.shape}, expected the same records", path=path)


def _check_names(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Raise a `DataError` for a prediction that is no name of a class and no list of names."""
    for line, row in enumerate(rows, 1):
        found = row.get("predicted")
        names = found if isinstance(found, list) else [found]
        if found is not None and not all(isinstance(name, str) for name in names):
            message = f"found {in_json(found)}, expected the name of a class or a list of names"
            raise DataError(message, path=path, line=line, field="predicted")


def _matrix(predicted: Sequence[Any], labels: Sequence[str]) -> np.ndarray:
    """Names of classes as bool [records, labels]."""
    index = {name: number for number, name in enumerate(labels)}
    found = np.zeros((len(predicted), len(labels)), dtype=bool)
    for row, names in zip(found, predicted, strict=True):
        for name in [names] if isinstance(names, str) else names or ():
            if name in index:
                row[index[name]] = True
    return found
