"""Attention of each class of tokens on each class, by layer."""

from __future__ import annotations

from matplotlib.figure import Figure

from loreweave.attention.captured import CLASSES
from loreweave.attention.figures.style import finish, line, panels
from loreweave.attention.tables import Table


def draw(table: Table) -> Figure:
    """A panel for each class of queries, with a line for each class of keys."""
    queries = [name for name in CLASSES if any(query == name for query, _ in table.rows)]
    figure, axes = panels(len(queries))
    for panel, name in zip(axes, queries, strict=True):
        rows = {key: row for (query, key), row in table.rows.items() if query == name}
        for number, key in enumerate(CLASSES):
            if key in rows:
                line(panel, table.layers, rows[key], number, f"to {key}")
        panel.set_title(f"from {name} (n = {max(row.values for row in rows.values())})")
    return finish(figure, axes, "share of the attention")
