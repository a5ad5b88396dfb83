"""Attention over a whole data set: means over examples with bootstrap intervals, as tables."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from loreweave.attention.captured import CapturedAttention
from loreweave.attention.measures import Numbers, class_flow, grounding, head_statistics, quadrants
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_folder, atomic_write
from loreweave.errors import ConfigurationError, DataError

Bins = Literal["equal", "thesis"]
LEVEL = 0.95
"""Level of the intervals."""
_SAMPLES = 1000
"""Number of bootstrap samples."""
_INSIDE = ("word", "punctuation", "mention")
"""Classes of the tokens of a text."""


@dataclass(frozen=True)
class SummarySettings:
    """Settings of a summary.

    Attributes:
        bins: number of bins of word positions.
        rule: `equal`: bins of equal width by relative position. `thesis`: round(tokens / bins) tokens in each bin and all the
            rest in the last one, as in the LUKE thesis. A text with fewer tokens than bins is not counted in the bins.
        seed: seed of the bootstrap.
    """

    bins: int = 8
    rule: Bins = "equal"
    seed: int = 0


@dataclass
class Summary:
    """Collects the measures of examples one at a time, so that their weights do not stay in memory.

    Attributes:
        settings: the settings.
        examples: number of examples.
        short: number of examples with fewer tokens than bins.
        values: table -> row -> one array over the layers, or [layer, head], for each example that has the row.
    """

    settings: SummarySettings = field(default_factory=SummarySettings)
    examples: int = 0
    short: int = 0
    values: dict[str, dict[tuple[str, ...], list[Numbers]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    shape: tuple[int, int] | None = None
    """Number of layers and heads."""

    def add(self, example: CapturedAttention) -> None:
        """Count an example.

        Raises:
            DataError: it has other layers or heads than the examples before it.
        """
        shape = (len(example.layers), len(example.heads))
        if self.shape not in (None, shape):
            raise DataError(f"example {example.id}: found {shape} layers and heads, expected {self.shape} as in the others")
        self.shape = shape
        self.examples += 1
        flow = class_flow(example)
        for row, query in enumerate(flow.queries):
            for column, key in enumerate(flow.keys):
                self.values["class_flow"][query, key].append(flow.shares[:, row, column])
        for name, shares in quadrants(example).items():
            self.values["quadrants"][tuple(name.split(" -> "))].append(shares)
        for entity in grounding(example):
            for name in ("own mention", "other mentions", "other words", "entities", "mention to entity"):
                self.values["grounding"][(name,)].append(entity[name])
        for name, numbers in head_statistics(example).items():
            self.values["heads"][(name,)].append(numbers)
        self._add_bins(example)

    def _add_bins(self, example: CapturedAttention) -> None:
        """Attention of the entities (or of the first token, if there is none) on words by position, and on their mentions."""
        rows = [entity.row for entity in example.entities] or [0]
        mean = example.weights.mean(axis=1, dtype=np.float64)  # [layer, query, key]
        words = [place for place, kind in enumerate(example.looked_at.classes) if kind != "entity"]
        if len(words) < self.settings.bins:
            self.short += 1
            return
        for number, places in enumerate(cut(len(words), self.settings.bins, self.settings.rule)):
            columns = [words[place] for place in places]
            on_bin = mean[:, rows][:, :, columns]
            self.values["bins"][str(number), "mean weight"].append(on_bin.mean(axis=(1, 2)))
            self.values["bins"][str(number), "share"].append(on_bin.sum(axis=2).mean(axis=1))
        for entity in example.entities:
            inside = [place for place in entity.words if example.queries.classes[place] != "marker"]
            if inside:
                self.values["mention"][("mean weight",)].append(mean[:, entity.row][:, inside].mean(axis=1))

    def write(self, folder: Pathname, *, overwrite: bool = False) -> list[str]:
        """Write one table for each measure to a new folder, and return their names.

        Raises:
            DataError: there is no example.
            ConfigurationError: the folder exists.
        """
        if not self.examples:
            raise DataError("found no example, expected at least one to summarise")
        names = []
        with atomic_folder(folder, overwrite) as place:
            for table, rows in self.values.items():
                names.append(f"{table}.csv")
                self._write_table(place / names[-1], table, rows)
        return names

    def _write_table(self, path: Path, table: str, rows: dict[tuple[str, ...], list[Numbers]]) -> None:
        """One row for each measure and layer (and head): mean, interval, number of values."""
        with_heads = table == "heads"
        with atomic_write(path) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*_COLUMNS[table], "layer", *(["head"] if with_heads else []), "mean", "low", "high", "values"])
            for key, values in rows.items():
                mean, low, high = interval(np.stack(values), self.settings.seed)
                for place in np.ndindex(mean.shape):
                    writer.writerow([*key, *place, *(f"{number[place]:.6f}" for number in (mean, low, high)), len(values)])


_COLUMNS = {
    "class_flow": ("query", "key"),
    "quadrants": ("query", "key"),
    "grounding": ("of",),
    "heads": ("statistic",),
    "bins": ("bin", "what"),
    "mention": ("what",),
}
"""Table -> names of the columns that name a row."""


def summarise(examples: Iterable[CapturedAttention], settings: SummarySettings | None = None) -> Summary:
    """Summary of examples, which are read once."""
    found = Summary(settings or SummarySettings())
    if found.settings.bins < 1:
        raise ConfigurationError(f"--bins: found {found.settings.bins}, expected at least 1")
    for example in examples:
        found.add(example)
    return found


def cut(tokens: int, bins: int, rule: Bins) -> list[list[int]]:
    """Positions of the tokens in each bin.

    Example:
        >>> cut(5, 2, "equal"), cut(5, 2, "thesis")
        ([[0, 1, 2], [3, 4]], [[0, 1], [2, 3, 4]])
    """
    if rule == "equal":
        number = [int((place + 0.5) * bins / tokens) for place in range(tokens)]
    else:
        size = round(tokens / bins)
        while size * bins > tokens:
            size -= 1
        number = [min(place // size, bins - 1) for place in range(tokens)]
    return [[place for place in range(tokens) if number[place] == each] for each in range(bins)]


def interval(values: Numbers, seed: int) -> tuple[Numbers, Numbers, Numbers]:
    """Mean over the first axis, and the bounds of its bootstrap interval."""
    random = np.random.default_rng(seed)
    count = len(values)
    drawn = random.multinomial(count, np.full(count, 1 / count), size=_SAMPLES) / count  # [sample, value]
    means = np.tensordot(drawn, values, axes=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return values.mean(axis=0), low, high
