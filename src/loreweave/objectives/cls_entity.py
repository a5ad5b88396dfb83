"""Page entity from the start token: the distance of its state from the embedding of the page's entity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from loreweave.errors import ConfigurationError
from loreweave.objectives.base import (
    LeftOut,
    ObjectiveConfig,
    ObjectiveLoss,
    RunContext,
    Tensors,
    WindowObjective,
    entities_of_run,
)
from loreweave.objectives.windows import Targets, Window


@dataclass(kw_only=True)
class ClsEntityConfig(ObjectiveConfig):
    """Settings of the `--cls-entity-prediction` objective."""


class ClsEntityHead(nn.Module):
    """A linear map to the entity table, in the original's two parts: `decoder` without bias, and `bias`."""

    def __init__(self, hidden_size: int, table: nn.Embedding, initializer_range: float) -> None:
        super().__init__()
        self.decoder = nn.Linear(hidden_size, table.embedding_dim, bias=False)
        self.bias = nn.Parameter(torch.zeros(table.embedding_dim))
        nn.init.normal_(self.decoder.weight, std=initializer_range)
        self._table = [table]  # in a list, so that the table is a parameter of the encoder only

    def forward(self, states: Tensor, entity_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Predicted and true entity embeddings, each [targets, entity size]."""
        return self.decoder(states) + self.bias, self._table[0](entity_ids)


class ClsEntity(WindowObjective):
    """Mean squared error between a projection of the start token and the page's entity embedding.

    Pages without an entity in the vocabulary are not targets (the original fails on them).
    """

    name: ClassVar[str] = "cls_entity"
    settings = ClsEntityConfig
    side = "words"
    config: ClsEntityConfig

    def __init__(self, config: ClsEntityConfig, context: RunContext) -> None:
        super().__init__(config, context)
        entities_of_run(type(self), context)

    def mask(self, window: Window, rng: np.random.Generator) -> Targets:
        """The start token (position -1) of a window whose page is an entity; nothing is masked."""
        if window.page_entity_id < 0:
            return Targets.none()
        return Targets(np.array([-1]), np.array([window.page_entity_id]))

    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """A new head over the model's entity table."""
        embeddings = getattr(getattr(model, "luke", None), "entity_embeddings", None)
        if embeddings is None:
            raise ConfigurationError(f"cls_entity needs a LUKE; {type(model).__name__} has no entity table")
        assert model is not None
        return ClsEntityHead(model.config.hidden_size, embeddings.entity_embeddings, model.config.initializer_range)

    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        """Squared error, averaged over the entity dimension and summed over targets; there is no accuracy."""
        predicted, true = head(batch["states"], batch["labels"])
        total = (predicted.float() - true.float()).pow(2).mean(-1).sum()
        return ObjectiveLoss(total, None)

    @classmethod
    def for_evaluation(cls, config: ClsEntityConfig, model: str | None) -> ClsEntityConfig | LeftOut:
        """Leave it out: its head is only in checkpoints, as in the original."""
        return LeftOut("its head is not saved with a model")
