"""Masked entities: predict the entity of a masked mention (LUKE, section 3.2 of the paper)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from torch import nn
from transformers import PreTrainedModel

from loreweave.errors import ConfigurationError
from loreweave.models.luke.embeddings import LukeEntityEmbeddings
from loreweave.objectives.base import (
    ObjectiveConfig,
    ObjectiveLoss,
    RunContext,
    Tensors,
    WindowObjective,
    check_shares,
    cross_entropy_sum,
    entities_of_run,
)
from loreweave.objectives.windows import Targets, Window


@dataclass(kw_only=True)
class MaskedEntitiesConfig(ObjectiveConfig):
    """Settings of the masked-entity objective; the defaults are those of LUKE's pre-training."""

    probability: float = 0.15
    """Share of the entities of a window that become targets. If there are entities, at least one becomes a target."""
    random_probability: float = 0.0
    """Share of the targets that are replaced by random entities instead of `[MASK]`."""
    unchanged_probability: float = 0.0
    """Share of the targets that are not replaced."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_shares(self.probability, self.random_probability, self.unchanged_probability)


class MaskedEntities(WindowObjective):
    """Entities are replaced by `[MASK]`; the entity head predicts them over the whole entity vocabulary."""

    name: ClassVar[str] = "masked_entities"
    settings = MaskedEntitiesConfig
    side: ClassVar[Literal["words", "entities"]] = "entities"
    config: MaskedEntitiesConfig

    def __init__(self, config: MaskedEntitiesConfig, context: RunContext) -> None:
        super().__init__(config, context)
        vocabulary = entities_of_run(type(self), context)
        self.mask_id = vocabulary.mask_id
        self.size = len(vocabulary)

    @classmethod
    def build(cls, config: MaskedEntitiesConfig, context: RunContext) -> Self | None:
        """Off at probability 0."""
        return cls(config, context) if config.probability > 0 else None

    def mask(self, window: Window, rng: np.random.Generator) -> Targets:
        """Choose entities without replacement, including `[UNK]` entities, as in the original."""
        count = len(window.entity_ids)
        if count == 0:
            return Targets.none()
        wanted = max(1, round(count * self.config.probability))
        positions = np.sort(rng.choice(count, size=wanted, replace=False))
        labels = window.entity_ids[positions].astype(np.int64)
        action = rng.random(wanted)
        masked = action < 1 - self.config.random_probability - self.config.unchanged_probability
        replaced = ~masked & (action < 1 - self.config.unchanged_probability)
        window.entity_ids[positions[masked]] = self.mask_id
        if replaced.any():
            window.entity_ids[positions[replaced]] = rng.integers(self.mask_id + 1, self.size, size=int(replaced.sum()))
        return Targets(positions, labels)

    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """LUKE's entity prediction head."""
        head = getattr(model, "entity_predictions", None)
        if not isinstance(head, nn.Module):
            raise ConfigurationError(f"masked_entities needs a LUKE; {type(model).__name__} predicts no entities")
        return head

    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        """Cross-entropy over the entity vocabulary."""
        return cross_entropy_sum(head(batch["states"]), batch["labels"])

    def prepare(self, model: PreTrainedModel | None) -> None:
        """Use a sparse gradient for the lookup of the entity table: the head scores the whole table in every micro-step."""
        embeddings = None if model is None else getattr(model.base_model, "entity_embeddings", None)
        if isinstance(embeddings, LukeEntityEmbeddings):
            embeddings.sparse_lookup = True
