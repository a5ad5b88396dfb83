"""Metrics and predictions from a model's outputs. Scoring imports this module without a model, so it stays light."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Outputs = list[np.ndarray]
"""One array per example."""


@dataclass(frozen=True)
class Evaluation:
    """Result of a task's evaluation.

    Attributes:
        metrics: values by the metric's usual name (`micro_f1`).
        predictions: one JSON object per record.
        arrays: data for later analyses: raw outputs, gold labels, ids.
        tables: details for the report (`per_label`), as lists of rows.
        notes: remarks for readers of the metrics, one line each.
        files: contents of JSON files in the layout of the task's official script, by kind (`official`).
    """

    metrics: dict[str, float]
    predictions: list[dict[str, Any]] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: dict[str, Any] = field(default_factory=dict)
