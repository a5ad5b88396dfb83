"""Outputs of the LUKE models; field names and order are those of transformers."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from transformers.utils import ModelOutput


@dataclass
class LukeModelOutput(ModelOutput):
    """States of words and entities.

    `last_hidden_state` [batch, words, hidden], `pooler_output` [batch, hidden], `entity_last_hidden_state`
    [batch, entities, hidden]; `hidden_states` and `entity_hidden_states`: the embeddings, then one per layer;
    `attentions`: one [batch, heads, words + entities, words + entities] per layer.
    """

    last_hidden_state: Tensor | None = None
    pooler_output: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
    entity_last_hidden_state: Tensor | None = None
    entity_hidden_states: tuple[Tensor, ...] | None = None


@dataclass
class LukeMaskedLMOutput(ModelOutput):
    """Losses [] and logits [batch, words, vocabulary] / [batch, entities, entity vocabulary] of `LukeForMaskedLM`."""

    loss: Tensor | None = None
    mlm_loss: Tensor | None = None
    mep_loss: Tensor | None = None
    logits: Tensor | None = None
    entity_logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    entity_hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass
class LukeClassifierOutput(ModelOutput):
    """Loss [] and logits (shape: see the head) of a classification head."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    entity_hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass
class LukeQuestionAnsweringOutput(ModelOutput):
    """Loss [] and scores of each word as first and as last word of the answer [batch, words]."""

    loss: Tensor | None = None
    start_logits: Tensor | None = None
    end_logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    entity_hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
