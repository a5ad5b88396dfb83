"""Masked entities: predict which entity a hidden mention stands for (LUKE, section 3.2 of the paper)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor, nn
from transformers import PreTrainedModel

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import ConfigurationError
from loreweave.objectives.base import (
    Materials,
    ObjectiveLoss,
    Targets,
    Window,
    WindowObjective,
    check_shares,
    cross_entropy_sum,
    entities_of_run,
)


@dataclass(kw_only=True)
class MaskedEntitiesConfig:
    """Settings of the masked-entity objective; the defaults are those of LUKE's pre-training."""

    weight: float = 1.0
    probability: float = 0.15
    """Share of a window's entities that become targets; at least one does where there is an entity."""
    random_probability: float = 0.0
    unchanged_probability: float = 0.0

    def __post_init__(self) -> None:
        check_shares(self.probability, self.random_probability, self.unchanged_probability)


class MaskedEntities(WindowObjective):
    """Entities are replaced by `[MASK]`; the entity head predicts them over the whole entity vocabulary."""

    name: ClassVar[str] = "masked_entities"
    side: ClassVar[Literal["words", "entities"]] = "entities"

    def __init__(self, config: MaskedEntitiesConfig, vocabulary: EntityVocabulary) -> None:
        self.weight = config.weight
        self.config = config
        self.mask_id = vocabulary.mask_id
        self.size = len(vocabulary)

    @classmethod
    def build(cls, config: MaskedEntitiesConfig, materials: Materials) -> MaskedEntities | None:
        """Off at probability 0."""
        return cls(config, entities_of_run(cls, materials)) if config.probability > 0 else None

    def mask(self, window: Window, rng: np.random.Generator) -> Targets:
        """Choose entities without replacement; `[UNK]` entities may be chosen too, as in the original."""
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

    def loss(self, head: nn.Module, states: Tensor, labels: Tensor) -> ObjectiveLoss:
        """Cross-entropy over the entity vocabulary; `states` [targets, hidden]."""
        return cross_entropy_sum(head(states), labels)
