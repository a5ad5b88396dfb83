"""Scores and training loss over epochs: the mean of each group with the range of its seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from matplotlib.ticker import MaxNLocator

from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import TRAINED, Group, Section
from loreweave.experiments.report.style import group_colours, legend_below, new_figure
from loreweave.experiments.runs.recorded import is_number

_TRAINING = "loss"
_POINTS = 60
"""Maximum number of points of a loss curve; it is the mean over equal parts of the epochs."""


def draw(section: Section) -> Part | NotShown:
    """One picture for each: the main metric on dev data, and the training loss (or each objective's, see `measured`)."""
    wanted = [(split, section.metric) for split in section.splits if split != TRAINED] + [(TRAINED, _TRAINING)]
    wanted = section.measured if section.not_comparable else wanted
    pictures, rows = [], []
    for split, metric in wanted:
        curves = {group: curve for group in section.groups if len(curve := _curve(group, split, metric)) > 1}
        if not curves:
            continue
        figure, axes = new_figure()
        colours = group_colours(section)
        for group, curve in curves.items():
            epochs = sorted(curve)
            means = [float(np.mean(curve[epoch])) for epoch in epochs]
            lows, highs = ([float(end(curve[epoch])) for epoch in epochs] for end in (np.min, np.max))
            if group.label in colours:
                colour = colours[group.label]
                marker = "o" if len(epochs) < 20 else None
                axes.plot(epochs, means, color=colour, marker=marker, ms=3, label=group.label)
                axes.fill_between(epochs, lows, highs, color=colour, alpha=0.15, lw=0)
            table = zip(epochs, means, lows, highs, strict=True)
            rows += [[group.cell, split, metric, *row, len(curve[row[0]])] for row in table]
        axes.set_xlabel("epoch (0: before training)")
        if all(epoch.is_integer() for curve in curves.values() for epoch in curve):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel(f"{split} {metric}")
        if all(min(values) >= 0 for curve in curves.values() for values in curve.values()):
            axes.set_ylim(bottom=max(0.0, axes.get_ylim()[0]))
        legend_below(figure, axes, least=1 if len(section.groups) > 1 else 2)  # also a line that is alone has a name
        pictures.append(Picture(f"progression_{split}_{metric}", figure, f"{split} {metric} by epoch, one line per group."))
    if not pictures:
        return NotShown("no run has measured anything in two epochs")
    columns = ["group", "split", "metric", "epoch", "mean", "min", "max", "runs"]
    caption = (
        "Lines: mean over the runs of a group, with running and failed runs. Bands: lowest to highest run. A group that was "
        "measured only once has no line."
    )
    return Part("Progression", caption, pictures, [Table("progression", columns, rows, shown=0)], section.left_out_of_pictures)


def _curve(group: Group, split: str, metric: str) -> dict[float, list[float]]:
    """Epoch -> one value per run. Losses between epochs are averaged over equal parts."""
    found: dict[float, list[float]] = defaultdict(list)
    for run in group.unselected:
        rows = [(float(row["epoch"]), float(row[metric])) for row in run.rows if _has(row, split, metric)]
        for epoch, value in _thinned(rows):
            found[epoch].append(value)
    return found


def _has(row: object, split: str, metric: str) -> bool:
    return isinstance(row, dict) and row.get("split") == split and row.get("epoch") is not None and is_number(row.get(metric))


def _thinned(rows: list[tuple[float, float]]) -> Iterable[tuple[float, float]]:
    if len(rows) <= _POINTS:
        return rows
    parts = np.array_split(np.array(rows), _POINTS)
    return [(round(float(part[-1, 0]), 6), float(part[:, 1].mean())) for part in parts]
