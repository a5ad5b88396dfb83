"""LUKE's self-attention, ordinary and entity-aware, through fused kernels (Yamada et al. 2020, section 3.3).

Words and entities are one sequence, words first. In the entity-aware kind the query of position i depends on the type
of the key too: words ask words with `query` and entities with `w2e_query`, entities ask words with `e2w_query` and
entities with `e2e_query`. So every position has one query for word keys and one for entity keys. Softmax over the two
kinds of keys can be computed a kind at a time and joined by the kernels' log-sum-exp: no score matrix is ever stored,
and the arithmetic is that of ordinary attention (`_AttentionByKeyType`; on a CPU it was 1.8 times as fast as storing
the scores, and as doubled heads, at 512 words). Where the public kernels do not hand out what this needs (a GPU), one
call on doubled heads computes the same: query [q_word; q_entity], key [k; 0] for a word and [0; k] for an entity.

With dropout of weights, which no fused kernel of a CPU has, `dropped_attention` takes over there.

Where words are shared (`Layout.shared`), entities are read by themselves alone: see `luke_shared_attention`.
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
    """How the states of a batch lie in memory, and what may be seen.

    Args:
        batch, words, total: number of texts; of words, and of words and entities, of each.
        bias: what is added to the scores of a key, 0 or very negative [batch, 1, 1, total]; None when nothing is
            hidden.
        kept: numbers of the positions of which states exist, in the flattened batch, those of words first; None for all
            of them.
        kept_words: how many of them are words.
        shared: an entity is read by itself alone, so that words and entities do not depend on which others there are.
    """

    batch: int
    words: int
    total: int
    bias: Tensor | None = None
    kept: Tensor | None = None
    kept_words: int = 0
    shared: bool = False

    def parts(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """States of words, and of entities, of all positions or of those that are kept [..., positions, size]."""
        words = self.words if self.kept is None else self.kept_words
        return states[..., :words, :], states[..., words:, :]

    def spread(self, states: Tensor) -> Tensor:
        """States [kept, size] to [batch, total, size], zero where there is none; others as they are."""
        if self.kept is None:
            return states
        every = states.new_zeros(self.batch * self.total, states.shape[-1])
        return every.index_copy(0, self.kept, states).unflatten(0, (self.batch, self.total))

    def spread_entities(self, states: Tensor) -> Tensor:
        """The same for states of entities alone: [kept entities, size] to [batch, entities, size]."""
        if self.kept is None:
            return states
        entities = self.total - self.words
        places = self.kept[self.kept_words :]
        text = places // self.total
        every = states.new_zeros(self.batch * entities, states.shape[-1])
        return every.index_copy(0, places - (text + 1) * self.words, states).unflatten(0, (self.batch, entities))

    def gather(self, states: Tensor) -> Tensor:
        """The opposite of `spread`."""
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
                f"hidden_size {config.hidden_size} is no multiple of num_attention_heads {config.num_attention_heads}"
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
        """Mix every position's values.

        Args:
            hidden: states of words, then entities [batch, words + entities, hidden], or those that `layout` keeps.
            layout: what they are.
            return_weights: use the plain kernel, which knows the attention weights, and return them.
            eager: use the plain kernel.

        Returns:
            The context, shaped like `hidden`, and the weights [batch, heads, query, key] or None.
        """
        words, bias = layout.words, layout.bias
        key = self._split(layout.spread(self.key(hidden)))  # [batch, heads, key, head size]
        value = self._split(layout.spread(self.value(hidden)))
        dropout = self.dropout if self.training else 0.0
        weights = None
        compiled = dropout > 0 and torch.compiler.is_compiling()  # the blocks' masks come from outside torch
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
        """Each position's query for words [batch, heads, query, head size], and each entity's for itself."""
        if not self.entity_aware:
            to_words = self._split(layout.spread(self.query(hidden)))
            return to_words, to_words[:, :, layout.words :]
        word, entity = layout.parts(hidden)
        to_words = torch.cat([self.query(word), self.e2w_query(entity)], dim=-2)
        to_self = layout.spread_entities(self.e2e_query(entity))
        return self._split(layout.spread(to_words)), self._split(to_self)

    @torch.no_grad()
    def copy_query_where_missing(self) -> None:
        """Start the three extra queries as copies of `query`, except those that a checkpoint brought.

        Pre-training has no such matrices; as copies they leave its outputs unchanged.
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
    """Softmax attention in which word keys and entity keys are asked with different queries.

    Args:
        to_words, to_entities: queries for the first `words` keys and for the others [batch, heads, query, head size].
        key, value: [batch, heads, key, head size].
        words: number of word keys; at least one, and fewer than all.
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
    """`attention_by_key_type` by one call of the public fused attention."""
    query = torch.cat([to_words, to_entities], dim=-1)
    doubled = torch.cat(
        [
            functional.pad(key[:, :, :words], (0, key.shape[-1])),
            functional.pad(key[:, :, words:], (key.shape[-1], 0)),
        ],
        dim=2,
    )
    # the flash kernels want values as wide as keys; the others, and their memory, do not
    wide = value if bias is not None else functional.pad(value, (0, value.shape[-1]))
    context = functional.scaled_dot_product_attention(
        query, doubled, wide, attn_mask=bias, dropout_p=dropout, scale=key.shape[-1] ** -0.5
    )
    return context[..., : value.shape[-1]]


def _same_dtype(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors in the dtype of the first (under autocast a layer may have answered in another)."""
    return tuple(tensor.to(tensors[0].dtype) for tensor in tensors)


class _AttentionByKeyType(torch.autograd.Function):
    """Two flash calls, over word keys and over entity keys, joined by their log-sum-exps.

    With l1, l2 the log-sum-exps and o1, o2 the outputs of the two calls, the output over all keys is (e^l1 o1 + e^l2
    o2) / (e^l1 + e^l2). A flash backward pass recomputes the weights of its keys as exp(score - l), so that given the
    joint l and output each call yields exactly its part of the gradient (the argument of ring attention, Liu et al.
    2023).
    """

    @staticmethod
    def forward(
        ctx: Any, to_words: Tensor, to_entities: Tensor, key: Tensor, value: Tensor, words: int, bias: Tensor | None
    ) -> Tensor:
        """Arguments as of `attention_by_key_type`."""
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
