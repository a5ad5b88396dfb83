"""Parallel coordinates: one line per run through its settings to its score."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from loreweave.experiments.report.parts import NotShown, Part, Picture, Table
from loreweave.experiments.report.sections import SAME, Section, score_of
from loreweave.experiments.report.setting_texts import in_order, short_names
from loreweave.experiments.report.style import new_figure
from loreweave.experiments.runs.recorded import is_number


def draw(section: Section) -> Part | NotShown:
    """An axis per varied setting, and one for the dev score, which also chooses the colour."""
    if not section.varied:
        return NotShown(SAME)
    if section.not_comparable:
        return NotShown(section.not_comparable)
    if len(section.varied) < 2:
        return NotShown("fewer than two settings were varied")
    split = section.choosing
    scored = [(run, score) for run in section.runs if run.state == "done"
              and (score := score_of(run, split, section.metric)) is not None]  # fmt: skip
    if len(scored) < 2:
        return NotShown("fewer than two runs are finished")
    names = [*section.varied, f"{split} {section.metric}"]
    values = [[*(section.causes_of(run).get(name) for name in section.varied), score] for run, score in scored]
    columns = [_places([row[place] for row in values], partial(section.text_of, name)) for place, name in enumerate(names)]
    scores = np.array([score for _, score in scored])
    shade = ScalarMappable(Normalize(scores.min(), scores.max()), matplotlib.colormaps["cividis"])
    figure, axes = new_figure(max(5.0, 1.3 * len(names)), 3.6)
    for row, score in sorted(enumerate(scores), key=lambda pair: float(pair[1])):
        line = [column[0][row] for column in columns]
        axes.plot(range(len(names)), line, color=shade.to_rgba(score), lw=1.2, alpha=0.8)
    for place, (_, ticks) in enumerate(columns):
        for height, text in ticks:
            axes.annotate(text, (place, height), xytext=(4, 0), textcoords="offset points", fontsize=7, va="center")
    axes.set_xticks(range(len(names)), list(short_names(names).values()), rotation=20, ha="right")
    axes.set_yticks([])
    axes.grid(True, axis="x")
    figure.colorbar(shade, ax=axes, label=names[-1])
    table = Table("parallel", ["run", *names], [[str(run.path), *row] for (run, _), row in zip(scored, values, strict=True)], 0)
    caption = "One line per finished run. Heights are ranks of the values among the runs; light lines have high scores."
    return Part("Parallel coordinates", caption, [Picture("parallel", figure, "Settings and score of each run.")], [table])


def _places(values: list[Any], text_of: Callable[[Any], str]) -> tuple[list[float], list[tuple[float, str]]]:
    """Heights from 0 to 1 in the order of the distinct values, and the ticks: all of a few, or the first and the last."""
    numeric = all(is_number(value) for value in values)
    distinct = sorted(set(values)) if numeric else in_order(values, text_of)
    height = {value: place / max(1, len(distinct) - 1) for place, value in enumerate(distinct)}
    ticked = distinct if len(distinct) <= 8 else [distinct[0], distinct[-1]]
    return [height[value if numeric else text_of(value)] for value in values], [
        (height[value], f"{value:.4g}" if numeric else value) for value in ticked
    ]
