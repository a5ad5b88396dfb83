"""Attention from mentions to words, for groups of mentions, by layer."""

from __future__ import annotations

from matplotlib.figure import Figure

from loreweave.attention.figures.style import finish, line, panels, shortened
from loreweave.attention.tables import Table


def draw(table: Table) -> Figure:
    """A panel for each word and each kind of query, with a line for each group."""
    places = list(dict.fromkeys((query, key) for query, key, _ in table.rows))
    figure, axes = panels(len(places), columns=2, height=2.2)
    groups = list(dict.fromkeys(group for _, _, group in table.rows))
    for panel, (query, key) in zip(axes, places, strict=True):
        for number, group in enumerate(groups):
            row = table.rows.get((query, key, group))
            if row is not None:
                line(panel, table.layers, row, number, f"{shortened(group, 30)} (n = {row.values})")
        panel.set_title(f"from the {query} to “{shortened(key, 30)}”", parse_math=False)
    return finish(figure, axes, "attention, mean over the heads", of_one=True)
