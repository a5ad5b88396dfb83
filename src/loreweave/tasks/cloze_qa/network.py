"""The head over a plain encoder, which reads the states of the placeholder and of each candidate's opening marker."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.modeling_outputs import SequenceClassifierOutput

from loreweave.tasks.mentions.marker_classifier import MarkerClassifier


class CandidateClassifier(MarkerClassifier):
    """A `MarkerClassifier` of two states, which scores every candidate of a cloze question."""

    def forward(  # type: ignore[override]  # other positions than for one decision per input
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        placeholder_positions: Tensor | None = None,
        candidate_positions: Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Logits [batch, candidates]; there is no loss.

        Args:
            input_ids: [batch, words].
            attention_mask: [batch, words].
            token_type_ids: [batch, words].
            placeholder_positions: word of the placeholder [batch].
            candidate_positions: word of each candidate [batch, candidates], -1 for padding, whose logits are the lowest number
                of their dtype.
            kwargs: further input of the encoder.
        """
        if placeholder_positions is None or candidate_positions is None:
            raise ValueError("a candidate classifier needs placeholder_positions and candidate_positions")
        output = self.encoder_output(input_ids, attention_mask, token_type_ids, **kwargs)
        states = output.last_hidden_state
        placeholder = torch.take_along_dim(states, placeholder_positions[:, None, None], dim=1)  # [batch, 1, size]
        candidates = torch.take_along_dim(states, candidate_positions.clamp(min=0)[..., None], dim=1)
        pairs = torch.cat([placeholder.expand_as(candidates), candidates], dim=-1)  # [batch, candidates, 2 * size]
        logits = self.classifier(pairs).squeeze(-1)
        return SequenceClassifierOutput(
            logits=logits.masked_fill(candidate_positions < 0, torch.finfo(logits.dtype).min),
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )
