"""LUKE's global model (Yamada et al. 2022): predicts masked entities among their candidates, the most certain one first."""

from __future__ import annotations

from os import PathLike
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import LukeConfig

from loreweave.models import LukeForMaskedLM
from loreweave.tasks.entity_linking.network import LinkingOutput
from loreweave.tasks.entity_linking.settings import Order

_TABLE, _BIAS = "luke.entity_embeddings.entity_embeddings.weight", "entity_predictions.bias"
_DECODER = "entity_predictions.decoder.weight"
_IMPOSSIBLE = -1e4


class LukeLinker(LukeForMaskedLM):
    """A LUKE that scores the candidates of masked mentions. Rows beyond its vocabulary are entities with descriptions.

    Attributes:
        own_rows: number of entities in its vocabulary; see `own_state`.
        mask_id: id of the masked entity.
        order: order in which mentions get their entities.
        has_changed: whether the weights may have changed since rows were set from descriptions.
    """

    def __init__(self, config: LukeConfig) -> None:
        super().__init__(config)
        self.own_rows = int(config.entity_vocab_size)
        self.mask_id = 2
        self.order: Order = "confidence"
        self.has_changed = False
        self.register_load_state_dict_pre_hook(self._with_more_rows)

    def train(self, mode: bool = True) -> LukeLinker:
        """Set the mode; training changes the weights."""
        self.has_changed = mode or getattr(self, "has_changed", False)
        super().train(mode)
        return self

    def freeze_entities(self) -> None:
        """Train neither the entity table nor its biases."""
        self.get_entity_embeddings().weight.requires_grad_(False)
        self.entity_predictions.bias.requires_grad_(False)

    @torch.no_grad()
    def extend(self, more: int) -> None:
        """Add rows for entities outside the vocabulary, which are zero until they are set."""
        if more:
            kept = self.own_rows
            trained = self.get_entity_embeddings().weight.requires_grad
            table = self.get_entity_embeddings().weight[:kept]
            new = nn.Embedding.from_pretrained(torch.cat([table, table.new_zeros(more, table.shape[1])]), padding_idx=0)
            new.weight.requires_grad_(trained)
            self.luke.entity_embeddings.entity_embeddings = new
            head = self.entity_predictions
            bias = torch.cat([head.bias[:kept], head.bias[:kept].mean().expand(more)])
            head.bias = nn.Parameter(bias, requires_grad=head.bias.requires_grad)
            head.decoder.weight, head.decoder.out_features = new.weight, len(bias)

    def own_state(self) -> dict[str, Tensor]:
        """The weights with the rows of the vocabulary alone, those of a `LukeForMaskedLM`."""
        tensors: dict[str, Tensor] = self.state_dict()
        return tensors | {name: tensors[name][: self.own_rows].clone() for name in (_TABLE, _BIAS)}

    def save_pretrained(
        self,
        save_directory: str | PathLike[str],
        is_main_process: bool = True,
        state_dict: dict[str, Tensor] | None = None,
        **kwargs: Any,
    ) -> None:
        """Save the weights; without `state_dict` also the rows outside the vocabulary, with which a training goes on."""
        tensors = dict(self.state_dict() if state_dict is None else state_dict)
        tensors.pop(_DECODER, None)  # tied to the table
        super().save_pretrained(save_directory, is_main_process=is_main_process, state_dict=tensors, **kwargs)

    def _with_more_rows(self, _: nn.Module, state_dict: dict[str, Tensor], prefix: str, *others: Any) -> None:
        """Before weights are loaded, as of a checkpoint of a run: give them the rows outside the vocabulary."""
        for name, own in ((_TABLE, self.get_entity_embeddings().weight), (_BIAS, self.entity_predictions.bias)):
            found = state_dict.get(prefix + name)
            if found is not None and self.own_rows == len(found) < len(own):
                state_dict[prefix + name] = torch.cat([found, own[self.own_rows :].detach().to(found)])
        if prefix + _TABLE in state_dict:
            state_dict[prefix + _DECODER] = state_dict[prefix + _TABLE]

    def described(self, batch: dict[str, Tensor]) -> Tensor:
        """What the entity head predicts for the masked entity of each text of a batch [texts, entity size]."""
        states = self.luke(**batch).entity_last_hidden_state[:, 0]
        found: Tensor = self.entity_predictions.transform(states)
        return found

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        entity_ids: Tensor,
        entity_position_ids: Tensor,
        entity_attention_mask: Tensor,
        mention_examples: Tensor,
        mention_slots: Tensor,
        candidates: Tensor,
        candidate_ids: Tensor,
        priors: Tensor,
        **_: Any,
    ) -> LinkingOutput:
        """Scores of the candidates of all mentions.

        In training, one pass; mentions whose entity is given in `entity_ids` are context. Otherwise, all are masked at first,
        and by `order` one mention after the other gets its best candidate, which the next pass reads.

        Args:
            input_ids: [texts, words].
            attention_mask: [texts, words].
            entity_ids: [texts, slots].
            entity_position_ids: [texts, slots, sub-words].
            entity_attention_mask: [texts, slots].
            mention_examples: text of each mention [mentions].
            mention_slots: slot of each mention [mentions].
            candidates: rows of the candidates in the table of entities, -1 is padding [mentions, candidates].
            candidate_ids: their ids in this model [mentions, candidates].
            priors: their prior probabilities [mentions, candidates].
        """
        known = candidates >= 0
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask, "entity_position_ids": entity_position_ids,
                  "entity_attention_mask": entity_attention_mask}  # fmt: skip
        if self.training:
            scores = self._scores(inputs, entity_ids, mention_examples, mention_slots, candidate_ids)
            return LinkingOutput(logits=scores.masked_fill(~known, _IMPOSSIBLE))
        ids, final = entity_ids.clone(), torch.zeros(candidates.shape, device=input_ids.device)
        waiting = known.any(dim=1)
        while True:
            scores = self._scores(inputs, ids, mention_examples, mention_slots, candidate_ids)
            final = torch.where(waiting[:, None], scores.float(), final)
            if self.order == "local" or not waiting.any():
                break
            fixed = self._next(scores.masked_fill(~known, _IMPOSSIBLE), waiting, mention_examples)
            chosen = scores[fixed].masked_fill(~known[fixed], _IMPOSSIBLE).argmax(dim=1, keepdim=True)
            ids[mention_examples[fixed], mention_slots[fixed]] = candidate_ids[fixed].gather(1, chosen).squeeze(1)
            waiting[fixed] = False
            if not waiting.any():
                break
        return LinkingOutput(rows=candidates.cpu(), similarities=final.cpu(), priors=priors.float().cpu())

    def _scores(
        self, inputs: dict[str, Tensor], entity_ids: Tensor, examples: Tensor, slots: Tensor, candidate_ids: Tensor
    ) -> Tensor:
        """Scores of the candidates [mentions, candidates] by the entity head."""
        states = self.luke(entity_ids=entity_ids, **inputs).entity_last_hidden_state[examples, slots]
        predicted = self.entity_predictions.transform(states)
        rows = F.embedding(candidate_ids, self.get_entity_embeddings().weight)
        with torch.autocast(predicted.device.type, enabled=False):  # half precision makes close candidates equal
            return torch.einsum("ne,nce->nc", predicted.float(), rows.float()) + self.entity_predictions.bias[candidate_ids]

    def _next(self, scores: Tensor, waiting: Tensor, examples: Tensor) -> Tensor:
        """The mention of each text that gets its entity next: the most certain one, or the first."""
        sure = scores.softmax(dim=1).amax(dim=1)
        if self.order == "natural":
            sure = -torch.arange(len(sure), device=sure.device, dtype=sure.dtype)
        sure = sure.masked_fill(~waiting, -torch.inf)
        found = []
        for example in torch.unique(examples[waiting]):
            mine = torch.nonzero(examples == example).flatten()
            found.append(mine[sure[mine].argmax()])
        return torch.stack(found)
