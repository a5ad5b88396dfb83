"""A small world of entity linking: two towns of one name, told apart by their descriptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ENTITIES = [
    {"id": "Q1", "label": "Oslo", "description": "a bank at the river", "title": "Oslo", "wikidata": "Q585"},
    {"id": "Q2", "label": "Oslo", "description": "she works", "title": "Oslo_(singer)"},
    {"id": "Q3", "label": "Paris", "description": "", "title": "Paris"},
]
RIVER, SINGER = "oslo is at the long river .", "in the bank she works and oslo works ."
ROWS: list[dict[str, Any]] = [
    {"id": "a", "text": f"Oslo {RIVER}", "mentions": [{"start": 0, "end": 4, "entity": "Oslo"}]},
    {"id": "b", "text": SINGER, "mentions": [{"start": 26, "end": 30, "entity": "Oslo_(singer)"}]},
    {"id": "c", "text": "bob lives in Paris .", "mentions": [
        {"start": 0, "end": 3}, {"start": 13, "end": 18, "entity": "Paris"}]},
    {"id": "d", "text": "ann lives in Oslo .", "mentions": [{"start": 13, "end": 17, "entity": "Q1"}]},
    {"id": "e", "text": "ann lives in Bonn .", "mentions": [{"start": 13, "end": 17, "entity": "Bonn"}]},
    {"id": "f", "text": "he lives .", "mentions": []},
]  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A JSON Lines file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
