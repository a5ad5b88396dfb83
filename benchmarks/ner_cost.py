"""Arithmetic of LUKE's span head: floating-point operations of the matrix products for a batch, before anything is measured."""

from __future__ import annotations

from luke_cost import BACKWARD
from torch import Tensor
from transformers import LukeConfig


def span_cost(
    config: LukeConfig, batch: dict[str, Tensor], *, padded: bool, shared: bool = False, train: bool = False
) -> float:
    """Operations of all layers and of the head.

    Args:
        padded: every position of the rectangular batch is computed; otherwise only what the masks let see.
        shared: words read words, a span the words and itself.
        train: forward and backward; scores that a fused kernel computes again are not counted.
    """
    size = batch["input_ids"].shape[0]
    words, spans = (batch[name].sum(dim=1).double() for name in ("attention_mask", "entity_attention_mask"))
    if padded:
        words, spans = (words.new_full((size,), batch[name].shape[1]) for name in ("input_ids", "entity_ids"))
    hidden, aware = config.hidden_size, config.use_entity_aware_attention
    of_position = 4 * hidden**2 + 2 * hidden * config.intermediate_size  # one query, key, value, output, feed-forward
    linear = 2 * (words + spans) * of_position + 2 * hidden**2 * (spans if shared else words + spans) * aware
    scores = words * (words + spans) + spans if shared else (words + spans) ** 2
    layers = config.num_hidden_layers * (linear + 4 * hidden * scores)
    head = 2 * spans * 3 * hidden * config.num_labels
    return float((layers + head).sum()) * (1 + BACKWARD if train else 1)
