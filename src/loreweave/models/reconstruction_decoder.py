"""The one-layer decoder that reconstructs a sentence from its typed tokens (Ren et al. 2022, section 3)."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from loreweave.models.dropout import Dropout
from loreweave.models.dropped_attention import attention_with_dropout, in_blocks


@dataclass
class DecoderCache:
    """Cached keys and values of step-wise decoding; each [batch, heads, positions, head size]."""

    own: tuple[Tensor, Tensor] | None = None
    memory: tuple[Tensor, Tensor] | None = field(default=None)

    def reorder(self, rows: Tensor) -> None:
        """Keep the given rows of each batch, in this order: those chosen by a beam search, or unfinished ones."""
        if self.own is not None:
            self.own = (self.own[0][rows], self.own[1][rows])
        if self.memory is not None:
            self.memory = (self.memory[0][rows], self.memory[1][rows])


class DecoderAttention(nn.Module):
    """Multi-head attention with the parameter names of BART."""

    def __init__(self, hidden_size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.k_proj = nn.Linear(hidden_size, hidden_size)
        self.v_proj = nn.Linear(hidden_size, hidden_size)
        self.q_proj = nn.Linear(hidden_size, hidden_size)
        self.out_proj = nn.Linear(hidden_size, hidden_size)

    def keys_and_values(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, positions, hidden] -> two tensors [batch, heads, positions, head size]."""
        return self._split(self.k_proj(states)), self._split(self.v_proj(states))

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, visible: Tensor | None) -> Tensor:
        """`queries` [batch, queries, hidden]; `visible` broadcasts to [batch, heads, queries, positions], True is visible."""
        dropout = self.dropout if self.training else 0.0
        asked = self._split(self.q_proj(queries))
        if in_blocks(asked, dropout):
            read = attention_with_dropout(asked, keys, values, visible, dropout)
        else:
            read = functional.scaled_dot_product_attention(asked, keys, values, attn_mask=visible, dropout_p=dropout)
        return self.out_proj(read.transpose(1, 2).flatten(2))

    def _split(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class DecoderLayer(nn.Module):
    """Causal self-attention, attention to the memory, and feed-forward network, each normalised after its residual."""

    def __init__(self, hidden_size: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.self_attn = DecoderAttention(hidden_size, heads, dropout)
        self.self_attn_layer_norm = nn.LayerNorm(hidden_size)
        self.encoder_attn = DecoderAttention(hidden_size, heads, dropout)
        self.encoder_attn_layer_norm = nn.LayerNorm(hidden_size)
        self.fc1 = nn.Linear(hidden_size, inner)
        self.fc2 = nn.Linear(inner, hidden_size)
        self.final_layer_norm = nn.LayerNorm(hidden_size)

    def forward(
        self, states: Tensor, visible: Tensor | None, memory: Tensor, memory_visible: Tensor, cache: DecoderCache | None = None
    ) -> Tensor:
        """`states` [batch, positions, hidden]; with a `cache` they are the next positions, whose keys are added to it."""
        own = self.self_attn.keys_and_values(states)
        if cache is not None and cache.own is not None:
            own = (torch.cat([cache.own[0], own[0]], dim=2), torch.cat([cache.own[1], own[1]], dim=2))
        read = cache.memory if cache is not None and cache.memory is not None else self.encoder_attn.keys_and_values(memory)
        if cache is not None:
            cache.own, cache.memory = own, read
        states = self.self_attn_layer_norm(states + self.dropout(self.self_attn(states, *own, visible)))
        answer = self.encoder_attn(states, *read, memory_visible)
        states = self.encoder_attn_layer_norm(states + self.dropout(answer))
        inner = self.dropout(functional.gelu(self.fc1(states)))
        return self.final_layer_norm(states + self.dropout(self.fc2(inner)))


class ReconstructionDecoder(nn.Module):
    """Layer norm of the embedding, and one layer.

    Args:
        inner: width of the feed-forward network.
        dropout: dropout of residuals, attention and activation.
        layer_drop: probability with which training skips the only layer (in the released code, the dropout probability).
    """

    def __init__(self, hidden_size: int, heads: int, inner: int, dropout: float, layer_drop: float) -> None:
        super().__init__()
        self.layer_drop = layer_drop
        self.dropout = Dropout(dropout)
        self.layernorm_embedding = nn.LayerNorm(hidden_size)
        self.layers = nn.ModuleList([DecoderLayer(hidden_size, heads, inner, dropout)])

    def forward(self, embedded: Tensor, mask: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        """States of all positions at once.

        Args:
            embedded: [batch, positions, hidden].
            mask: 1 at positions that are not padding. [batch, positions]
            memory: states that the layer attends to. [batch, words, hidden]
            memory_mask: 1 at visible states of the memory. [batch, words]
        """
        states = self.dropout(self.layernorm_embedding(embedded))
        if self.training and self.layer_drop > 0 and float(torch.rand(())) < self.layer_drop:
            return states + self._nothing(memory)
        length = mask.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=mask.device).tril()
        visible = causal & mask[:, None, None, :].bool()  # [batch, 1, queries, positions]
        return self.layers[0](states, visible, memory, memory_mask[:, None, None, :].bool())

    def step(self, embedded: Tensor, memory: Tensor, memory_mask: Tensor, cache: DecoderCache) -> Tensor:
        """States of the next position [batch, 1, hidden], which sees all previous positions through the cache."""
        states = self.dropout(self.layernorm_embedding(embedded))
        return self.layers[0](states, None, memory, memory_mask[:, None, None, :].bool(), cache)

    def _nothing(self, memory: Tensor) -> Tensor:
        """A zero that depends on all parameters: a skipped layer has zero gradients, not None, as in the released code."""
        return memory.sum() * 0 + torch.stack([parameter.sum() * 0 for parameter in self.layers.parameters()]).sum()
