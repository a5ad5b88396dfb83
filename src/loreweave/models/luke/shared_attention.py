"""LUKE's self-attention with shared words: words see words only, and an entity sees the words and itself.

Every query attends to the keys of the words; an entity has one more key, its own. One fused call over the word keys
therefore serves all positions, and an entity's own score is joined by the call's log-sum-exp: scores between entities are
never computed. A text with W words and E entities costs W (W + E) scores per head instead of (W + E)^2.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from loreweave.models.cpu_kernels import flash_attention, flash_attention_backward
from loreweave.models.dropout import dropout as drop
from loreweave.models.dropped_attention import attention_to_words_and_self_with_dropout


def attention_to_words_and_self(
    to_words: Tensor, to_self: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, dropout: float = 0.0
) -> Tensor:
    """Softmax attention of words to words, and of each entity to words and itself, on a CPU without stored scores.

    Args:
        to_words: each position's query for words [batch, heads, words + entities, head size].
        to_self: each entity's query for itself [batch, heads, entities, head size].
        key, value: [batch, heads, words + entities, head size].
        bias: added to the scores of a key [batch, 1, 1, words + entities], or None. Only that of words matters, since a
            padded entity is visible only to itself.
        dropout: probability of dropping an attention weight.

    Returns:
        [batch, heads, words + entities, head size].
    """
    if dropout > 0:
        return attention_to_words_and_self_with_dropout(to_words, to_self, key, value, bias, dropout)
    return _AttentionToWordsAndSelf.apply(*(tensor.to(to_words.dtype) for tensor in (to_words, to_self, key, value)), bias)


def explicit_attention_to_words_and_self(
    to_words: Tensor,
    to_self: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None,
    dropout: float,
    return_weights: bool,
) -> tuple[Tensor, Tensor | None]:
    """Same with stored scores [batch, heads, words + entities, words + 1] and dropout of the weights, on any device.

    Returns:
        Context, and the weights [batch, heads, query, key] if requested.
    """
    words, scale = _words(to_words, to_self), key.shape[-1] ** -0.5
    scores = (to_words * scale) @ key[:, :, :words].transpose(-1, -2)
    scores = scores if bias is None else scores + bias[..., :words]
    own = functional.pad(_own_scores(to_self, key, words), (words, 0), value=float("-inf"))  # [batch, heads, query]
    weights = functional.softmax(torch.cat([scores, own.unsqueeze(-1).to(scores.dtype)], dim=-1), dim=-1)
    weights = drop(weights, dropout).to(value.dtype)
    of_words, of_self = weights[..., :words], weights[..., words:]
    context = of_words @ value[:, :, :words]
    context = torch.cat([context[:, :, :words], context[:, :, words:] + of_self[:, :, words:] * value[:, :, words:]], dim=2)
    if not return_weights:
        return context, None
    return context, torch.cat([of_words, torch.diag_embed(of_self.squeeze(-1))[..., words:]], dim=-1)


def _words(to_words: Tensor, to_self: Tensor) -> int:
    """Number of words."""
    return to_words.shape[2] - to_self.shape[2]


def _own_scores(to_self: Tensor, key: Tensor, words: int) -> Tensor:
    """Each entity's scaled score for itself [batch, heads, entities], in float32."""
    return torch.linalg.vecdot(to_self.float(), key[:, :, words:].float()) * key.shape[-1] ** -0.5


class _AttentionToWordsAndSelf(torch.autograd.Function):
    """Flash attention over the word keys, joined with an entity's own score s and value v.

    With the call's output o and log-sum-exp l, the entity's output is o + (v - o) p, where p = exp(s - log(e^l + e^s)). The
    backward pass over the word keys is the kernel's, given the joint log-sum-exp and output (as in `luke.attention`); that
    of the own key is the one of one more column in a softmax.
    """

    @staticmethod
    def forward(ctx: Any, to_words: Tensor, to_self: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
        """Arguments as for `attention_to_words_and_self`."""
        words = _words(to_words, to_self)
        bias = None if bias is None else bias[..., :words]
        out, lse = flash_attention(to_words, key[:, :, :words], value[:, :, :words], attn_mask=bias)
        own = _own_scores(to_self, key, words)
        lse[:, :, words:] = torch.logaddexp(lse[:, :, words:], own)
        share = torch.exp(own - lse[:, :, words:])  # [batch, heads, entities]
        out[:, :, words:].lerp_(value[:, :, words:], share.unsqueeze(-1).to(out.dtype))
        ctx.save_for_backward(to_words, to_self, key, value, bias, out, lse, share)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of queries, keys and values."""
        to_words, to_self, key, value, bias, out, lse, share = ctx.saved_tensors
        words = _words(to_words, to_self)
        of_out = gradients[0]
        to_word_keys, keys, values = flash_attention_backward(
            of_out, to_words, key[:, :, :words], value[:, :, :words], out, lse, 0.0, False, attn_mask=bias
        )
        of_entity, own_key, own_value = of_out[:, :, words:], key[:, :, words:], value[:, :, words:]
        of_share = torch.linalg.vecdot(of_entity.float(), (own_value - out[:, :, words:]).float())
        of_score = (share * of_share * key.shape[-1] ** -0.5).unsqueeze(-1).to(key.dtype)
        keys = torch.cat([keys, of_score * to_self], dim=2)
        values = torch.cat([values, share.unsqueeze(-1).to(value.dtype) * of_entity], dim=2)
        return to_word_keys, of_score * own_key, keys, values, None
