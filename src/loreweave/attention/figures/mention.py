"""Mean weight from an entity to the tokens of its mention, by layer."""

from __future__ import annotations

from matplotlib.figure import Figure

from loreweave.attention.figures.style import finish, line, panels
from loreweave.attention.tables import Table

_MOST = 200
"""Maximum number of thin lines in a panel."""


def draw(table: Table) -> Figure:
    """A panel for all mentions, for those at the start of the text, and for the others; a thin line for each mention."""
    figure, axes = panels(len(table.rows))
    for panel, ((which,), row) in zip(axes, table.rows.items(), strict=True):
        panel.plot(table.layers, row.each[:_MOST].T, color="#999999", linewidth=0.4, alpha=0.25, zorder=1)
        line(panel, table.layers, row, 0, "mean")
        panel.set_title(f"mentions: {which} (n = {row.values})")
    return finish(figure, axes, "mean weight, entity to mention")
