"""Small random LUKE configurations and batches with awkward masks, for the parity tests."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import LukeConfig

SIZES: dict[str, dict[str, Any]] = {
    "narrow entities": {"hidden_size": 32, "num_attention_heads": 2, "entity_emb_size": 12},
    "wide entities": {"hidden_size": 24, "num_attention_heads": 3, "entity_emb_size": 24},
    "many heads": {"hidden_size": 64, "num_attention_heads": 8, "entity_emb_size": 16, "num_hidden_layers": 3},
}


def luke_config(size: str = "narrow entities", **changes: Any) -> LukeConfig:
    """A configuration without dropout, so that two models can be compared."""
    settings: dict[str, Any] = {
        "vocab_size": 97,
        "entity_vocab_size": 41,
        "num_hidden_layers": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 60,
        "type_vocab_size": 2,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "layer_norm_eps": 1e-5,
        "num_labels": 5,
    }
    return LukeConfig(**(settings | SIZES[size] | changes))


def luke_batch(masks: str, *, entities: int = 6, words: int = 17, batch: int = 4, seed: int = 0) -> dict[str, Tensor]:
    """Random inputs; `masks` is `full`, `tail`, `holes` (padding anywhere), `empty row` (a text whose entities are all
    padding), `no masks` (not given) or `words only`."""
    random = torch.Generator().manual_seed(seed)
    inputs = {
        "input_ids": torch.randint(2, 97, (batch, words), generator=random),
        "token_type_ids": torch.randint(0, 2, (batch, words), generator=random),
        "attention_mask": _mask(masks, (batch, words), random),
    }
    inputs["input_ids"][-1, -3:] = 1  # <pad>, which word positions skip
    if masks == "words only":
        return inputs
    inputs |= {
        "entity_ids": torch.randint(0, 41, (batch, entities), generator=random),
        "entity_token_type_ids": torch.randint(0, 2, (batch, entities), generator=random),
        "entity_attention_mask": _mask(masks, (batch, entities), random),
        "entity_position_ids": mention_positions(batch, entities, words, random),
    }
    if masks == "empty row":
        inputs["entity_attention_mask"][1] = 0
        inputs["entity_position_ids"][1] = -1
    if masks == "no masks":
        del inputs["attention_mask"], inputs["entity_attention_mask"]
    return inputs


def mention_positions(batch: int, entities: int, words: int, random: torch.Generator, longest: int = 7) -> Tensor:
    """Lists with gaps, repeats and -1 anywhere; the first is all -1."""
    positions = torch.randint(0, words, (batch, entities, longest), generator=random)
    positions[torch.rand(positions.shape, generator=random) < 0.5] = -1
    positions[0, 0] = -1
    positions[0, 1:2] = 3
    return positions


def _mask(masks: str, shape: tuple[int, int], random: torch.Generator) -> Tensor:
    if masks == "tail":
        lengths = torch.randint(1, shape[1] + 1, (shape[0], 1), generator=random)
        return (torch.arange(shape[1])[None] < lengths).long()
    if masks in ("holes", "empty row"):
        mask = (torch.rand(shape, generator=random) < 0.6).long()
        mask[:, shape[1] // 2] = 1
        return mask
    return torch.ones(shape, dtype=torch.long)


MASKS = ("full", "tail", "holes", "empty row", "no masks", "words only")


def assert_close(found: Tensor, expected: Tensor, what: str, tolerance: float = 1e-5) -> None:
    """Fail unless the largest difference is at most `tolerance * (1 + max|expected|)`."""
    assert found.shape == expected.shape, f"{what}: {tuple(found.shape)}, expected {tuple(expected.shape)}"
    if expected.numel():
        difference = (found - expected).abs().max().item()
        limit = tolerance * (1 + expected.abs().max().item())
        assert difference <= limit, f"{what}: differs by {difference:.2e}, more than {limit:.2e}"
