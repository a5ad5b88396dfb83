"""The two files of a head."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from loreweave.checkpoints.head_files import HeadFiles, filled
from loreweave.checkpoints.tensor_files import read_tensors
from loreweave.errors import CheckpointError

FILES = HeadFiles("guess", "loreweave guesses", 3)


@pytest.mark.parametrize(("name", "stem"), [(None, "guess"), ("second", "guess.second")])
def test_what_is_saved_is_read(tmp_path: Path, name: str | None, stem: str) -> None:
    head = nn.Linear(2, 3)
    FILES.save(tmp_path, dict(head.named_parameters()), {"width": 2}, name)
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"{stem}.json", f"{stem}.safetensors"]
    assert json.loads((tmp_path / f"{stem}.json").read_text()) == {"format": "loreweave guesses", "version": 3, "width": 2}
    assert FILES.read(tmp_path, name) == {"width": 2}
    weights = FILES.weights(tmp_path, name)
    with torch.device("meta"):
        empty = nn.Linear(2, 3)
    again = filled(empty, read_tensors(weights), weights)
    assert torch.equal(again.weight, head.weight) and again.weight.requires_grad and not again.training


def test_files_of_another_version_or_of_other_sizes(tmp_path: Path) -> None:
    FILES.save(tmp_path, dict(nn.Linear(2, 3).named_parameters()), {})
    with pytest.raises(CheckpointError, match=r"guess\.json.*: found 3, expected 4"):
        HeadFiles("guess", "loreweave guesses", 4).read(tmp_path)
    with pytest.raises(CheckpointError, match=r"(?s)guess\.safetensors: .*size mismatch"):
        filled(nn.Linear(5, 3), read_tensors(FILES.weights(tmp_path)), FILES.weights(tmp_path))
