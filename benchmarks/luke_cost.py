"""Arithmetic of one LUKE pre-training step: what skipping unlabelled logits can save, before anything is measured."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from transformers import LukeConfig

BACKWARD = 2  # a matrix product's gradients are two products of its size


@dataclass(frozen=True)
class Cost:
    """Floating-point operations of the matrix products of a step, forward and backward."""

    encoder: float
    words: float
    entities: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.encoder + self.words + self.entities


def step_cost(config: LukeConfig, batch: dict[str, Tensor], labelled_only: bool, fused: bool) -> Cost:
    """Cost of a step. `labelled_only`: logits at labels alone; `fused`: attention recomputes its scores backwards."""
    size, words = batch["input_ids"].shape
    entities = batch["entity_ids"].shape[1]
    hidden, narrow = config.hidden_size, config.entity_emb_size
    positions = size * (words + entities)
    linear = 2 * positions * (4 * hidden**2 + 2 * hidden * config.intermediate_size)
    attention = 4 * size * (words + entities) ** 2 * hidden
    encoder = config.num_hidden_layers * (linear + attention) + 2 * size * entities * narrow * hidden
    again = config.num_hidden_layers * attention / 2 if fused else 0
    scored_words = int((batch["labels"] != -100).sum()) if labelled_only else size * words
    scored_entities = int((batch["entity_labels"] != -100).sum()) if labelled_only else size * entities
    return Cost(
        encoder=(1 + BACKWARD) * encoder + again,
        words=(1 + BACKWARD) * 2 * scored_words * hidden * (hidden + config.vocab_size),
        entities=(1 + BACKWARD) * 2 * scored_entities * narrow * (hidden + config.entity_vocab_size),
    )
