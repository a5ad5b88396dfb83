"""Style of all pictures: readable in print and for colour-blind readers; equal numbers give equal files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Palette of Okabe and Ito (2008), which colour-blind readers can tell apart; without its yellow, which is too light."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Markers in the order of the colours, for prints without colour."""
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


def svg_of(figure: Figure) -> bytes:
    """The picture as SVG, without date and version."""
    return _saved(figure, "svg", {"Date": None, "Creator": None})


def png_of(figure: Figure) -> bytes:
    """The picture as PNG, without version."""
    return _saved(figure, "png", {"Software": None})


def _saved(figure: Figure, format: str, metadata: dict[str, str | None]) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=format, metadata=metadata)
    return file.getvalue()
