"""Cells of tables whose text on the page is shorter than their value in the file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """A cell of a table with its value in full, for the file, and the shorter text that the page shows."""

    value: object
    text: str
