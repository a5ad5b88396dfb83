"""A model of documents: one pass of the encoder, entities from all their mentions, and an adaptive threshold per pair."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from loreweave.models.dropout_settings import hidden_dropout
from loreweave.models.head_settings import IGNORED
from loreweave.models.luke.heads import entity_states
from loreweave.tasks.mentions.marker_classifier import MarkerClassifier


class PairHead(nn.Module):
    """Head, tail and their product through a tanh layer to the threshold of the pair and one logit per relation.

    Entities are normalised first, because the states of encoders differ in size, and small ones are learned slowly.

    Args:
        size: size of an entity's vector.
        labels: number of relations.
        dropout: dropout of the entities and of the hidden layer.
    """

    def __init__(self, size: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.head = nn.Linear(size, size)
        self.tail = nn.Linear(size, size, bias=False)
        self.product = nn.Linear(size, size, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(size, 1 + labels)

    def forward(self, entities: Tensor, pairs: Tensor) -> Tensor:
        """Entities [entities, size] and pairs of their numbers [pairs, 2] -> [pairs, 1 + labels], the threshold first."""
        entities = self.dropout(self.norm(entities))
        heads, tails = pairs.unbind(1)
        hidden = self.head(entities)[heads] + self.tail(entities)[tails] + self.product(entities[heads] * entities[tails])
        scores: Tensor = self.out_proj(self.dropout(torch.tanh(hidden)))
        return scores


class DocumentRelationModel(MarkerClassifier):
    """An encoder over windows of documents with a `PairHead`.

    With a plain encoder, a mention is the mean of its first and its last state, and an entity the logarithm of the sum of the
    exponentials of its mentions (close to the maximum, dimension by dimension). In a LUKE, an entity's mentions are one
    entity token per window, and an entity is the mean of these. The configuration stores `loreweave: {head: documents}`.
    """

    def new_head(self, config: PreTrainedConfig) -> nn.Module:
        """Layers over two entities."""
        return PairHead(config.hidden_size, len(config.id2label or {}), hidden_dropout(config))

    def forward(  # type: ignore[override]  # its own inputs
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        pair_entities: Tensor,
        entity_mentions: Tensor,
        mention_places: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        pair_counts: Tensor | None = None,
        labels: Tensor | None = None,
        **luke: Any,
    ) -> SequenceClassifierOutput:
        """Logits of all pairs of a batch, the threshold of each pair first; there is no loss.

        Args:
            input_ids: windows of the documents [windows, words].
            attention_mask: [windows, words].
            pair_entities: numbers of head and tail among the entities of the batch [pairs, 2].
            entity_mentions: numbers of the mentions, or of the entity tokens, of each entity, padded with -1
                [entities, most].
            mention_places: for a plain encoder: the first and the last word of each mention, counted over all windows
                [mentions, 2].
            token_type_ids: [windows, words].
            pair_counts: number of pairs of each document [documents], for `unpack`.
            luke: further input of a LUKE; its entity tokens are counted over all windows.
        """
        output = self.encoder_output(input_ids, attention_mask, token_type_ids, **luke)
        there = entity_mentions >= 0
        if mention_places is None:
            states = entity_states(output).float().flatten(0, 1)[entity_mentions.clamp_min(0)]  # [entities, most, size]
            states = states.masked_fill(~there[..., None], 0.0)
            entities = states.sum(1) / there.sum(1, keepdim=True).clamp_min(1)
        else:
            mentions = output.last_hidden_state.float().flatten(0, 1)[mention_places].mean(1)  # [mentions, size]
            states = mentions[entity_mentions.clamp_min(0)].masked_fill(~there[..., None], -torch.inf)
            entities = torch.where(there.any(1, keepdim=True), states.logsumexp(1), 0.0)
        return SequenceClassifierOutput(logits=self.classifier(entities, pair_entities))


def threshold_loss(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
    """The adaptive-threshold loss (Zhou et al., AAAI 2021): relations that hold above the pair's threshold, and the
    threshold above the others; a mean over pairs.

    Args:
        outputs: `logits` are [pairs, 1 + labels], the threshold first.
        labels: 1 for relations that hold, otherwise 0 [pairs, labels]; rows of `IGNORED` are ignored.
        num_items_in_batch: labels (pairs times relations) in all micro-batches and processes of the update. Default: those
            of this batch.
    """
    logits, holds = outputs.logits.float(), labels.float() > 0
    counted = (labels != IGNORED).all(1)
    first = torch.zeros_like(holds[:, :1])
    above = torch.cat([~first, holds], 1)  # the threshold among the relations that hold
    below = torch.cat([~first, ~holds], 1)
    over = F.log_softmax(logits.masked_fill(~above, -1e30), -1)[:, 1:].masked_fill(~holds, 0.0).sum(1)
    under = F.log_softmax(logits.masked_fill(~below, -1e30), -1)[:, 0]
    total = -((over + under) * counted).sum()
    width = labels.shape[1]
    pairs = counted.sum() if num_items_in_batch is None else torch.as_tensor(num_items_in_batch, device=total.device) / width
    return total / torch.as_tensor(pairs, device=total.device).clamp_min(1)
