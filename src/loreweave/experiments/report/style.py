"""Style of all pictures: colours that colour-blind readers can tell apart, one font, files that are equal for equal data."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice, product
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's palette without yellow, which is too light for lines."""
_CHARACTERS = 100
"""Number of characters of a legend that fit beside each other."""
_DASHES = ("-", "--", ":", "-.")
_SETTINGS: Any = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e5e5e5",
    "grid.linewidth": 0.6, "axes.axisbelow": True, "legend.frameon": False, "svg.hashsalt": "loreweave",
    "figure.dpi": 100, "savefig.dpi": 200,
}  # fmt: skip


@contextmanager
def style() -> Iterator[None]:
    """Draw and save in this style, without changing that of other code."""
    with matplotlib.rc_context(_SETTINGS):
        yield


def new_figure(width: float = 6.4, height: float = 4.0) -> tuple[Figure, Axes]:
    """A figure with one diagram; sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def two_diagrams(width: float = 7.2, height: float = 3.6) -> tuple[Figure, tuple[Axes, Axes]]:
    """A figure with two diagrams side by side."""
    figure = Figure(figsize=(width, height), layout="constrained")
    left, right = figure.subplots(1, 2)
    return figure, (left, right)


def looks(count: int) -> list[tuple[str, str]]:
    """Colour and dashes of each of several lines; the first seven differ in colour, the others also in dashes."""
    return list(islice(cycle((colour, dash) for dash, colour in product(_DASHES, COLOURS)), count))


def legend_below(figure: Figure, axes: Axes) -> None:
    """Put one legend below the diagrams, if there is something to tell apart."""
    handles, labels = axes.get_legend_handles_labels()
    if len(handles) > 1:
        columns = max(1, min(len(labels), _CHARACTERS // (max(map(len, labels)) + 6)))
        figure.legend(handles, labels, loc="outside lower left", ncols=columns, fontsize=8)


def svg_of(figure: Figure) -> str:
    """The picture as SVG text, the same for the same data."""
    file = io.StringIO()
    with style():
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def png_of(figure: Figure) -> bytes:
    """The picture as PNG."""
    file = io.BytesIO()
    with style():
        figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def data_address(png: bytes) -> str:
    """A PNG as an address that pages can contain."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
