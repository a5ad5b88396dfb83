"""The small world that pre-training tests train on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_worlds import make_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, minilm_dir: Path) -> Path:
    return make_world(tmp_path_factory.mktemp("world"), minilm_dir)
