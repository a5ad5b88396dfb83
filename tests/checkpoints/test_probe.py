"""The sentences that both models read, and how their answers are compared."""

from __future__ import annotations

import torch
from transformers import LukeConfig

from loreweave.checkpoints.probe import differences, luke_probe, words_probe


def _config(**changes: int) -> LukeConfig:
    values = {"vocab_size": 60, "entity_vocab_size": 9, "max_position_embeddings": 22, "pad_token_id": 1}
    return LukeConfig(**(values | changes))


def test_the_probe_reaches_every_edge() -> None:
    batch = luke_probe(_config())
    assert batch["input_ids"].shape == (2, 20), "as long as the positions allow"
    assert {59, 58, 57} <= set(batch["input_ids"][0].tolist()), "markers are the last words"
    assert (batch["input_ids"][batch["attention_mask"] == 1] != 1).all() and (batch["input_ids"][1, 11:] == 1).all()
    assert {2, 8} <= set(batch["entity_ids"].flatten().tolist())
    assert batch["entity_position_ids"].max() == 19 and (batch["entity_position_ids"][1, :2] < 11).all()
    assert batch["entity_attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]


def test_small_and_large_models() -> None:
    assert luke_probe(_config(max_position_embeddings=4, entity_vocab_size=3))["input_ids"].shape == (2, 2)
    assert words_probe(_config(vocab_size=250_002), 512)["input_ids"].shape == (2, 63), "a gigabyte of logits is too much"


def test_what_counts_as_equal() -> None:
    reference = {"logits": torch.tensor([[1.0, -99.0]]), "states": torch.tensor([0.0])}
    close = {"logits": reference["logits"] + 9e-4, "states": torch.tensor([9e-6])}
    assert differences(reference, close) == []
    assert differences(reference, {"logits": reference["logits"] + 2e-3, "states": torch.tensor([0.0])}) == [
        "logits off by up to 0.002"
    ]
    assert differences(reference, {"logits": torch.zeros(1, 3), "states": torch.tensor([float("nan")])}) == [
        "logits of the shape [1, 3], not [1, 2]",
        "states off by up to nan",
    ]
    assert differences(reference, {"logits": reference["logits"]}) == ["no states"]
    lowest = torch.tensor([torch.finfo(torch.float32).min, 1.0])
    assert differences({"logits": lowest}, {"logits": lowest.clone()}) == []
    assert differences({"logits": lowest}, {"logits": lowest + torch.tensor([0.0, 0.1])}) == ["logits off by up to 0.1"]
