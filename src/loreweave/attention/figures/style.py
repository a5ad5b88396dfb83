"""Panels, lines and legends of the figures about attention."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loreweave.attention.tables import Row
from loreweave.picture_style import COLOURS, MARKERS, png_of, svg_of

WIDTH = 6.3
"""Width in inches: the text of a page in A4."""


def panels(
    count: int, columns: int = 3, height: float = 1.9, share_x: bool = True, share_y: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure with panels side by side, in rows of at most `columns`."""
    columns = min(count, columns)
    rows = -(-count // columns)
    width = WIDTH if columns > 1 else WIDTH * 0.7
    figure = Figure(figsize=(width, rows * height + 0.5), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=share_x, sharey=share_y, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_visible(False)
    for axes in grid[max(0, count - columns) : count]:
        axes.xaxis.set_tick_params(labelbottom=True)
    return figure, list(grid[:count])


def line(axes: Axes, layers: Sequence[int], row: Row, number: int, label: str, colour: str | None = None) -> None:
    """Means over the layers with the interval as a band; `number` chooses colour and marker."""
    colour = colour or COLOURS[number % len(COLOURS)]
    every = max(1, len(layers) // 8)
    axes.fill_between(layers, row.low, row.high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(layers, row.mean, color=colour, marker=MARKERS[number % len(MARKERS)], markevery=every, label=label)


def finish(
    figure: Figure, axes: Sequence[Axes], y_label: str, *, columns: int = 4, x_label: str = "layer", of_one: bool = False
) -> Figure:
    """Label the axes, and put one legend below the panels if there is something to tell apart, or if `of_one`."""
    figure.supylabel(y_label, fontsize=8)
    handles = {label: handle for each in axes for handle, label in zip(*each.get_legend_handles_labels(), strict=True)}
    for each in axes:
        if each.xaxis.get_tick_params()["labelbottom"]:
            each.set_xlabel(each.get_xlabel() or x_label)
        each.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        if each.get_yscale() == "linear":
            each.set_ylim(bottom=0)
    if len(handles) > 1 or of_one:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)
    return figure


def shortened(text: str, most: int = 40) -> str:
    """A text in one line of at most so many characters, with an ellipsis in place of its middle."""
    line = " ".join(text.split())
    half = (most - 1) // 2
    return line if len(line) <= most else f"{line[:half]}…{line[-half:]}"


def save(figure: Figure, stem: Path) -> list[str]:
    """Write a PNG and an SVG, and return their names."""
    for ending, content in {".png": png_of(figure), ".svg": svg_of(figure)}.items():
        stem.with_suffix(ending).write_bytes(content)
    return [stem.with_suffix(ending).name for ending in (".png", ".svg")]
