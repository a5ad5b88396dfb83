"""Files of the small world of entity linking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from linking_world import ENTITIES, ROWS, write
from task_jobs import silent

import loreweave


@pytest.fixture
def entities(tmp_path: Path) -> Path:
    """The entities in a file."""
    return write(tmp_path / "entities.jsonl", ENTITIES)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Annotated texts in a file."""
    return write(tmp_path / "data.jsonl", ROWS)


@pytest.fixture
def run(tiny_bert: Path, data: Path, entities: Path, tmp_path: Path) -> Any:
    """A trained linker."""
    settings = {"entities": str(entities), "epochs": 1, "batch_size": 2, "max_length": 32, "device": "cpu"}
    return loreweave.finetune(
        "entity-linking", tiny_bert, train=data, dev=data, output=tmp_path / "run", report=silent, **settings
    )
