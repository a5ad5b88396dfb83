"""Heads at one place: an encoder with the head that scores the answers in the place of the object."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from loreweave.models import LukeForMaskedLM
from loreweave.models.masked_word_head import masked_word_head


class WordScorer(nn.Module):
    """Scores of all words in the place of a masked word.

    Args:
        model: model with a masked-word head.

    Raises:
        ConfigurationError: it has none.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.encoder: Any = model.base_model
        self.head = masked_word_head(model)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, positions: Tensor) -> Tensor:
        """Logits [batch, words] at `positions` [batch] of `input_ids` [batch, sub-words]."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        scores: Tensor = self.head(_at(states, positions))
        return scores


class EntityScorer(nn.Module):
    """Scores of all entities for a masked mention.

    Args:
        model: a LUKE with an entity head.
    """

    def __init__(self, model: LukeForMaskedLM) -> None:
        super().__init__()
        self.encoder: Any = model.luke
        self.head = model.entity_predictions

    def forward(self, positions: Tensor, **inputs: Tensor) -> Tensor:
        """Logits [batch, entities] of the entities at `positions` [batch] among those of each text; see `LukeModel`."""
        states = self.encoder(**inputs).entity_last_hidden_state
        scores: Tensor = self.head(_at(states, positions))
        return scores


def _at(states: Tensor, positions: Tensor) -> Tensor:
    """The states [batch, hidden] at one position of each row."""
    return states[torch.arange(len(states), device=states.device), positions]
