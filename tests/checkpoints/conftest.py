"""What the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import layouts
import pytest


@pytest.fixture(scope="session")
def roberta_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the word tokenizer that the tiny models were made with."""
    return layouts.write_roberta_tokenizer(tmp_path_factory.mktemp("base") / "roberta-tiny")
