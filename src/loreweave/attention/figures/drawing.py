"""The figure of each table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from loreweave.attention.figures import between, bins, class_flow, grounding, heads, lengths, mention, quadrants
from loreweave.attention.figures.style import save
from loreweave.attention.tables import Table
from loreweave.picture_style import styled

FIGURES: Mapping[str, Callable[[Table], Figure]] = {
    "class_flow": class_flow.draw,
    "quadrants": quadrants.draw,
    "grounding": grounding.draw,
    "mention": mention.draw,
    "bins": bins.draw,
    "heads": heads.draw,
    "between": between.draw,
}
"""Table -> draws its figure."""


def draw_table(table: Table, folder: Path) -> list[str]:
    """Write the figure of a table to a folder, and return the names of its files."""
    with styled():
        return save(FIGURES[table.name](table), folder / table.name)


def draw_lengths(counts: Mapping[int, int], folder: Path) -> list[str]:
    """Write the histogram of numbers of tokens to a folder, and return the names of its files."""
    with styled():
        return save(lengths.draw(counts), folder / "lengths")
