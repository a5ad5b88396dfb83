"""The network of few-shot NER: the state of each word, and its Gaussian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedConfig
from transformers.utils.generic import ModelOutput

from loreweave.models.dropout_settings import hidden_dropout
from loreweave.models.gaussian_embeddings import GaussianHead
from loreweave.tasks.encoder_model import EncoderModel


@dataclass
class WordStates(ModelOutput):
    """States of the words of a batch [words, size], and their Gaussians [words, dimension].

    In a batch of episodes also the episode of each word, and its class if it is in the support set (otherwise `IGNORED`).
    """

    states: Tensor | None = None
    mean: Tensor | None = None
    variance: Tensor | None = None
    episodes: Tensor | None = None
    support_classes: Tensor | None = None


class GaussianWordEncoder(EncoderModel):
    """Any encoder of transformers with a `GaussianHead` over the first piece of each word."""

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(config)
        dropout = hidden_dropout(config)
        self.gaussian_head = GaussianHead(config.hidden_size, config.loreweave["dimension"], dropout)
        self.post_init()

    def word_states(self, input_ids: Tensor, attention_mask: Tensor, first_pieces: Tensor, layers: int = 1) -> Tensor:
        """States of the first pieces [words, size]: of the last layer, or the sum of the last `layers`."""
        segments = torch.zeros_like(input_ids)
        output = self.encoder_output(input_ids, attention_mask, segments, output_hidden_states=layers > 1)
        states = output.last_hidden_state
        if layers > 1:
            states = torch.stack(output.hidden_states[-layers:]).sum(0)
        chosen: Tensor = states[first_pieces]
        return chosen

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        first_pieces: Tensor,
        episodes: Tensor | None = None,
        support_classes: Tensor | None = None,
        **_: Any,
    ) -> WordStates:
        """States and Gaussians of the words of a batch, sentence by sentence; for episodes the states only."""
        if episodes is None:
            states = self.word_states(input_ids, attention_mask, first_pieces)
            return WordStates(states, *self.gaussian_head(states))
        settings = self.config.loreweave
        states = self.word_states(input_ids, attention_mask, first_pieces, settings["layers"])
        states = F.dropout(states, settings["state_dropout"], self.training)
        return WordStates(states, episodes=episodes, support_classes=support_classes)
