"""Score against the value of each setting that was varied, with the spread over seeds and other settings."""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from loreweave.experiments.report.cells import Cell
from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import SAME, Section, score_of
from loreweave.experiments.report.setting_texts import exact
from loreweave.experiments.report.style import LONGEST_TICK, new_figure, shortened
from loreweave.experiments.runs.listing import order_of
from loreweave.experiments.runs.recorded import is_number
from loreweave.picture_style import COLOURS

_FEW = 8
"""Maximum number of numeric values with a line and ticks of their own."""
_RATIO = 5
"""Positive values whose largest is at least so many times the smallest get a logarithmic axis."""


def draw(section: Section) -> Part | NotShown:
    """One picture per setting: a point per finished run, and the mean of each value."""
    if not section.varied:
        return NotShown(SAME)
    if section.not_comparable:
        return NotShown(section.not_comparable)
    pictures: list[Picture] = []
    rows: list[list[object]] = []
    split = section.choosing
    for name in section.varied:
        points = [
            (section.causes_of(run).get(name), score) for run in section.runs if run.state == "done"
            and (score := score_of(run, split, section.metric)) is not None
        ]  # fmt: skip
        values = list(dict.fromkeys(_key(value) for value, _ in points))
        if len(values) < 2:
            continue
        scores = {key: [score for value, score in points if _key(value) == key] for key in sorted(values, key=order_of)}
        texts = {key: section.text_of(name, key) for key in scores}
        cells = {key: Cell(exact(key), texts[key]) for key in scores}
        rows += [[name, cells[key], statistics.mean(of), min(of), max(of), len(of)] for key, of in scores.items()]
        figure, axes = _diagram(scores, texts)
        axes.set_xlabel(name)
        axes.set_ylabel(f"{split} {section.metric}")
        pictures.append(Picture(f"setting_{name.replace('.', '_')}", figure, f"{split} {section.metric} against {name}."))
    if not pictures:
        return NotShown("fewer than two values of a setting have finished runs")
    caption = (
        "Points: runs. Horizontal marks: mean over all runs with the value, whatever their other settings are; the means "
        "include trials that a search selected for repetition. A line connects the means of numbers. Settings with more than "
        f"{_FEW} numbers have no means in the picture."
    )
    columns = ["setting", "value", f"mean {split} {section.metric}", "min", "max", "runs"]
    return Part("Settings", caption, pictures, [Table("settings", columns, rows)])


def _diagram(scores: dict[Any, list[float]], texts: dict[Any, str]) -> tuple[Figure, Axes]:
    """A point per run. A few values have the line of their means and ticks of their own, as drawn values would not."""
    figure, axes = new_figure(4.8, 3.2)
    places, numeric = _places(list(scores)), _are_places(list(scores))
    for place, of in zip(places, scores.values(), strict=True):
        axes.scatter([place] * len(of), of, s=14, color=COLOURS[0], alpha=0.6)
    if numeric and min(scores) > 0 and max(scores) >= _RATIO * min(scores):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))  # by default, ticks are formulas
        axes.xaxis.set_minor_formatter(NullFormatter())
    if not numeric or len(scores) <= _FEW:
        means = [statistics.mean(of) for of in scores.values()]
        axes.plot(places, means, color=COLOURS[1], ls="-" if numeric else "", marker="_", ms=12)  # names have no order
        axes.set_xticks(places, [shortened(texts[key], LONGEST_TICK) for key in scores], rotation=20, ha="right")
        axes.minorticks_off()
    return figure, axes


def _key(value: Any) -> Any:
    return value if isinstance(value, int | float | str) or value is None else exact(value)


def _are_places(keys: list[Any]) -> bool:
    """Whether all values are finite numbers, which have places on an axis."""
    return all(is_number(key) and math.isfinite(key) for key in keys)


def _places(keys: list[Any]) -> list[float]:
    return [float(key) for key in keys] if _are_places(keys) else list(np.arange(len(keys), dtype=float))
