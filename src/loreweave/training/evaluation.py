"""What a model's outputs become: numbers and predictions. Scoring reads this without a model, so it stays light."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Outputs = list[np.ndarray]
"""One array an example."""


@dataclass(frozen=True)
class Evaluation:
    """What a task makes of a model's outputs.

    Attributes:
        metrics: numbers by their name in the field (`micro_f1`).
        predictions: one JSON object per record.
        arrays: what analyses need again: raw outputs, gold, ids.
        tables: details for the report (`per_label`), as lists of rows.
        notes: what the reader of the numbers must know, a line each.
    """

    metrics: dict[str, float]
    predictions: list[dict[str, Any]] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
