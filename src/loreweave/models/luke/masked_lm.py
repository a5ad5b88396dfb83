"""LUKE's pre-training model: masked words and masked entities."""

from __future__ import annotations

import logging
from os import PathLike
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LukeConfig
from transformers.activations import ACT2FN

from loreweave.models.head_settings import IGNORED
from loreweave.models.luke.encoder import LukeModel, LukePreTrainedModel
from loreweave.models.outputs import LukeMaskedLMOutput

logger = logging.getLogger(__name__)


class MaskedWordHead(nn.Module):
    """RoBERTa's masked-word head; `decoder.weight` is the word table and `bias` is `decoder.bias`."""

    def __init__(self, config: LukeConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, states: Tensor) -> Tensor:
        """[..., hidden] -> logits [..., vocabulary]."""
        return self.decoder(self.layer_norm(functional.gelu(self.dense(states))))


class EntityTransform(nn.Module):
    """Projection of hidden states to the size of the entity vectors."""

    def __init__(self, config: LukeConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.entity_emb_size)
        self.activation = ACT2FN[config.hidden_act]
        self.LayerNorm = nn.LayerNorm(config.entity_emb_size, eps=config.layer_norm_eps)

    def forward(self, states: Tensor) -> Tensor:
        """[..., hidden] -> [..., entity size]."""
        return self.LayerNorm(self.activation(self.dense(states)))


class EntityPredictionHead(nn.Module):
    """Scores every entity of the vocabulary; `decoder.weight` is the entity table."""

    def __init__(self, config: LukeConfig) -> None:
        super().__init__()
        self.transform = EntityTransform(config)
        self.decoder = nn.Linear(config.entity_emb_size, config.entity_vocab_size, bias=False)
        self.bias = nn.Parameter(torch.zeros(config.entity_vocab_size))

    def forward(self, states: Tensor) -> Tensor:
        """[..., hidden] -> logits [..., entity vocabulary]."""
        return functional.linear(self.transform(states), self.decoder.weight, self.bias)


class LukeForMaskedLM(LukePreTrainedModel):
    """Predicts masked words and masked entities.

    The word head shares the word table and the entity head the entity table, after construction, loading and resizing,
    whatever `config.tie_word_embeddings` is. `save_pretrained` writes the word head's shared tensors too, because
    transformers 5 does not tie them and would initialise them at random.
    """

    _tied_weights_keys = {
        "lm_head.decoder.weight": "luke.embeddings.word_embeddings.weight",
        "lm_head.bias": "lm_head.decoder.bias",
        "entity_predictions.decoder.weight": "luke.entity_embeddings.entity_embeddings.weight",
    }

    def __init__(self, config: LukeConfig) -> None:
        config.tie_word_embeddings = True  # this model is always tied
        super().__init__(config)
        self.luke = LukeModel(config)
        self.lm_head = MaskedWordHead(config)
        self.entity_predictions = EntityPredictionHead(config)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        """Last layer of the word head."""
        return self.lm_head.decoder

    def set_output_embeddings(self, new_embeddings: nn.Linear) -> None:
        """Replace the last layer of the word head."""
        self.lm_head.decoder = new_embeddings

    def tie_weights(self, missing_keys: set[str] | None = None, recompute_mapping: bool = True) -> None:
        """Tie the heads to the tables; a loaded head that differs from its table is replaced, with a warning."""
        for target, source in self._tied_weights_keys.items():
            if missing_keys is not None and not {target, source} & missing_keys:
                if not _equal(self.get_parameter(target), self.get_parameter(source)):
                    logger.warning("the checkpoint's %s differs from its %s; the latter serves as both", target, source)
                self._share(target, source)
        super().tie_weights(missing_keys=missing_keys, recompute_mapping=recompute_mapping)

    def _share(self, target: str, source: str) -> None:
        owner, _, name = target.rpartition(".")
        setattr(self.get_submodule(owner), name, self.get_parameter(source))

    def _resize_entity_head(self, kept: int) -> None:
        table, head = self.get_entity_embeddings(), self.entity_predictions
        bias = head.bias.new_zeros(table.num_embeddings)
        bias[:kept] = head.bias[:kept]
        head.bias = nn.Parameter(bias, requires_grad=head.bias.requires_grad)
        head.decoder.out_features = table.num_embeddings
        self.tie_weights()

    def save_pretrained(  # type: ignore[override]  # the rest of its long list goes through as it came
        self,
        save_directory: str | PathLike[str],
        is_main_process: bool = True,
        state_dict: dict[str, Tensor] | None = None,
        **kwargs: Any,
    ) -> None:
        """Write the model, including the word head's shared tensors (every reader ties those of the entity head)."""
        tensors = dict(self.state_dict() if state_dict is None else state_dict)
        for target, source in self._tied_weights_keys.items():
            if target.startswith("lm_head.") and is_main_process:
                tensors[target] = tensors[source].clone()  # safetensors cannot write one tensor under two names
        super().save_pretrained(save_directory, is_main_process=is_main_process, state_dict=tensors, **kwargs)

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
        labels: Tensor | None = None,
        entity_labels: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        return_all_logits: bool = False,
    ) -> LukeMaskedLMOutput | tuple[Any, ...]:
        """Losses at the labelled positions, or logits.

        Args:
            labels: word ids, -100 at positions without a label [batch, words].
            entity_labels: entity ids, -100 at positions without a label [batch, entities].
            return_all_logits: compute logits of every position even if there are labels. Otherwise, with labels, logits are
                computed at labelled positions only, and `logits` and `entity_logits` are None.

        The other arguments are those of `LukeModel`. `loss` is `mlm_loss + mep_loss`, each a mean over its labels
        (zero if there is none, where transformers returns NaN).
        """
        self.luke.entity_embeddings.sparse_lookup = entity_labels is not None
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
        self.luke.entity_embeddings.sparse_lookup = False
        every = return_all_logits or (labels is None and entity_labels is None)
        logits, mlm_loss = _score(self.lm_head, output.last_hidden_state, labels, every)
        entity_logits, mep_loss = _score(self.entity_predictions, output.entity_last_hidden_state, entity_labels, every)
        losses = [loss for loss in (mlm_loss, mep_loss) if loss is not None]
        answer = LukeMaskedLMOutput(
            loss=sum(losses[1:], losses[0]) if losses else None,
            mlm_loss=mlm_loss,
            mep_loss=mep_loss,
            logits=logits,
            entity_logits=entity_logits,
            hidden_states=output.hidden_states,
            entity_hidden_states=output.entity_hidden_states,
            attentions=output.attentions,
        )
        return self._answer(answer, return_dict)


def _score(head: nn.Module, states: Tensor | None, labels: Tensor | None, every: bool) -> tuple[Tensor | None, Tensor | None]:
    """Logits of every position if requested, and the mean loss over the labelled positions if there are labels.

    `states` [batch, position, hidden], `labels` [batch, position].
    """
    if states is None:
        return None, None
    logits = head(states) if every else None
    if labels is None:
        return logits, None
    chosen = labels != IGNORED
    targets = labels[chosen]  # [labelled]
    scores = head(states[chosen]) if logits is None else logits[chosen]  # [labelled, vocabulary]
    total = functional.cross_entropy(scores, targets, reduction="sum")
    return logits, total / max(targets.numel(), 1)


def _equal(one: Tensor, other: Tensor) -> bool:
    """Whether two parameters hold the same numbers; parameters on the meta device count as equal."""
    if one is other or one.is_meta or other.is_meta:
        return True
    return one.shape == other.shape and torch.equal(one.to(other.device), other)
