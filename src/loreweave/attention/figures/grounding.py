"""Attention of an entity on its own mention, on other mentions, on other words and on entities, by layer."""

from __future__ import annotations

from matplotlib.figure import Figure

from loreweave.attention.figures.style import finish, line, panels
from loreweave.attention.tables import Table

BACK = "mention to entity"
"""The row of the opposite direction."""


def draw(table: Table) -> Figure:
    """One panel from the entities, and one from the tokens of their mentions back to them."""
    from_entity = {of: row for (of,), row in table.rows.items() if of != BACK}
    figure, (left, right) = panels(2, columns=2, share_y=False, height=2.4)
    for number, (of, row) in enumerate(from_entity.items()):
        line(left, table.layers, row, number, f"to {of}")
    back = table.rows[BACK,]
    line(right, table.layers, back, len(from_entity), BACK)
    left.set_title(f"from an entity (n = {back.values})")
    right.set_title("from a token of its mention to the entity")
    return finish(figure, [left, right], "share of the attention", columns=3)
