"""LUKE's self-attention, ordinary and entity-aware, through fused kernels (Yamada et al. 2020, section 3.3).

Words and entities are one sequence, words first. In the entity-aware kind, the query of position i also depends on the type
of the key: words use `query` for words and `w2e_query` for entities; entities use `e2w_query` for words and `e2e_query`
for entities. Every position therefore has one query for word keys and one for entity keys. The softmax over both kinds of
keys can be computed one kind at a time and joined by the kernels' log-sum-exp: no score matrix is stored, and the
arithmetic is that of ordinary attention (`_AttentionByKeyType`; on a CPU it was 1.8 times as fast as storing the scores,
and as doubled heads, at 512 words). Where the public kernels do not return the log-sum-exp (on a GPU), one call with
doubled heads computes the same: query [q_word; q_entity], key [k; 0] for a word and [0; k] for an entity.

For dropout of the weights, which no fused kernel for CPUs supports, `dropped_attention` is used.

If words are shared (`Layout.shared`), an entity is visible only to itself: see `luke.shared_attention`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LukeConfig

from loreweave.models.cpu_kernels import flash_attention, flash_attention_backward
from loreweave.models.dropout import dropout as drop
from loreweave.models.dropped_attention import attention_by_key_type_with_dropout, attention_with_dropout, in_blocks
from loreweave.models.luke.shared_attention import attention_to_words_and_self, explicit_attention_to_words_and_self


@dataclass(frozen=True)
class Layout:
    """Memory layout of a batch's states, and their visibility.

    Args:
        batch, words, total: number of texts; of words per text; of words and entities per text.
        bias: number added to the scores of a key, 0 or very negative [batch, 1, 1, total]; None if nothing is
            hidden.
        kept: indices in the flattened batch of the positions that have states, words first; None for all
            positions.
        kept_words: number of words among them.
        shared: an entity is visible only to itself, so states do not depend on the other entities of the text.
    """

    batch: int
    words: int
    total: int
    bias: Tensor | None = None
    kept: Tensor | None = None
    kept_words: int = 0
    shared: bool = False

    def parts(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Split states [..., positions, size] into those of words and those of entities."""
        words = self.words if self.kept is None else self.kept_words
        return states[..., :words, :], states[..., words:, :]

    def spread(self, states: Tensor) -> Tensor:
        """Expand states [kept, size] to [batch, total, size], zero where there is none; other states stay as they are."""
        if self.kept is None:
            return states
        every = states.new_zeros(self.batch * self.total, states.shape[-1])
        return every.index_copy(0, self.kept, states).unflatten(0, (self.batch, self.total))

    def spread_entities(self, states: Tensor) -> Tensor:
        """Same as `spread` for states of entities only: [kept entities, size] to [batch, entities, size]."""
        if self.kept is None:
            return states
        entities = self.total - self.words
        places = self.kept[self.kept_words :]
        text = places // self.total
        every = states.new_zeros(self.batch * entities, states.shape[-1])
        return every.index_copy(0, places - (text + 1) * self.words, states).unflatten(0, (self.batch, entities))

    def gather(self, states: Tensor) -> Tensor:
        """Inverse of `spread`."""
        return states if self.kept is None else states.flatten(0, 1).index_select(0, self.kept)


class LukeSelfAttention(nn.Module):
    """Multi-head self-attention over words and entities.

    Raises:
        ValueError: the hidden size is not a multiple of the number of heads.
    """

    def __init__(self, config: LukeConfig) -> None:
        super().__init__()
        if config.hidden_size % config.num_attention_heads:
            raise ValueError(
                f"hidden_size {config.hidden_size} is not a multiple of num_attention_heads {config.num_attention_heads}"
            )
        self.heads = config.num_attention_heads
        self.entity_aware = config.use_entity_aware_attention
        self.dropout = config.attention_probs_dropout_prob
        size = config.hidden_size
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.value = nn.Linear(size, size)
        if self.entity_aware:
            self.w2e_query = nn.Linear(size, size)
            self.e2w_query = nn.Linear(size, size)
            self.e2e_query = nn.Linear(size, size)

    def forward(
        self, hidden: Tensor, layout: Layout, return_weights: bool = False, eager: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Compute the context of every position.

        Args:
            hidden: states of words, then entities [batch, words + entities, hidden], or those that `layout` keeps.
            layout: layout of these states.
            return_weights: return the attention weights, which needs the plain kernel.
            eager: use the plain kernel.

        Returns:
            Context in the shape of `hidden`, and the weights [batch, heads, query, key] or None.
        """
        words, bias = layout.words, layout.bias
        key = self._split(layout.spread(self.key(hidden)))  # [batch, heads, key, head size]
        value = self._split(layout.spread(self.value(hidden)))
        dropout = self.dropout if self.training else 0.0
        weights = None
        compiled = dropout > 0 and torch.compiler.is_compiling()  # the masks of blocks are not drawn by torch
        plain = eager or return_weights or (compiled and key.device.type == "cpu")
        if layout.shared and words < layout.total:
            to_words, to_self = self._queries_of_shared_words(hidden, layout)
            if plain or key.device.type != "cpu":
                context, weights = explicit_attention_to_words_and_self(
                    to_words, to_self, key, value, bias, dropout, return_weights
                )
            else:
                context = attention_to_words_and_self(to_words, to_self, key, value, bias, dropout)
        elif self.entity_aware and words < layout.total:
            to_words, to_entities = self._queries_by_key_type(hidden, layout)
            if plain:
                scores = torch.cat([_scores(to_words, key[:, :, :words]), _scores(to_entities, key[:, :, words:])], dim=-1)
                context, weights = plain_attention(scores, value, bias, dropout)
            else:
                context = attention_by_key_type(to_words, to_entities, key, value, words, bias, dropout)
        else:
            query = self._split(layout.spread(self.query(hidden)))
            if plain:
                context, weights = plain_attention(_scores(query, key), value, bias, dropout)
            elif in_blocks(key, dropout):
                context = attention_with_dropout(query, key, value, bias, dropout)
            else:
                context = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)
        return layout.gather(context.transpose(1, 2).flatten(2)), weights if return_weights else None

    def _split(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [batch, heads, position, head size]

    def _queries_by_key_type(self, hidden: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
        """Each position's query for word keys and for entity keys, 2 x [batch, heads, query, head size]."""
        word, entity = layout.parts(hidden)
        to_words = torch.cat([self.query(word), self.e2w_query(entity)], dim=-2)
        to_entities = torch.cat([self.w2e_query(word), self.e2e_query(entity)], dim=-2)
        return self._split(layout.spread(to_words)), self._split(layout.spread(to_entities))

    def _queries_of_shared_words(self, hidden: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
        """Query for words of each position [batch, heads, query, head size], and query for itself of each entity."""
        if not self.entity_aware:
            to_words = self._split(layout.spread(self.query(hidden)))
            return to_words, to_words[:, :, layout.words :]
        word, entity = layout.parts(hidden)
        to_words = torch.cat([self.query(word), self.e2w_query(entity)], dim=-2)
        to_self = layout.spread_entities(self.e2e_query(entity))
        return self._split(layout.spread(to_words)), self._split(to_self)

    @torch.no_grad()
    def copy_query_where_missing(self) -> None:
        """Initialise the three extra queries as copies of `query`, except those that are in the checkpoint.

        Pre-trained checkpoints have no such matrices; copies leave the outputs unchanged.
        """
        if not self.entity_aware:
            return
        for other in (self.w2e_query, self.e2w_query, self.e2e_query):
            for target, source in ((other.weight, self.query.weight), (other.bias, self.query.bias)):
                if not getattr(target, "_is_hf_initialized", False):
                    target.copy_(source)


def _scores(query: Tensor, key: Tensor) -> Tensor:
    """Scaled scores [batch, heads, query, key]."""
    return (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)


def plain_attention(scores: Tensor, value: Tensor, bias: Tensor | None, dropout: float) -> tuple[Tensor, Tensor]:
    """The context, and the attention weights after dropout [batch, heads, query, key]."""
    weights = functional.softmax(scores if bias is None else scores + bias, dim=-1)
    weights = drop(weights, dropout)
    return weights.to(value.dtype) @ value, weights


def attention_by_key_type(
    to_words: Tensor, to_entities: Tensor, key: Tensor, value: Tensor, words: int, bias: Tensor | None, dropout: float
) -> Tensor:
    """Softmax attention with different queries for word keys and entity keys.

    Args:
        to_words, to_entities: queries for the first `words` keys and for the others [batch, heads, query, head size].
        key, value: [batch, heads, key, head size].
        words: number of word keys, at least one and fewer than all keys.
        bias: added to the scores [batch, 1, 1, key], or None.
        dropout: probability of dropping an attention weight.

    Returns:
        [batch, heads, query, head size].
    """
    to_words, to_entities, key, value = _same_dtype(to_words, to_entities, key, value)
    if key.device.type != "cpu":
        return _on_doubled_heads(to_words, to_entities, key, value, words, bias, dropout)
    if dropout > 0:
        return attention_by_key_type_with_dropout(to_words, to_entities, key, value, words, bias, dropout)
    return _AttentionByKeyType.apply(to_words, to_entities, key, value, words, bias)


def _on_doubled_heads(
    to_words: Tensor, to_entities: Tensor, key: Tensor, value: Tensor, words: int, bias: Tensor | None, dropout: float
) -> Tensor:
    """`attention_by_key_type` as one call of the public fused attention."""
    query = torch.cat([to_words, to_entities], dim=-1)
    doubled = torch.cat(
        [
            functional.pad(key[:, :, :words], (0, key.shape[-1])),
            functional.pad(key[:, :, words:], (key.shape[-1], 0)),
        ],
        dim=2,
    )
    # flash kernels need values as wide as keys; others do not, and save the memory
    wide = value if bias is not None else functional.pad(value, (0, value.shape[-1]))
    context = functional.scaled_dot_product_attention(
        query, doubled, wide, attn_mask=bias, dropout_p=dropout, scale=key.shape[-1] ** -0.5
    )
    return context[..., : value.shape[-1]]


def _same_dtype(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Convert the tensors to the dtype of the first (under autocast a layer may return another one)."""
    return tuple(tensor.to(tensors[0].dtype) for tensor in tensors)


class _AttentionByKeyType(torch.autograd.Function):
    """Two flash calls, for word keys and for entity keys, joined by their log-sum-exps.

    With log-sum-exps l1, l2 and outputs o1, o2 of the two calls, the output over all keys is (e^l1 o1 + e^l2
    o2) / (e^l1 + e^l2). A flash backward pass recomputes the weights of its keys as exp(score - l), so with the
    joint l and output each call returns exactly its part of the gradient (as in ring attention, Liu et al.
    2023).
    """

    @staticmethod
    def forward(
        ctx: Any, to_words: Tensor, to_entities: Tensor, key: Tensor, value: Tensor, words: int, bias: Tensor | None
    ) -> Tensor:
        """Arguments as for `attention_by_key_type`."""
        parts = _by_type(key, value, bias, words)
        (out, lse), (out2, lse2) = (
            flash_attention(query, *keys_values, attn_mask=mask)
            for query, (*keys_values, mask) in zip((to_words, to_entities), parts, strict=True)
        )
        joint = torch.logaddexp(lse, lse2)  # [batch, heads, query]
        out = torch.lerp(out, out2, torch.exp(lse2 - joint).unsqueeze(-1).to(out.dtype))
        ctx.save_for_backward(to_words, to_entities, key, value, bias, out, joint)
        ctx.words = words
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of queries, keys and values."""
        to_words, to_entities, key, value, bias, out, joint = ctx.saved_tensors
        (query, keys, values), (query2, keys2, values2) = (
            flash_attention_backward(gradients[0], query, k, v, out, joint, 0.0, False, attn_mask=mask)
            for query, (k, v, mask) in zip((to_words, to_entities), _by_type(key, value, bias, ctx.words), strict=True)
        )
        return query, query2, torch.cat([keys, keys2], dim=2), torch.cat([values, values2], dim=2), None, None


def _by_type(
    key: Tensor, value: Tensor, bias: Tensor | None, words: int
) -> tuple[tuple[Tensor, Tensor, Tensor | None], tuple[Tensor, Tensor, Tensor | None]]:
    """Keys, values and bias of the words, and of the entities."""
    word = (key[:, :, :words], value[:, :, :words], None if bias is None else bias[..., :words])
    entity = (key[:, :, words:], value[:, :, words:], None if bias is None else bias[..., words:])
    return word, entity
