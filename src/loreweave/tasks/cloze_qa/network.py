"""The head over a plain encoder, which reads the states of the placeholder and of each candidate."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers.modeling_outputs import SequenceClassifierOutput

from loreweave.tasks.mentions.marker_classifier import MarkerClassifier

READOUTS = {"markers": 2, "mentions": 3}
"""Features of a candidate -> number of vectors that the linear layer reads."""


class CandidateClassifier(MarkerClassifier):
    """A `MarkerClassifier` that scores every candidate of a cloze question.

    `config.loreweave["candidate_features"]` is `markers` (the states of the placeholder and of the candidate's opening marker)
    or `mentions` (the state of the placeholder, the mean state of the candidate with its markers, and the product of both).
    """

    def forward(  # type: ignore[override]  # other positions than for one decision per input
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        placeholder_positions: Tensor | None = None,
        candidate_positions: Tensor | None = None,
        candidate_ends: Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Logits [batch, candidates]; there is no loss.

        Args:
            input_ids: [batch, words].
            attention_mask: [batch, words].
            token_type_ids: [batch, words].
            placeholder_positions: word of the placeholder [batch].
            candidate_positions: first word of each candidate [batch, candidates], -1 for padding, whose logits are the lowest
                number of their dtype.
            candidate_ends: last word of each candidate, exclusive [batch, candidates]; only `mentions` reads it.
            kwargs: further input of the encoder.
        """
        if placeholder_positions is None or candidate_positions is None:
            raise ValueError("a candidate classifier needs placeholder_positions and candidate_positions")
        output = self.encoder_output(input_ids, attention_mask, token_type_ids, **kwargs)
        states = output.last_hidden_state
        placeholder = torch.take_along_dim(states, placeholder_positions[:, None, None], dim=1)  # [batch, 1, size]
        first = candidate_positions.clamp(min=0)
        if self.config.loreweave.get("candidate_features", "markers") == "markers":
            candidates = torch.take_along_dim(states, first[..., None], dim=1)  # [batch, candidates, size]
            features = [placeholder.expand_as(candidates), candidates]
        else:
            candidates = mean_states(states, first, candidate_ends)
            features = [placeholder.expand_as(candidates), candidates, placeholder * candidates]
        logits = self.classifier(torch.cat(features, dim=-1)).squeeze(-1)
        return SequenceClassifierOutput(
            logits=logits.masked_fill(candidate_positions < 0, torch.finfo(logits.dtype).min),
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


def mean_states(states: Tensor, first: Tensor, ends: Tensor | None) -> Tensor:
    """Mean states of spans of words.

    Args:
        states: [batch, words, size].
        first: first word of each span [batch, spans].
        ends: last word of each span, exclusive [batch, spans]; a span that ends where it begins has a mean of 0.
    """
    if ends is None:
        raise ValueError("the mean states of candidates need candidate_ends")
    sums = functional.pad(states.float().cumsum(dim=1), (0, 0, 1, 0))  # [batch, words + 1, size]
    totals = torch.take_along_dim(sums, ends[..., None], dim=1) - torch.take_along_dim(sums, first[..., None], dim=1)
    return (totals / (ends - first).clamp(min=1)[..., None]).to(states.dtype)
