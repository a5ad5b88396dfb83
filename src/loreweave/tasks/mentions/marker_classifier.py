"""A classifier over any plain encoder with marker tokens in its input: it reads the states of the markers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig
from transformers.modeling_outputs import BaseModelOutput, SequenceClassifierOutput

from loreweave.models.dropout_settings import hidden_dropout
from loreweave.tasks.encoder_model import EncoderModel


class TwoLayerHead(nn.Module):
    """KEPLER's head: linear, tanh, dropout, twice, then linear without bias."""

    def __init__(self, size: int, inner: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(size, inner)
        self.second = nn.Linear(inner, inner)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(inner, labels, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        """[batch, size] -> [batch, labels]."""
        states = self.dropout(torch.tanh(self.first(states)))
        states = self.dropout(torch.tanh(self.second(states)))
        return self.out_proj(states)


class OneLayerHead(nn.Module):
    """KEPLER's head for two mentions: dropout, linear, tanh, dropout, linear."""

    def __init__(self, size: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.dense = nn.Linear(size, size)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(size, labels)

    def forward(self, states: Tensor) -> Tensor:
        """[batch, size] -> [batch, labels]."""
        states = torch.tanh(self.dense(self.dropout(states)))
        return self.out_proj(self.dropout(states))


class HiddenLayerHead(nn.Module):
    """The head of Zhou & Chen (2022): linear, ReLU, dropout, linear."""

    def __init__(self, size: int, inner: int, labels: int, dropout: float, bias: bool = True) -> None:
        super().__init__()
        self.dense = nn.Linear(size, inner)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(inner, labels, bias=bias)

    def forward(self, states: Tensor) -> Tensor:
        """[batch, size] -> [batch, labels]."""
        return self.out_proj(self.dropout(torch.relu(self.dense(states))))


class LinearHead(nn.Module):
    """Dropout and one linear layer."""

    def __init__(self, size: int, labels: int, dropout: float, bias: bool = True) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(size, labels, bias=bias)

    def forward(self, states: Tensor) -> Tensor:
        """[batch, size] -> [batch, labels]."""
        return self.out_proj(self.dropout(states))


@dataclass(frozen=True)
class MarkerHead:
    """Settings of the head of a `MarkerClassifier`; stored in `config.loreweave`."""

    kind: str = "markers"
    """`markers` (linear) or `kepler` (with hidden layers: two for one state, one for two)."""
    num_states: int = 1
    """Number of states that are concatenated: one for typing, two for relations (`readouts` in the configuration)."""
    dropout: float = 0.1
    bias: bool = True
    """Whether the classifier of `markers` has a bias."""
    hidden_layer: bool = False
    """Whether `markers` has a layer before its classifier."""

    def build(self, hidden_size: int, labels: int) -> nn.Module:
        """Layers over `num_states` states."""
        size = self.num_states * hidden_size
        if self.kind != "kepler" and self.hidden_layer:
            return HiddenLayerHead(size, hidden_size, labels, self.dropout, self.bias)
        if self.kind != "kepler":
            return LinearHead(size, labels, self.dropout, self.bias)
        if self.num_states == 1:
            return TwoLayerHead(size, hidden_size, labels, self.dropout)
        return OneLayerHead(size, labels, self.dropout)


class MarkerClassifier(EncoderModel):
    """An encoder of transformers with a classification head over the states at `state_positions`.

    The configuration is the encoder's own with `id2label` and `loreweave: {head, readouts, head_dropout, classifier_bias,
    hidden_layer}`.
    """

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(config)
        self.classifier = self.new_head(config)
        self.post_init()

    def new_head(self, config: PreTrainedConfig) -> nn.Module:
        """The head over the encoder."""
        settings = config.loreweave
        dropout = settings.get("head_dropout", hidden_dropout(config))
        bias, hidden_layer = settings.get("classifier_bias", True), settings.get("hidden_layer", False)
        head = MarkerHead(settings["head"], settings["readouts"], dropout, bias, hidden_layer)
        return head.build(config.hidden_size, len(config.id2label or {}))

    def encode(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        state_positions: Tensor | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor, BaseModelOutput]:
        """Concatenated states at `state_positions` [batch, num_states], [batch, num_states * size], and the output."""
        if state_positions is None:
            raise ValueError("a marker classifier needs state_positions")
        output = self.encoder_output(input_ids, attention_mask, token_type_ids, **kwargs)
        states = torch.take_along_dim(output.last_hidden_state, state_positions[..., None], dim=1)
        return states.flatten(1), output

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        state_positions: Tensor | None = None,
        labels: Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Logits [batch, labels] from the states at `state_positions` [batch, num_states]; there is no loss."""
        states, output = self.encode(input_ids, attention_mask, token_type_ids, state_positions, **kwargs)
        return SequenceClassifierOutput(
            logits=self.classifier(states),
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )
