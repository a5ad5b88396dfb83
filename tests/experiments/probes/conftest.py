"""Small files for the probes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

RELATIONS = ("works at", "lives in", "is at", "and")


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, Sequence[Any]], Path]:
    """Writes rows as JSON Lines."""

    def write(name: str, rows: Sequence[Any]) -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def relation_rows() -> list[dict[str, Any]]:
    """Four relations with six sentences each, whose words say the relation."""
    return [
        {
            "text": f"{name} {relation} {place}",
            "head": {"start": 0, "end": len(name)},
            "tail": {"start": len(name) + len(relation) + 2, "end": len(name) + len(relation) + 2 + len(place)},
            "label": relation,
        }
        for relation in RELATIONS
        for name in ("ann", "bob", "she")
        for place in ("oslo", "paris")
    ]


@pytest.fixture
def typing_rows() -> list[dict[str, Any]]:
    """Ten texts, each with a person and a place."""
    return [
        {"text": f"{name} {verb} {place}", "start": start, "end": end, "labels": [label]}
        for name in ("ann", "bob", "he", "she", "a")
        for verb, place in (("lives in", "oslo"), ("works at", "paris"))
        for label, start, end in (
            ("person", 0, len(name)),
            ("place", len(name) + len(verb) + 2, len(name) + len(verb) + 2 + len(place)),
        )
    ]
