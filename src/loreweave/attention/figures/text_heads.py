"""The attention of one text in one layer: lines from each token to the tokens that it attends to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from loreweave.attention.captured import CapturedAttention, Tokens
from loreweave.attention.figures.style import shortened
from loreweave.picture_style import COLOURS

_MOST_WORDS = 40
"""Maximum number of words of a picture."""
_COLOURS = {"entity": COLOURS[1], "mention": COLOURS[1], "special": "#777777", "separator": "#777777"}
"""Colours of classes of tokens; the others are black."""
_LEAST = 0.03
"""Smallest weight of a line."""


def draw(example: CapturedAttention, layer: int, heads: Sequence[int]) -> Figure:
    """Mean over some heads of one layer, by their indices in the model. Entities stand below the words."""
    weights = example.only([layer], heads).weights[0].mean(axis=0)
    rows, columns = _shown(example.queries), _shown(example.looked_at)
    figure = Figure(figsize=(5.2, 0.19 * max(len(rows), len(columns)) + 0.9), layout="constrained")
    axes: Axes = figure.subplots()
    left, right = _heights(example.queries, rows), _heights(example.looked_at, columns)
    lines, colours = [], []
    for row, column in zip(*np.nonzero(weights[np.ix_(rows, columns)] >= _LEAST), strict=True):
        entity = "entity" in (example.queries.classes[rows[row]], example.looked_at.classes[columns[column]])
        lines.append([(0, left[row]), (1, right[column])])
        colours.append((COLOURS[1 if entity else 0], min(1.0, 2 * float(weights[rows[row], columns[column]]))))
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=1.2))
    _names(axes, example.queries, rows, left, -0.03, "right")
    _names(axes, example.looked_at, columns, right, 1.03, "left")
    axes.set(xlim=(-0.7, 1.7), ylim=(max([*left, *right]) + 0.7, -0.7))
    axes.axis("off")
    which = f"mean of {len(heads)} heads" if len(heads) > 1 else f"head {heads[0]}"
    cut = len(example.queries) - len(rows)
    more = f", without {cut} more tokens" if cut else ""
    title = f"{shortened(example.model)}: layer {layer}, {which}{more}"
    axes.set_title(title, parse_math=False)
    return figure


def _shown(tokens: Tokens) -> list[int]:
    """Places of the first words, and of the entities."""
    words = [place for place, kind in enumerate(tokens.classes) if kind != "entity"]
    return words[:_MOST_WORDS] + [place for place, kind in enumerate(tokens.classes) if kind == "entity"][:_MOST_WORDS]


def _heights(tokens: Tokens, places: Sequence[int]) -> list[float]:
    """Height of each token; entities stand apart."""
    return [number + (0.6 if tokens.classes[place] == "entity" else 0.0) for number, place in enumerate(places)]


def _names(axes: Axes, tokens: Tokens, places: Sequence[int], heights: Sequence[float], x: float, align: str) -> None:
    for place, height in zip(places, heights, strict=True):
        colour = _COLOURS.get(tokens.classes[place], "black")
        text = shortened(tokens.text[place], 20)
        axes.text(x, height, text, ha=align, va="center", color=colour, fontsize=7, parse_math=False)
