"""LUKE's task heads (Yamada et al. 2020). All of them encode, choose states, score, and compare with labels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LukeConfig

from loreweave.models.dropout import Dropout
from loreweave.models.luke.encoder import LukeModel, LukePreTrainedModel
from loreweave.models.outputs import LukeClassifierOutput, LukeModelOutput


class LukeClassifier(LukePreTrainedModel):
    """Base of the classification heads: a linear layer over `features` of the encoder's output."""

    needs_pooler = True

    def __init__(self, config: LukeConfig) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels or 0
        self.luke = LukeModel(config, add_pooling_layer=self.needs_pooler)
        self.dropout = Dropout(self.feature_dropout())
        self.classifier = nn.Linear(self.states_per_decision() * config.hidden_size, self.num_labels, bias=self.has_bias())
        self.post_init()

    def states_per_decision(self) -> int:
        """Number of hidden states that are concatenated for the classifier."""
        return 1

    def feature_dropout(self) -> float:
        """Dropout before the classifier."""
        return self.config.hidden_dropout_prob

    def has_bias(self) -> bool:
        """Whether the classifier has a bias."""
        return True

    def features(self, output: LukeModelOutput) -> Tensor:
        """States that the classifier reads [..., states_per_decision * hidden]."""
        raise NotImplementedError

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy for class numbers [...], mean binary cross-entropy for 0/1 rows [..., labels]."""
        if labels.ndim < logits.ndim:
            return functional.cross_entropy(logits.flatten(0, -2), labels.flatten())
        return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))

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
        """Logits, and the loss if there are labels; the other arguments are those of `LukeModel`."""
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
        return self._classify(output, self.features(output), labels, return_dict)

    def _classify(
        self, output: LukeModelOutput, features: Tensor, labels: Tensor | None, return_dict: bool | None
    ) -> LukeClassifierOutput | tuple[Any, ...]:
        logits = self.classifier(self.dropout(features))
        loss = None if labels is None else self.loss(logits, labels.to(logits.device))
        answer = LukeClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=output.hidden_states,
            entity_hidden_states=output.entity_hidden_states,
            attentions=output.attentions,
        )
        return self._answer(answer, return_dict)


class LukeForEntityClassification(LukeClassifier):
    """Entity typing: logits [batch, labels] from the first entity.

    Labels: class numbers [batch], or 0/1 rows [batch, labels] for multi-label typing.
    """

    def features(self, output: LukeModelOutput) -> Tensor:
        """The first entity's state [batch, hidden]."""
        return entity_states(output)[:, 0]


class LukeForEntityPairClassification(LukeClassifier):
    """Relation classification: logits [batch, labels] from the first two entities, head and tail.

    Labels as for `LukeForEntityClassification`. The classifier has a bias only if `config.classifier_bias` is true, as in
    the KBP37 and RELX checkpoints.
    """

    def states_per_decision(self) -> int:
        """Two: head and tail."""
        return 2

    def has_bias(self) -> bool:
        """`config.classifier_bias`. Default: false."""
        return bool(getattr(self.config, "classifier_bias", False))

    def features(self, output: LukeModelOutput) -> Tensor:
        """States of head and tail [batch, 2 * hidden]."""
        return entity_states(output)[:, :2].flatten(1)


SPAN_STATES = {"all": 3, "words": 2, "entity": 1}
"""Features of a span -> number of states."""


class LukeForEntitySpanClassification(LukeClassifier):
    """Named entity recognition: logits [batch, entities, labels] from each entity and its mention's first and last word.

    Labels: class numbers [batch, entities], where -100 is ignored, or 0/1 rows [batch, entities, labels].

    `config.span_features` (which transformers does not know) serves the paper's ablations: `words` uses only the two
    words and gives the encoder no entities; `entity` uses only the entity; `all` is the default.
    """

    def states_per_decision(self) -> int:
        """Number of states: those of the span's words, its entity, or both."""
        return SPAN_STATES[self.span_features()]

    def span_features(self) -> str:
        """States that the classifier reads: `all`, `words` or `entity`."""
        found = str(getattr(self.config, "span_features", "all"))
        if found not in SPAN_STATES:
            raise ValueError(f"config.span_features: found {found!r}, expected {', '.join(SPAN_STATES)}")
        return found

    def forward(  # type: ignore[override]  # two arguments more than the others, placed as in transformers
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        entity_ids: Tensor | None = None,
        entity_attention_mask: Tensor | None = None,
        entity_token_type_ids: Tensor | None = None,
        entity_position_ids: Tensor | None = None,
        entity_start_positions: Tensor | None = None,
        entity_end_positions: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> LukeClassifierOutput | tuple[Any, ...]:
        """Logits, and the loss if there are labels.

        `entity_start_positions` and `entity_end_positions` [batch, entities]: first and last word of each mention, where
        `<s>` is 0.
        """
        features = self.span_features()
        entities = {
            "entity_ids": entity_ids,
            "entity_attention_mask": entity_attention_mask,
            "entity_token_type_ids": entity_token_type_ids,
            "entity_position_ids": entity_position_ids,
        }
        output = self.luke(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            **(entities if features != "words" else {}),
            inputs_embeds=inputs_embeds,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        states = []
        if features != "entity":
            states += edge_states(output.last_hidden_state, entity_start_positions, entity_end_positions)
        if features != "words":
            states.append(entity_states(output))
        return self._classify(output, torch.cat(states, dim=-1), labels, return_dict)


class LukeForSequenceClassification(LukeClassifier):
    """Text classification or regression: logits [batch, labels] from the pooled first word.

    `config.problem_type` chooses the loss. If it is None, one label means regression, and otherwise the dtype of the
    labels decides: integers are class numbers, floats are 0/1 rows.
    """

    def feature_dropout(self) -> float:
        """`config.classifier_dropout`. Default: the dropout of hidden states."""
        return classifier_dropout(self.config)

    def features(self, output: LukeModelOutput) -> Tensor:
        """Pooled state [batch, hidden]."""
        assert output.pooler_output is not None
        return output.pooler_output

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Squared error, cross-entropy or binary cross-entropy, as the class describes."""
        problem = self.config.problem_type
        if problem == "regression" or (problem is None and self.num_labels == 1):
            return functional.mse_loss(logits.flatten(), labels.flatten().to(logits.dtype))
        if problem == "single_label_classification" or (problem is None and not labels.is_floating_point()):
            return functional.cross_entropy(logits, labels.flatten())
        return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))


class LukeForTokenClassification(LukeClassifier):
    """Token classification: logits [batch, words, labels]; labels are class numbers [batch, words], -100 is ignored."""

    needs_pooler = False

    def feature_dropout(self) -> float:
        """`config.classifier_dropout`. Default: the dropout of hidden states."""
        return classifier_dropout(self.config)

    def features(self, output: LukeModelOutput) -> Tensor:
        """States of the words [batch, words, hidden]."""
        assert output.last_hidden_state is not None
        return output.last_hidden_state


def classifier_dropout(config: LukeConfig) -> float:
    """`config.classifier_dropout`. Default: the dropout of hidden states."""
    return config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout


def edge_states(states: Tensor, first: Tensor | None, last: Tensor | None) -> list[Tensor]:
    """States of spans' first and last words, 2 x [batch, entities, hidden].

    Raises:
        ValueError: the positions are missing.
    """
    if first is None or last is None:
        raise ValueError("span classification needs entity_start_positions and entity_end_positions")
    return [torch.take_along_dim(states, positions[..., None], dim=1) for positions in (first, last)]


def entity_states(output: LukeModelOutput) -> Tensor:
    """States of the entities [batch, entities, hidden].

    Raises:
        ValueError: the model was called without entities.
    """
    if output.entity_last_hidden_state is None:
        raise ValueError("this head reads entities: give entity_ids and entity_position_ids")
    return output.entity_last_hidden_state
