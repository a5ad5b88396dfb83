"""Devices and number formats that a run may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, LukeConfig

from loreweave.errors import ConfigurationError
from loreweave.models import LukeModel
from loreweave.models.dropout import Dropout
from loreweave.models.encoder_dropout import BLOCKS
from loreweave.training import devices
from loreweave.training.devices import autocast, choose_attention, restore_on_numbered_cpus, training_device


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


def small_bert() -> BertModel:
    return BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=9))


def small_luke() -> LukeModel:
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 9}
    return LukeModel(LukeConfig(**sizes, entity_vocab_size=4, entity_emb_size=8))


def kinds_of_dropout(model: torch.nn.Module) -> set[type]:
    return {type(module) for module in model.modules() if isinstance(module, torch.nn.Dropout)}


def test_attention_and_masks_of_a_cpu_are_ours() -> None:
    for precision in ("fp32", "bf16"):
        choose_attention(model := small_bert(), torch.device("cpu"), precision)
        assert model.config._attn_implementation == BLOCKS and kinds_of_dropout(model) == {Dropout}
    choose_attention(luke := small_luke(), torch.device("cpu"), "fp32")
    assert luke.config._attn_implementation == "sdpa"  # LUKE's own attention goes in blocks by itself


def test_attention_that_is_asked_for_is_kept() -> None:
    for wanted in ("eager", "sdpa"):
        choose_attention(model := small_bert(), torch.device("cpu"), "fp32", wanted)
        assert model.config._attn_implementation == wanted


def test_nothing_changes_on_a_gpu() -> None:
    choose_attention(model := small_bert(), torch.device("cuda"), "bf16")
    assert model.config._attn_implementation == "sdpa" and kinds_of_dropout(model) == {torch.nn.Dropout}
