"""What the tests of this folder share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # for `layouts`: in importlib mode a test's folder is not on the path


@pytest.fixture(scope="session")
def roberta_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the word tokenizer that the tiny models were made with."""
    import layouts

    return layouts.write_roberta_tokenizer(tmp_path_factory.mktemp("base") / "roberta-tiny")
