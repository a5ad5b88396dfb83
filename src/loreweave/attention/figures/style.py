"""Style of all figures: readable in print and for colour-blind readers; equal numbers give equal files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from loreweave.attention.tables import Row

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Palette of Okabe and Ito (2008), which colour-blind readers can tell apart; without its yellow, which is too light."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Markers in the order of the colours, for prints without colour."""
WIDTH = 6.3
"""Width in inches: the text of a page in A4."""
_RULES: Any = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.5,
    "axes.axisbelow": True, "lines.linewidth": 1.2, "lines.markersize": 3.5, "legend.frameon": False, "savefig.dpi": 200,
    "svg.hashsalt": "loreweave",
}  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """Figures that are drawn and saved in the block have our style, whatever the user's own settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RULES)
        yield


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


def finish(figure: Figure, axes: Sequence[Axes], y_label: str, *, columns: int = 4, x_label: str = "layer") -> Figure:
    """Label the axes, and put one legend below the panels."""
    figure.supylabel(y_label, fontsize=8)
    handles = {label: handle for each in axes for handle, label in zip(*each.get_legend_handles_labels(), strict=True)}
    for each in axes:
        if each.xaxis.get_tick_params()["labelbottom"]:
            each.set_xlabel(each.get_xlabel() or x_label)
        each.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        if each.get_yscale() == "linear":
            each.set_ylim(bottom=0)
    if len(handles) > 1:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)
    return figure


def shortened(text: str, most: int = 40) -> str:
    """A text in one line of at most so many characters, with an ellipsis in place of its middle."""
    line = " ".join(text.split())
    half = (most - 1) // 2
    return line if len(line) <= most else f"{line[:half]}…{line[-half:]}"


def save(figure: Figure, stem: Path) -> list[str]:
    """Write a PNG and an SVG without dates and versions, and return their names."""
    kinds: dict[str, dict[str, str | None]] = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}
    for ending, metadata in kinds.items():
        figure.savefig(stem.with_suffix(ending), metadata=metadata)
    return [stem.with_suffix(ending).name for ending in kinds]
