"""A bi-encoder: the same encoder reads mentions in their texts and the names and descriptions of entities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedConfig
from transformers.utils import ModelOutput

from loreweave.tasks.encoder_model import EncoderModel

Inputs = dict[str, np.ndarray]
_BLOCK = 65_536
"""Number of entities that are compared at once with mentions whose name is not known."""
_TOKENS = 8192
"""Maximum number of tokens of the texts of entities that are encoded together."""


class Texts(Protocol):
    """Tokenised texts of entities by row."""

    def __len__(self) -> int: ...

    def batches(self, rows: np.ndarray, tokens: int) -> list[tuple[np.ndarray, Inputs]]:
        """The rows in batches of similar length, each with its padded inputs."""


@dataclass
class LinkingOutput(ModelOutput):
    """Training: `logits` [mentions, entities of the batch]. Otherwise `rows`, `similarities` and `priors` of the candidates of
    each mention [mentions, candidates], where row -1 is padding."""

    logits: Tensor | None = None
    rows: Tensor | None = None
    similarities: Tensor | None = None
    priors: Tensor | None = None


class EntityVectors:
    """Vectors of entities, computed when they are needed, or read from `stored`.

    Args:
        texts: the tokenised texts.
        encode: inputs -> vectors [entities, d].
        stored: rows -> vectors [rows, d], if they are stored elsewhere.
    """

    def __init__(
        self, texts: Texts, encode: Callable[[Inputs], Tensor], stored: Callable[[np.ndarray], Tensor] | None = None
    ) -> None:
        self.texts, self.encode, self.stored = texts, encode, stored
        self._vectors: np.ndarray | None = None
        self._known = np.zeros(len(texts), bool)

    def forget(self) -> None:
        """Forget the vectors, because the weights change."""
        self._known[:] = False

    def of(self, rows: np.ndarray) -> Tensor:
        """Vectors of rows [n] -> float32 [n, d]."""
        if self.stored is not None:
            return self.stored(rows)
        vectors = self._computed(rows)
        return torch.zeros(0, 0) if vectors is None else torch.from_numpy(vectors[rows])

    def block(self, first: int, last: int) -> Tensor:
        """Vectors of the rows from `first` to `last` (exclusive), not copied if they are in memory [last - first, d]."""
        rows = np.arange(first, last)
        if self.stored is not None:
            return self.stored(rows)
        vectors = self._computed(rows)
        return torch.zeros(0, 0) if vectors is None else torch.from_numpy(vectors[first:last])

    def _computed(self, rows: np.ndarray) -> np.ndarray | None:
        """The array in which at least these rows are computed [entities, d]; None if no row ever was."""
        missing = np.unique(rows[~self._known[rows]])
        for batch, inputs in self.texts.batches(missing, _TOKENS):
            found = self.encode(inputs).float().cpu().numpy()
            if self._vectors is None:
                self._vectors = np.zeros((len(self.texts), found.shape[1]), np.float32)  # memory is taken when it is written
            self._vectors[batch] = found
        self._known[missing] = True
        assert self._vectors is not None or not len(rows)
        return self._vectors

    def nearest(self, vectors: Tensor, number: int) -> tuple[Tensor, Tensor]:
        """Similarities and rows of the nearest entities [mentions, number], the nearest first."""
        number = min(number, len(self.texts))
        best = torch.full((len(vectors), 0), -2.0)
        rows = torch.zeros(len(vectors), 0, dtype=torch.long)
        for start in range(0, len(self.texts), _BLOCK):
            last = min(start + _BLOCK, len(self.texts))
            similar = vectors.float().cpu() @ self.block(start, last).T
            best = torch.cat([best, similar], dim=1)
            rows = torch.cat([rows, torch.arange(start, last).expand(len(vectors), -1)], dim=1)
            best, places = best.topk(number if best.shape[1] >= number else best.shape[1], dim=1)
            rows = rows.gather(1, places)
        return best, rows


class DescriptionLinker(EncoderModel):
    """The encoder; vectors are means of states, with length 1. The configuration has `loreweave: {temperature, nearest}`.

    Attributes:
        entities: vectors of the entities, which the task sets.
    """

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(config)
        self.entities: EntityVectors | None = None
        self.post_init()

    def train(self, mode: bool = True) -> DescriptionLinker:
        """Set the mode; training changes the weights, so vectors of entities are forgotten."""
        if mode and getattr(self, "entities", None) is not None:
            assert self.entities is not None
            self.entities.forget()
        super().train(mode)
        return self

    def entity_vectors(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Mean states of texts [texts, tokens] -> [texts, size] of length 1."""
        states = self.encoder_output(input_ids, attention_mask, torch.zeros_like(input_ids)).last_hidden_state
        weights = attention_mask[..., None].to(states.dtype)
        return F.normalize((states * weights).sum(1) / weights.sum(1).clamp_min(1), dim=-1)

    def mention_vectors(
        self, input_ids: Tensor, attention_mask: Tensor, positions: Tensor, position_mentions: Tensor, mentions: int
    ) -> Tensor:
        """Mean states of the sub-words of each mention [mentions, size], of length 1."""
        states = self.encoder_output(input_ids, attention_mask, torch.zeros_like(input_ids)).last_hidden_state
        chosen = states.flatten(0, 1)[positions]
        total = states.new_zeros(mentions, states.shape[-1]).index_add(0, position_mentions, chosen)
        return F.normalize(total, dim=-1)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        positions: Tensor,
        position_mentions: Tensor,
        mention_examples: Tensor,
        entity_input_ids: Tensor | None = None,
        entity_attention_mask: Tensor | None = None,
        candidates: Tensor | None = None,
        priors: Tensor | None = None,
        **_: Any,
    ) -> LinkingOutput:
        """Compare mentions with the entities of the batch, or with their candidates.

        Args:
            input_ids: [texts, words].
            attention_mask: [texts, words].
            positions: flattened positions of the sub-words of all mentions, as indices of `input_ids.flatten()`.
            position_mentions: the mention of each position.
            mention_examples: the text of each mention [mentions].
            entity_input_ids: texts of the entities of the batch [entities, tokens].
            entity_attention_mask: [entities, tokens].
            candidates: rows of the candidates [mentions, candidates], -1 is padding; a mention without any is compared with
                all entities.
            priors: prior probabilities of the candidates [mentions, candidates].
        """
        vectors = self.mention_vectors(input_ids, attention_mask, positions, position_mentions, len(mention_examples))
        if entity_input_ids is not None:
            assert entity_attention_mask is not None
            others = self.entity_vectors(entity_input_ids, entity_attention_mask)
            with torch.autocast(vectors.device.type, enabled=False):  # half precision cannot distinguish close entities
                return LinkingOutput(logits=vectors.float() @ others.float().T / self.config.loreweave["temperature"])
        assert candidates is not None and priors is not None and self.entities is not None
        compared = vectors.float().cpu()
        with torch.autocast(compared.device.type, enabled=False):
            return self._compared(compared, candidates.cpu(), priors.float().cpu())

    def _compared(self, vectors: Tensor, candidates: Tensor, priors: Tensor) -> LinkingOutput:
        assert self.entities is not None
        known = candidates >= 0
        rows, places = torch.unique(candidates.clamp_min(0), return_inverse=True)
        similar = torch.zeros(candidates.shape)
        if known.any():
            used = torch.unique(candidates[known])
            found = torch.zeros(len(rows), vectors.shape[1])
            found[torch.searchsorted(rows, used)] = self.entities.of(used.numpy())
            similar = torch.einsum("nd,ncd->nc", vectors, found[places])
        lacking = torch.nonzero(~known.any(dim=1)).flatten()
        number = min(self.config.loreweave["nearest"], len(self.entities.texts))
        if len(lacking) and number:
            best, nearest = self.entities.nearest(vectors[lacking], number)
            wider = max(0, number - candidates.shape[1])
            candidates = F.pad(candidates, (0, wider), value=-1)
            similar, priors = F.pad(similar, (0, wider)), F.pad(priors, (0, wider))
            candidates[lacking, :number], similar[lacking, :number] = nearest, best
        return LinkingOutput(rows=candidates, similarities=similar, priors=priors)
