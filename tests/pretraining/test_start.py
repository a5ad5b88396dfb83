"""The model that a run starts from."""

from __future__ import annotations

from pathlib import Path

import pytest

from loreweave.errors import CheckpointError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.start import start
from loreweave.training.settings.configuration import fill


def test_a_folder_whose_configuration_is_of_another_program(tmp_path: Path) -> None:
    """As AllenNLP's, which names no type of model: what is wrong is said by the formats, not by transformers."""
    (tmp_path / "config.json").write_text('{"dataset_reader": {}}')
    config = fill(PretrainingConfig, {"model": str(tmp_path), "data": ["none"], "output": str(tmp_path / "run")})
    with pytest.raises(CheckpointError, match="found a folder with config.json; expected one of the formats"):
        start(config, [])
