"""Tables of means over examples with bootstrap intervals."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loreweave.attention.measures import Numbers
from loreweave.corpus.files.writing import atomic_write
from loreweave.metrics.resampling import LEVEL

_SAMPLES = 1000
"""Number of bootstrap samples."""
COLUMNS = {
    "class_flow": ("query", "key"),
    "quadrants": ("query", "key"),
    "grounding": ("of",),
    "mention": ("mentions",),
    "bins": ("bin", "what"),
    "heads": ("statistic",),
    "between": ("query", "key", "group"),
}
"""Table -> names of the columns that name a row."""
ITSELF = "itself"
"""Bin of the entity itself."""


@dataclass(frozen=True)
class Row:
    """Values of one measure, each [layer] or [layer, head].

    Attributes:
        mean: mean over the examples.
        low: lower bound of the interval.
        high: upper bound of the interval.
        each: the values of the examples [example, layer] or [example, layer, head].
    """

    mean: Numbers
    low: Numbers
    high: Numbers
    each: Numbers

    @property
    def values(self) -> int:
        """Number of values that the mean is taken over."""
        return len(self.each)


@dataclass(frozen=True)
class Table:
    """One measure by layer.

    Attributes:
        name: name of the table.
        layers: index of each layer in the model.
        heads: index of each head, if the table has heads; otherwise empty.
        rows: what names a row (see `COLUMNS`) -> its values.
    """

    name: str
    layers: Sequence[int]
    heads: Sequence[int]
    rows: Mapping[tuple[str, ...], Row]

    def write(self, path: Path) -> None:
        """Write a line for each row and layer (and head): mean, interval, number of values."""
        with atomic_write(path) as file:
            writer = csv.writer(file, lineterminator="\n")
            head = ["head"] if self.heads else []
            writer.writerow([*COLUMNS[self.name], "layer", *head, "mean", "low", "high", "values"])
            for key, row in self.rows.items():
                for place in np.ndindex(row.mean.shape):
                    where = [self.layers[place[0]], *(self.heads[number] for number in place[1:])]
                    numbers = (f"{bound[place]:.6f}" for bound in (row.mean, row.low, row.high))
                    writer.writerow([*key, *where, *numbers, row.values])


def row_of(values: Sequence[Numbers], seed: int) -> Row:
    """Mean and interval of the values of examples."""
    each = np.stack(values)
    return Row(*interval(each, seed), each)


def interval(values: Numbers, seed: int) -> tuple[Numbers, Numbers, Numbers]:
    """Mean over the first axis, and the bounds of its bootstrap interval."""
    random = np.random.default_rng(seed)
    count = len(values)
    drawn = random.multinomial(count, np.full(count, 1 / count), size=_SAMPLES) / count  # [sample, value]
    means = np.tensordot(drawn, values, axes=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return values.mean(axis=0), low, high
