"""LUKE's heads for reading comprehension: spans, choices, cloze (Yamada et al. 2020)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LukeConfig

from loreweave.models.dropout import Dropout
from loreweave.models.luke.encoder import LukeModel, LukePreTrainedModel
from loreweave.models.luke.heads import classifier_dropout, entity_states
from loreweave.models.outputs import LukeClassifierOutput, LukeQuestionAnsweringOutput


class LukeForQuestionAnswering(LukePreTrainedModel):
    """Extractive question answering: scores of every word as first and last word of the answer.

    Raises:
        ValueError: `config.num_labels` is not 2.
    """

    def __init__(self, config: LukeConfig) -> None:
        super().__init__(config)
        if config.num_labels != 2:
            raise ValueError(f"num_labels: found {config.num_labels}, expected 2 (the first and the last word of the answer)")
        self.num_labels = config.num_labels
        self.luke = LukeModel(config, add_pooling_layer=False)
        self.qa_outputs = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        entity_ids: Tensor | None = None,
        entity_attention_mask: Tensor | None = None,
        entity_token_type_ids: Tensor | None = None,
        entity_position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> LukeQuestionAnsweringOutput | tuple[Any, ...]:
        """Logits 2 x [batch, words], and the mean of the two cross-entropies if there are positions [batch].

        Positions outside the words are ignored by the loss. The other arguments are those of `LukeModel`.
        """
        output = self.luke(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            entity_ids=entity_ids,
            entity_attention_mask=entity_attention_mask,
            entity_token_type_ids=entity_token_type_ids,
            entity_position_ids=entity_position_ids,
            inputs_embeds=inputs_embeds,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        start, end = self.qa_outputs(output.last_hidden_state).unbind(-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            words = start.shape[1]
            start_loss, end_loss = (
                functional.cross_entropy(logits, positions.flatten().clamp(0, words), ignore_index=words)
                for logits, positions in ((start, start_positions), (end, end_positions))
            )
            loss = (start_loss + end_loss) / 2
        answer = LukeQuestionAnsweringOutput(
            loss=loss,
            start_logits=start,
            end_logits=end,
            hidden_states=output.hidden_states,
            entity_hidden_states=output.entity_hidden_states,
            attentions=output.attentions,
        )
        return self._answer(answer, return_dict)


class LukeForMultipleChoice(LukePreTrainedModel):
    """Scores each choice of a text: logits [batch, choices] from the pooled first words."""

    def __init__(self, config: LukeConfig) -> None:
        super().__init__(config)
        self.luke = LukeModel(config)
        self.dropout = Dropout(classifier_dropout(config))
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        entity_ids: Tensor | None = None,
        entity_attention_mask: Tensor | None = None,
        entity_token_type_ids: Tensor | None = None,
        entity_position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> LukeClassifierOutput | tuple[Any, ...]:
        """Logits, and their cross-entropy with the numbers of the right choices, `labels` [batch].

        The other arguments are those of `LukeModel`, each with a second dimension for the choices: [batch, choices,
        ...].
        """
        given = input_ids if input_ids is not None else inputs_embeds
        if given is None:
            raise ValueError("give exactly one of input_ids and inputs_embeds")
        output = self.luke(
            input_ids=_texts(input_ids),
            attention_mask=_texts(attention_mask),
            token_type_ids=_texts(token_type_ids),
            position_ids=_texts(position_ids),
            entity_ids=_texts(entity_ids),
            entity_attention_mask=_texts(entity_attention_mask),
            entity_token_type_ids=_texts(entity_token_type_ids),
            entity_position_ids=_texts(entity_position_ids),
            inputs_embeds=_texts(inputs_embeds),
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        logits = self.classifier(self.dropout(output.pooler_output)).view(given.shape[:2])  # [batch, choices]
        answer = LukeClassifierOutput(
            loss=None if labels is None else functional.cross_entropy(logits, labels.to(logits.device)),
            logits=logits,
            hidden_states=output.hidden_states,
            entity_hidden_states=output.entity_hidden_states,
            attentions=output.attentions,
        )
        return self._answer(answer, return_dict)


class LukeForEntityCloze(LukePreTrainedModel):
    """Cloze questions over entities (ReCoRD): chooses the entity of the passage that belongs at the placeholder.

    The first entity is the placeholder, the others are the candidates. transformers has no such class.
    """

    def __init__(self, config: LukeConfig) -> None:
        super().__init__(config)
        self.luke = LukeModel(config)
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.scorer = nn.Linear(2 * config.hidden_size, 1)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        entity_ids: Tensor | None = None,
        entity_attention_mask: Tensor | None = None,
        entity_token_type_ids: Tensor | None = None,
        entity_position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> LukeClassifierOutput | tuple[Any, ...]:
        """Logits [batch, entities - 1]; those of masked candidates are the lowest number of their dtype.

        `labels` [batch, entities - 1]: 1 = an answer, 0 = not an answer, negative = ignored. The loss is the mean binary
        cross-entropy over the candidates that are neither masked nor negative (zero if there is none). The other
        arguments are those of `LukeModel`.
        """
        output = self.luke(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            entity_ids=entity_ids,
            entity_attention_mask=entity_attention_mask,
            entity_token_type_ids=entity_token_type_ids,
            entity_position_ids=entity_position_ids,
            inputs_embeds=inputs_embeds,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        entities = entity_states(output)
        placeholder, candidates = entities[:, :1].expand_as(entities[:, 1:]), entities[:, 1:]
        logits = self.scorer(self.dropout(torch.cat([placeholder, candidates], dim=-1))).squeeze(-1)
        valid = torch.ones_like(logits, dtype=torch.bool)
        if entity_attention_mask is not None:
            valid = entity_attention_mask[:, 1:].bool()
        loss = None
        if labels is not None:
            learned = valid & (labels >= 0)
            total = functional.binary_cross_entropy_with_logits(
                logits[learned], labels[learned].to(logits.dtype), reduction="sum"
            )
            loss = total / learned.sum().clamp(min=1)
        answer = LukeClassifierOutput(
            loss=loss,
            logits=logits.masked_fill(~valid, torch.finfo(logits.dtype).min),
            hidden_states=output.hidden_states,
            entity_hidden_states=output.entity_hidden_states,
            attentions=output.attentions,
        )
        return self._answer(answer, return_dict)


def _texts(tensor: Tensor | None) -> Tensor | None:
    """[batch, choices, ...] -> [batch * choices, ...]."""
    return None if tensor is None else tensor.flatten(0, 1)
