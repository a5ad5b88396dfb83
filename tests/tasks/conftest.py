"""Fixtures of the tasks' tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_encoders import TYPING_ROWS, make_tiny_bert, make_tiny_luke


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain encoder's folder."""
    return make_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def tiny_luke(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LUKE's folder."""
    return make_tiny_luke(tiny_bert, tmp_path_factory.mktemp("luke") / "model")


@pytest.fixture
def typing_file(tmp_path: Path) -> Path:
    """Sixteen typed mentions as a JSON list."""
    path = tmp_path / "train.json"
    path.write_text(json.dumps(TYPING_ROWS), encoding="utf-8")
    return path
