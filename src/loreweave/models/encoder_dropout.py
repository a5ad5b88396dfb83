"""Training of transformers' encoders on a CPU with the cheap masks and blocked attention of our own models.

This is the only module that changes models of transformers for that purpose. Parameters, state dict and configuration file
stay the same: the attention is a function registered under a name of ours and set on the model in memory, and `nn.Dropout`
modules become `Dropout`, a subclass. Masks that a model draws through `nn.functional.dropout` stay torch's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from loreweave.models.dropout import Dropout
from loreweave.models.dropped_attention import added_to_scores, attention_with_dropout, in_blocks
from loreweave.models.luke.attention import plain_attention

BLOCKS = "loreweave_blocks"
"""Name of the attention function: transformers' fused one, replaced by ours for dropout on a CPU."""


def use_cheap_masks(model: nn.Module) -> None:
    """Draw the masks of hidden states with `Dropout`; modules keep their identity, so that hooks stay.

    In-place modules are not changed, since their caller may rely on the modified input.
    """
    for module in model.modules():
        if type(module) is nn.Dropout and not module.inplace:
            module.__class__ = Dropout


def use_attention_in_blocks(model: nn.Module) -> None:
    """Make models that use transformers' fused attention use `BLOCKS`; our own LUKE has its own attention."""
    for module in model.modules():
        if not isinstance(module, PreTrainedModel) or module.config.sub_configs or module.config.model_type == "luke":
            continue
        if module.config._attn_implementation == "sdpa" and module._can_set_attn_implementation():
            module.config._attn_implementation = BLOCKS


def attention_in_blocks(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attention function for transformers: bidirectional attention with dropout on a CPU in blocks, the rest fused.

    In bf16, where torch's fused backward pass is slow on a CPU, it uses plain matrix products, with and without dropout.

    Args:
        module: the calling attention module; its `is_causal` is respected if it has one.
        query, key, value: [batch, heads, position, head size].
        attention_mask: True for visible positions, or a number added to the scores [batch, 1 or heads, query, key].
        dropout: probability of dropping an attention weight.
        scaling: factor of the scores.
        options: other options of the fused function; if any is not None or False, the fused function is used.

    Returns:
        Context [batch, query, heads, value size], and None for the weights.
    """
    causal = options.get("is_causal", getattr(module, "is_causal", True))
    plain = not any(option is not None and option is not False for option in options.values())
    fits = attention_mask is None or (attention_mask.dim() == 4 and not attention_mask.requires_grad)
    same_heads = query.shape[:2] == key.shape[:2]
    if plain and fits and same_heads and not (causal and attention_mask is None) and query.device.type == "cpu":
        context = None
        if query.dtype == torch.bfloat16:
            context = _by_plain_products(query, key, value, attention_mask, dropout, scaling)
        elif in_blocks(query, dropout):
            context = attention_with_dropout(query, key, value, attention_mask, dropout, scaling)
        if context is not None:
            return context.transpose(1, 2).contiguous(), None
    found: tuple[Tensor, None] = sdpa_attention_forward(
        module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
    )
    return found


def _by_plain_products(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float, scaling: float | None
) -> Tensor:
    """Arguments as for `attention_in_blocks`. Returns the context [batch, heads, query, value size]."""
    scores = query * (query.shape[-1] ** -0.5 if scaling is None else scaling) @ key.mT
    return plain_attention(scores, value, added_to_scores(mask, scores.dtype), dropout)[0]


AttentionInterface.register(BLOCKS, attention_in_blocks)
AttentionMaskInterface.register(BLOCKS, sdpa_mask)
