"""Attention with dropout of the weights on a CPU, for which torch has no fused kernel.

torch's fallback writes all scores, weights and masks to memory, and draws masks slowly. Here, blocks of heads whose scores
fit the caches go through forward and backward separately: a matrix product into a buffer that every block reuses, softmax,
mask, a matrix product. The backward pass needs one bit per weight, its mask; scores are computed again, as fused kernels
do. In float32 that takes 1.2 times as long as the fused kernel without dropout.

Three kinds of attention are supported (see `luke.attention` and `luke.shared_attention`): one query for all keys; one query
for the keys of words and one for those of entities; one query for the keys of words and one for an entity's own key.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from loreweave.models.dropout import MaskSource, as_tensor

_BLOCK = 1 << 18
"""Scores per block and thread: 1 MiB in float32, about the size of a core's second-level cache."""

_Block = tuple[slice, slice]
"""Texts and heads of a block."""


@dataclass(frozen=True)
class _Plan:
    """Kind of attention.

    Args:
        dropout: probability of dropping a weight.
        words: number of the first keys, those that `query` attends to.
        own: `other` attends to each entity's own key only; otherwise to all keys of entities, if there is an `other`.
        scale: factor of the scores.
    """

    dropout: float
    words: int
    own: bool
    scale: float


def in_blocks(states: Tensor, dropout: float) -> bool:
    """Whether this module computes attention with dropout of such states, rather than torch's kernels or compiler."""
    return dropout > 0 and states.device.type == "cpu" and not torch.compiler.is_compiling()


def attention_with_dropout(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, dropout: float, scale: float | None = None
) -> Tensor:
    """Softmax attention with dropout of its weights.

    Args:
        query, key, value: [batch, heads, position, head size]; values may have a different size.
        bias: added to the scores, broadcast to [batch, heads, query, key]; or True for visible keys; or None. It gets no
            gradient.
        dropout: probability of dropping an attention weight.
        scale: factor of the scores. Default: 1 / sqrt(head size).

    Returns:
        [batch, heads, query, value size].
    """
    bias = None if bias is None else bias[(None,) * (4 - bias.dim())]
    bias = added_to_scores(bias, query.dtype)
    plan = _Plan(dropout, key.shape[2], False, query.shape[-1] ** -0.5 if scale is None else scale)
    return _apply(query, None, key, value, bias, plan)


def added_to_scores(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Bias that is added to scores for a mask: the mask itself, or for a mask of True at visible keys a bias of 0 there."""
    if mask is None or mask.dtype != torch.bool:
        return mask
    return torch.zeros(mask.shape, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)


def attention_by_key_type_with_dropout(
    to_words: Tensor, to_entities: Tensor, key: Tensor, value: Tensor, words: int, bias: Tensor | None, dropout: float
) -> Tensor:
    """`luke.attention.attention_by_key_type` with dropout of the weights on a CPU."""
    return _apply(to_words, to_entities, key, value, bias, _Plan(dropout, words, False, key.shape[-1] ** -0.5))


def attention_to_words_and_self_with_dropout(
    to_words: Tensor, to_self: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, dropout: float
) -> Tensor:
    """`luke.shared_attention.attention_to_words_and_self` with dropout of the weights."""
    words = to_words.shape[2] - to_self.shape[2]
    bias = None if bias is None else bias[..., :words]
    return _apply(to_words, to_self, key, value, bias, _Plan(dropout, words, True, key.shape[-1] ** -0.5))


def _apply(query: Tensor, other: Tensor | None, key: Tensor, value: Tensor, bias: Tensor | None, plan: _Plan) -> Tensor:
    """Convert all tensors to the dtype of the query (under autocast a layer may return another one).

    The bias is converted too, and stays finite: the smallest float32 becomes minus infinity in bfloat16, and a text of
    padding only, whose keys are all hidden, would get NaN.
    """
    if bias is not None:
        bias = bias.clamp_min(torch.finfo(query.dtype).min).to(query.dtype)
    other = None if other is None else other.to(query.dtype)
    return cast(Tensor, _DroppedAttention.apply(query, other, key.to(query.dtype), value.to(query.dtype), bias, plan))


class _DroppedAttention(torch.autograd.Function):
    """Attention with weights P, M = mask / probability of keeping, and O = (M P) V. Its gradients are

    dV = (M P)' dO, dP = M (dO V'), dS = P (dP - sum over keys of P dP), and then those of any product of queries and
    keys. One buffer holds S, then P; another holds M P, then dP, then dS.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, other: Tensor | None, key: Tensor, value: Tensor, bias: Tensor | None, plan: _Plan
    ) -> Tensor:
        """[batch, heads, query, value size]."""
        source = MaskSource(plan.dropout)
        out = value.new_empty(*query.shape[:3], value.shape[-1])
        buffers = _Buffers()
        ctx.bits, ctx.blocks = [], list(_blocks(plan, query, key))
        for block in ctx.blocks:
            part = _Part(block, plan, buffers, query, other, key, value)
            weights = part.weights(bias)
            mask = source.keep(weights.numel())
            ctx.bits.append(np.packbits(mask))
            part.mix(weights.mul_(buffers.fill("mask", as_tensor(mask), weights)), _flat(out, block))
        ctx.save_for_backward(query, other, key, value, bias)
        ctx.plan, ctx.scale = plan, source.scale
        return out.mul_(source.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of queries, keys and values."""
        query, other, key, value, bias = ctx.saved_tensors
        of_out = gradients[0] * ctx.scale
        of_other = None if other is None else other.new_empty(other.shape)
        of_query, of_key, of_value = (tensor.new_empty(tensor.shape) for tensor in (query, key, value))
        buffers = _Buffers()
        for block, bits in zip(ctx.blocks, ctx.bits, strict=True):
            part = _Part(block, ctx.plan, buffers, query, other, key, value)
            weights = part.weights(bias)
            mask = buffers.fill("mask", as_tensor(np.unpackbits(bits, count=weights.numel())), weights)
            dropped = torch.mul(weights, mask, out=buffers.take("second", weights.shape, weights.dtype))
            of_scores = part.of_weights(dropped, _flat(of_out, block), _flat(of_value, block)).mul_(mask)
            torch.ops.aten._softmax_backward_data.out(of_scores, weights, -1, weights.dtype, grad_input=of_scores)
            of_others = None if of_other is None else _flat(of_other, block)
            part.of_queries_and_keys(of_scores, _flat(of_query, block), of_others, _flat(of_key, block))
        return of_query, of_other, of_key, of_value, None, None


class _Buffers:
    """Memory that all blocks reuse; the first block of a pass is the largest."""

    def __init__(self) -> None:
        self._held: dict[str, Tensor] = {}

    def take(self, name: str, shape: torch.Size | tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A tensor of the given shape, with any content."""
        if name not in self._held:
            self._held[name] = torch.empty(math.prod(shape), dtype=dtype)
        return self._held[name][: math.prod(shape)].view(shape)

    def fill(self, name: str, source: Tensor, like: Tensor) -> Tensor:
        """A tensor of the shape and dtype of `like` with the content of `source`."""
        return self.take(name, like.shape, like.dtype).copy_(source.view(like.shape))


def _blocks(plan: _Plan, query: Tensor, key: Tensor) -> Iterator[_Block]:
    """Split into whole texts, or heads of one text: as much as fits for each thread, and at least one head.

    torch distributes a product of matrices over threads by matrix, and every operation waits for the last one: with fewer
    heads than threads, some threads would be idle.
    """
    texts, heads, queries = query.shape[:3]
    of_head = max(1, queries * (plan.words + 1 if plan.own else key.shape[2]))
    at_once = torch.get_num_threads() * max(1, _BLOCK // of_head)
    several = max(1, at_once // heads)
    some = min(heads, at_once)
    for text in range(0, texts, several):
        for head in range(0, heads, some):
            yield slice(text, text + several), slice(head, head + some)


def _flat(tensor: Tensor, block: _Block) -> Tensor:
    """The block's part [texts x heads, position, size]; a view, except for several texts that are not contiguous."""
    return tensor[block].flatten(0, 1)


class _Part:
    """Matrix products of one block. `S`, `P` and what follows from them are float32 if the tensors are narrower."""

    def __init__(
        self, block: _Block, plan: _Plan, buffers: _Buffers, query: Tensor, other: Tensor | None, key: Tensor, value: Tensor
    ) -> None:
        self._block, self._plan, self._buffers = block, plan, buffers
        self._query = _flat(query, block) * plan.scale
        self._other = None if other is None else _flat(other, block) * plan.scale
        self._key, self._value = _flat(key, block), _flat(value, block)
        self._shape = (*self._query.shape[:2], plan.words + 1 if plan.own else key.shape[2])
        self._heads = query[block].shape[1]
        self._narrow = query.dtype
        self._wide = torch.promote_types(query.dtype, torch.float32)

    def weights(self, bias: Tensor | None) -> Tensor:
        """P before dropout [heads, query, key]."""
        words = self._plan.words
        scores = self._buffers.take("product", self._shape, self._narrow)
        torch.bmm(self._query, self._key[:, :words].mT, out=scores[..., :words])
        if self._other is not None and self._plan.own:
            scores[:, :words, words:] = float("-inf")
            scores[:, words:, words] = torch.linalg.vecdot(self._other, self._key[:, words:])
        elif self._other is not None:
            torch.bmm(self._other, self._key[:, words:].mT, out=scores[..., words:])
        if bias is not None:
            asked = scores[..., :words] if self._plan.own else scores
            _add_bias(asked.unflatten(0, (-1, self._heads)), bias, self._block)
        if self._wide == self._narrow:
            return torch.softmax(scores, dim=-1, out=scores)
        return torch.softmax(scores, dim=-1, dtype=self._wide, out=self._buffers.take("first", self._shape, self._wide))

    def mix(self, weights: Tensor, out: Tensor) -> None:
        """Sums of values weighted by `weights`, written to `out`."""
        weights, words = weights.to(self._narrow), self._plan.words
        if not self._plan.own:
            torch.bmm(weights, self._value, out=out)
            return
        torch.bmm(weights[..., :words], self._value[:, :words], out=out)
        out[:, words:].addcmul_(weights[:, words:, words:], self._value[:, words:])

    def of_weights(self, dropped: Tensor, of_out: Tensor, of_value: Tensor) -> Tensor:
        """dO V', written over `dropped`, which is M P; dV is written to `of_value`."""
        narrow, words = dropped.to(self._narrow), self._plan.words
        target = dropped if self._wide == self._narrow else self._buffers.take("product", self._shape, self._narrow)
        if self._plan.own:
            torch.bmm(narrow[..., :words].mT, of_out, out=of_value[:, :words])
            torch.mul(narrow[:, words:, words:], of_out[:, words:], out=of_value[:, words:])
            torch.bmm(of_out, self._value[:, :words].mT, out=target[..., :words])
            target[:, :words, words:] = 0.0
            target[:, words:, words] = torch.linalg.vecdot(of_out[:, words:], self._value[:, words:])
        else:
            torch.bmm(narrow.mT, of_out, out=of_value)
            torch.bmm(of_out, self._value.mT, out=target)
        return dropped if target is dropped else dropped.copy_(target)

    def of_queries_and_keys(self, of_scores: Tensor, of_query: Tensor, of_other: Tensor | None, of_key: Tensor) -> None:
        """dQ and dK, written to the last three arguments."""
        of_scores, words = of_scores.to(self._narrow), self._plan.words
        of_words, rest = of_scores[..., :words], of_scores[..., words:]
        torch.bmm(of_words, self._key[:, :words], out=of_query).mul_(self._plan.scale)
        torch.bmm(of_words.mT, self._query, out=of_key[:, :words])
        if self._other is None or of_other is None:
            return
        if self._plan.own:
            torch.mul(rest[:, words:], self._key[:, words:], out=of_other).mul_(self._plan.scale)
            torch.mul(rest[:, words:], self._other, out=of_key[:, words:])
        else:
            torch.bmm(rest, self._key[:, words:], out=of_other).mul_(self._plan.scale)
            torch.bmm(rest.mT, self._other, out=of_key[:, words:])


def _add_bias(scores: Tensor, bias: Tensor, block: _Block) -> None:
    """Add the block's part of a broadcast bias to scores [texts, heads, query, key]."""
    texts, heads = block
    part = bias[texts if bias.shape[0] > 1 else slice(None), heads if bias.shape[1] > 1 else slice(None)]
    if part.any():
        scores.add_(part)
