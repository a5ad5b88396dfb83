"""Devices and number formats that a run may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from loreweave.errors import ConfigurationError
from loreweave.training import devices
from loreweave.training.devices import autocast, restore_on_numbered_cpus, training_device


def test_an_unknown_precision_is_named() -> None:
    with pytest.raises(ConfigurationError, match="precision: found 'fp8', expected fp32, bf16 or fp16"):
        autocast(torch.device("cpu"), "fp8")


def test_training_takes_the_first_device_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers' Trainer would take the first in silence."""
    assert training_device("cpu").type == "cpu"
    monkeypatch.setattr(devices, "choose_device", lambda name: torch.device(name))
    assert training_device("cuda:0").index == 0
    with pytest.raises(ConfigurationError, match="CUDA_VISIBLE_DEVICES=1"):
        training_device("cuda:1")


def test_tensors_are_restored_where_the_second_process_runs(tmp_path: Path) -> None:
    file = tmp_path / "optimizer.pt"
    torch.save({"step": torch.tensor([1.0, 2.0])}, file)
    for _ in range(2):  # as where one process resumes two runs
        restore_on_numbered_cpus()
    found = torch.load(file, map_location=torch.device("cpu", 1), weights_only=True)["step"]
    assert found.tolist() == [1.0, 2.0] and found.device.type == "cpu"
