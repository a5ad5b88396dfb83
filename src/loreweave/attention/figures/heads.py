"""Statistics of each head, by layer."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from loreweave.attention.figures.style import finish, panels
from loreweave.attention.tables import Table
from loreweave.picture_style import COLOURS

_NAMES = {
    "entropy": "entropy (1: equal weights)", "distance": "distance in tokens", "largest": "largest weight of a row",
    "self": "share on the token itself", "previous": "share on the token before", "next": "share on the token after",
    "separators": "share on start tokens and separators", "entities": "share on entities",
}  # fmt: skip
_SPREAD = 0.7
"""Width of the dots of one layer, in layers."""


def draw(table: Table) -> Figure:
    """A panel for each statistic, with a dot and an interval for each head, and a line for their mean."""
    rows = {name: row for (name,), row in table.rows.items() if row.mean.any()}  # there may be no entities
    figure, axes = panels(len(rows), columns=2, height=1.7, share_y=False)
    shift = np.linspace(-_SPREAD / 2, _SPREAD / 2, len(table.heads)) if len(table.heads) > 1 else np.zeros(1)
    places = (np.array(table.layers)[:, None] + shift).ravel()
    for panel, (name, row) in zip(axes, rows.items(), strict=True):
        panel.vlines(places, row.low.ravel(), row.high.ravel(), color=COLOURS[0], alpha=0.5, linewidth=0.7)
        panel.plot(places, row.mean.ravel(), ".", color=COLOURS[0], markersize=2.5, label="head")
        panel.plot(table.layers, row.mean.mean(axis=1), color=COLOURS[1], label="mean of the heads")
        panel.set_title(_NAMES[name])
    return finish(figure, axes, f"mean over the examples (n = {row.values})")
