"""Attention from words and entities on words and entities, by layer."""

from __future__ import annotations

from matplotlib.figure import Figure

from loreweave.attention.figures.style import finish, line, panels
from loreweave.attention.tables import Table


def draw(table: Table) -> Figure:
    """A panel for words and one for entities, each with the attention on words and on entities."""
    queries = list(dict.fromkeys(query for query, _ in table.rows))
    figure, axes = panels(len(queries))
    for panel, name in zip(axes, queries, strict=True):
        rows = {key: row for (query, key), row in table.rows.items() if query == name}
        for number, (key, row) in enumerate(rows.items()):
            line(panel, table.layers, row, number, f"to {key}")
        panel.set_title(f"from {name} (n = {max(row.values for row in rows.values())})")
    return finish(figure, axes, "share of the attention")
