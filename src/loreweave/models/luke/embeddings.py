"""Embeddings of words and of entities (Yamada et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LukeConfig

from loreweave.models.dropout import Dropout


class LukeEmbeddings(nn.Module):
    """Word + position + type, normalised. Positions count the words that are not padding, from `pad_token_id + 1`."""

    def __init__(self, config: LukeConfig) -> None:
        super().__init__()
        self.padding_idx = config.pad_token_id or 0
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=self.padding_idx)
        self.position_embeddings = nn.Embedding(
            config.max_position_embeddings, config.hidden_size, padding_idx=self.padding_idx
        )
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(
        self,
        input_ids: Tensor | None,
        token_type_ids: Tensor | None,
        position_ids: Tensor | None,
        inputs_embeds: Tensor | None,
    ) -> Tensor:
        """Embeddings [batch, words, hidden] of ids [batch, words] or of `inputs_embeds` (where every position counts)."""
        if inputs_embeds is None:
            assert input_ids is not None  # the model has checked
            inputs_embeds = self.word_embeddings(input_ids)
        if position_ids is None:
            position_ids = self._positions(input_ids, inputs_embeds)
        kind = _kind(self.token_type_embeddings, token_type_ids)
        return self.dropout(self.LayerNorm(inputs_embeds + self.position_embeddings(position_ids) + kind))

    def _positions(self, input_ids: Tensor | None, inputs_embeds: Tensor) -> Tensor:
        offset = self.padding_idx
        if input_ids is None:
            return torch.arange(inputs_embeds.shape[1], device=inputs_embeds.device)[None] + offset + 1
        real = input_ids.ne(offset).long()
        positions = real.cumsum(dim=1) * real + offset
        limit = self.position_embeddings.num_embeddings
        if input_ids.shape[1] + offset >= limit and int(positions.max()) >= limit:
            raise ValueError(
                f"found {int(real.sum(dim=1).max())} words, but there are positions for {limit - offset - 1}: truncate"
            )
        return positions


class LukeEntityEmbeddings(nn.Module):
    """Sum of the entity vector, the mean position embedding of its mention, and the type, normalised.

    `entity_embedding_dense` projects entity vectors that are narrower than the hidden states. The position
    table belongs to the entities and is indexed without the words' offset.

    Attributes:
        sparse_lookup: whether the gradient of the lookup is sparse. It then requires that the same backward pass scores
            the table: autograd adds these few rows to the dense gradient of the scores, instead of filling and summing two
            dense gradients of the whole table (0.5 GiB each with 500,000 entities). The parameter's gradient is always dense.
    """

    def __init__(self, config: LukeConfig) -> None:
        super().__init__()
        self.sparse_lookup = False
        self.entity_embeddings = nn.Embedding(config.entity_vocab_size, config.entity_emb_size, padding_idx=0)
        if config.entity_emb_size != config.hidden_size:
            self.entity_embedding_dense = nn.Linear(config.entity_emb_size, config.hidden_size, bias=False)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(self, entity_ids: Tensor, position_ids: Tensor, token_type_ids: Tensor | None) -> Tensor:
        """Embeddings [batch, entities, hidden] of ids [batch, entities], positions [batch, entities, mention] (-1 = unused)."""
        entities = self.vectors(entity_ids)
        kind = _kind(self.token_type_embeddings, token_type_ids)
        if not entity_ids.numel():  # a batch without entities may lack the axis of positions
            position_ids = entity_ids[..., None]
        positions = mean_of_rows(self.position_embeddings.weight, position_ids)
        return self.dropout(self.LayerNorm(entities + positions + kind))

    def vectors(self, entity_ids: Tensor) -> Tensor:
        """Entity vectors of ids [...], projected to the hidden size [..., hidden]."""
        table = self.entity_embeddings
        sparse = self.sparse_lookup and not torch.compiler.is_compiling()
        entities = functional.embedding(entity_ids, table.weight, padding_idx=table.padding_idx, sparse=sparse)
        widen = getattr(self, "entity_embedding_dense", None)
        return entities if widen is None else widen(entities)


def _kind(table: nn.Embedding, ids: Tensor | None) -> Tensor:
    """Type vectors; without ids, or if the table has one row, the first vector for all."""
    return table.weight[0] if ids is None or len(table.weight) == 1 else table(ids)


def mean_of_rows(table: Tensor, rows: Tensor) -> Tensor:
    """Mean of the table's rows in each list; repeats count, -1 is skipped, and an empty list gives zero.

    Args:
        table: [size, hidden].
        rows: [..., list]; any entry may be -1.

    Returns:
        [..., hidden]. Only rows in the lists are gathered, since most lists are mainly padding.
    """
    named = rows != -1
    ends = named.sum(dim=-1).flatten().cumsum(dim=0)
    starts = functional.pad(ends[:-1], (1, 0))
    means = functional.embedding_bag(rows[named], table, starts, mode="mean") if ends.numel() else table[:0]
    return means.reshape(*rows.shape[:-1], table.shape[-1])
