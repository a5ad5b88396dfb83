"""Predictions of a run on one split, with gold labels and probabilities, for figures about classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

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
        with np.errstate(invalid="ignore"):  # of logits that are not finite; the probabilities are then NaN
            return sigmoid(self.logits) if self.multi_label else softmax(self.logits)


def class_outputs(run: RecordedRun, split: str) -> ClassOutputs | None:
    """The predictions of classes for a split; None if the run has none (another task, or no such split).

    Raises:
        DataError: the arrays and the lines of the predictions do not belong together.
    """
    arrays = run.arrays(split)
    if not {"logits", "labels", "label_list"} <= set(arrays) or not len(arrays["logits"]):
        return None
    logits, gold, names = arrays["logits"], arrays["labels"], [str(name) for name in arrays["label_list"]]
    multi_label = bool(arrays["multi_label"]) if "multi_label" in arrays else gold.ndim == 2
    rows = run.predictions(split)
    if len(rows) != len(logits):
        raise DataError(f"found {len(rows)} predictions on {split} data, but {len(logits)} rows of logits", path=run.path)
    if gold.ndim == 1:
        gold = np.asarray(gold[:, None] == np.arange(len(names)))
    predicted = _matrix([row.get("predicted") for row in rows], names)
    has_gold = np.asarray(gold.any(axis=1)) | multi_label
    kept = [row for row, there in zip(rows, has_gold, strict=True) if there]
    return ClassOutputs(
        names, multi_label, gold[has_gold].astype(bool), predicted[has_gold], logits[has_gold], kept, int((~has_gold).sum())
    )


def _matrix(predicted: Sequence[Any], labels: Sequence[str]) -> np.ndarray:
    """Names of classes as bool [records, labels]."""
    index = {name: number for number, name in enumerate(labels)}
    found = np.zeros((len(predicted), len(labels)), dtype=bool)
    for row, names in zip(found, predicted, strict=True):
        for name in [names] if isinstance(names, str) else names or ():
            if name in index:
                row[index[name]] = True
    return found
