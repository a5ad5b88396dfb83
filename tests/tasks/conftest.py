"""Fixtures of the tasks' tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from linking_world import ENTITIES, write
from tiny_encoders import TYPING_ROWS


@pytest.fixture
def entity_file(tmp_path: Path) -> Path:
    """Three described entities as JSON Lines."""
    return write(tmp_path / "entities.jsonl", ENTITIES)


@pytest.fixture
def typing_file(tmp_path: Path) -> Path:
    """Sixteen typed mentions as a JSON list."""
    path = tmp_path / "train.json"
    path.write_text(json.dumps(TYPING_ROWS), encoding="utf-8")
    return path
