"""Rows of numbers as a table in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Cell = Callable[[str, Row], str]
"""The name of a column and a row -> what stands there."""


def markdown(rows: Sequence[Row], columns: Sequence[str], cell: Cell) -> str:
    """A table with these columns."""
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(cell(name, row) for name in columns) + " |" for row in rows)])


def two_decimals(percent: Collection[str], whole: Collection[str] = ()) -> Cell:
    """Numbers with two decimals, but for columns in percent and whole numbers; nothing where a row has none."""

    def cell(name: str, row: Row) -> str:
        value = row.get(name)
        if value is None:
            return ""
        if name in percent:
            return f"{value:.0%}"
        if name in whole:
            return f"{value:.0f}"
        return f"{value:.2f}" if isinstance(value, float) else str(value)

    return cell
