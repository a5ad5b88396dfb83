"""Masked entities: predict the entity of a masked mention (LUKE, section 3.2 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from loreweave.build.entity_types import types_of_vocabulary
from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.knowledge.entity_types import VocabularyTypes
from loreweave.errors import ConfigurationError
from loreweave.models.luke.embeddings import LukeEntityEmbeddings
from loreweave.models.luke.masked_lm import EntityPredictionHead
from loreweave.objectives.base import (
    ObjectiveConfig,
    ObjectiveLoss,
    RunContext,
    Tensors,
    WindowObjective,
    check_replacements,
    cross_entropy_sum,
    entities_of_run,
)
from loreweave.objectives.entity_negatives import EntityNegatives
from loreweave.objectives.windows import Targets, Window
from loreweave.random_streams import stream
from loreweave.training.settings.ranges import SHARE, Ranges, at_least


@dataclass(kw_only=True)
class MaskedEntitiesConfig(ObjectiveConfig):
    """Settings of the masked-entity objective; the defaults are those of LUKE's pre-training."""

    RANGES: ClassVar[Ranges] = {
        ("probability", "random_probability", "unchanged_probability", "same_type_negatives"): SHARE,
        ("negatives",): at_least(1),
    }

    probability: float = 0.15
    """Share of the entities of a window that become targets. If there are entities, at least one becomes a target."""
    random_probability: float = 0.0
    """Share of the targets that are replaced by random entities instead of `[MASK]`."""
    unchanged_probability: float = 0.0
    """Share of the targets that are not replaced."""
    negatives: int | None = None
    """Number of entities that are drawn for a micro-batch, and with which its targets are compared besides each other (sampled
    softmax); for large vocabularies. Null: all entities. The training accuracy is then among these few; evaluation always
    compares with all."""
    same_type_negatives: float = 0.0
    """Share of the `negatives` that are drawn among entities with a type of a target (needs `types`)."""
    types: str | None = None
    """File with the types of entities (`loreweave build entity-types`)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_replacements(self.random_probability, self.unchanged_probability)
        if self.same_type_negatives and (self.negatives is None or self.types is None):
            lacking = "negatives" if self.negatives is None else "types"
            raise ValueError(f"{lacking}: found null, expected a value for same_type_negatives above 0")
        if self.types is not None and not self.same_type_negatives:
            raise ValueError(f"types: found {self.types}, which same_type_negatives=0 does not read; leave it out")


class MaskedEntities(WindowObjective):
    """Entities are replaced by `[MASK]`; the entity head predicts them over the entity vocabulary, or over a sample of it."""

    name: ClassVar[str] = "masked_entities"
    settings = MaskedEntitiesConfig
    side: ClassVar[Literal["words", "entities"]] = "entities"
    config: MaskedEntitiesConfig

    def __init__(self, config: MaskedEntitiesConfig, context: RunContext) -> None:
        super().__init__(config, context)
        vocabulary = entities_of_run(type(self), context)
        self.mask_id = vocabulary.mask_id
        self.size = len(vocabulary)
        self.seed = context.seed
        self.negatives: EntityNegatives | None = None
        self.types_summary = ""
        if config.negatives is not None:
            types = self._types(vocabulary)
            self.negatives = EntityNegatives(self.size, config.negatives, config.same_type_negatives, types)

    def _types(self, vocabulary: EntityVocabulary) -> VocabularyTypes | None:
        """Types of the vocabulary's entities, if negatives are drawn by them."""
        if not self.config.same_type_negatives or self.config.types is None:
            return None
        types = types_of_vocabulary(self.config.types, vocabulary)
        self.types_summary = types.summary(vocabulary)
        return types

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

    def batch(self, windows: Sequence[Window], width: int) -> Tensors:
        """With negatives also `classes`, rows of the table, and their `log_weights`. Each [classes]"""
        batch = super().batch(windows, width)
        if self.negatives is None:
            return batch
        rng = stream(self.seed, "negatives of masked entities", windows[0].draw)
        drawn = self.negatives.draw(batch["labels"].numpy(), rng)
        return batch | {"classes": torch.from_numpy(drawn.rows), "log_weights": torch.from_numpy(drawn.log_weights)}

    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """LUKE's entity prediction head."""
        head = getattr(model, "entity_predictions", None)
        if not isinstance(head, nn.Module):
            raise ConfigurationError(f"masked_entities needs a LUKE; {type(model).__name__} predicts no entities")
        return head

    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        """Cross-entropy over the entity vocabulary, or over the classes of the micro-batch."""
        if "classes" not in batch:
            return cross_entropy_sum(head(batch["states"]), batch["labels"])
        assert isinstance(head, EntityPredictionHead)
        return sampled_loss(head, batch["states"], batch["labels"], batch["classes"], batch["log_weights"])

    @classmethod
    def files(cls, config: MaskedEntitiesConfig) -> dict[str, Path]:
        """The file of types, if negatives are drawn by them."""
        return {} if config.types is None else {"types": Path(config.types)}

    @classmethod
    def for_held_out(cls, config: MaskedEntitiesConfig) -> MaskedEntitiesConfig:
        """Over the whole vocabulary."""
        return replace(config, negatives=None, same_type_negatives=0.0, types=None)

    def prepare(self, model: PreTrainedModel | None) -> None:
        """Use a sparse gradient for the lookup of the entity table, of which a micro-step reads few rows."""
        embeddings = None if model is None else getattr(model.base_model, "entity_embeddings", None)
        if isinstance(embeddings, LukeEntityEmbeddings):
            embeddings.sparse_lookup = True

    def summary(self) -> list[str]:
        """How many entities a target is compared with, if not with all."""
        if self.negatives is None:
            return []
        drawn = f"{counted(self.negatives.negatives, 'negative')} of {self.size:,} entities per micro-batch"
        if not self.types_summary:
            return [f"{self.name}: {drawn}"]
        return [f"{self.name}: {drawn}, {self.config.same_type_negatives:.0%} of them of the same type; {self.types_summary}"]


def sampled_loss(
    head: EntityPredictionHead, states: Tensor, labels: Tensor, classes: Tensor, log_weights: Tensor
) -> ObjectiveLoss:
    """Summed cross-entropy in float32 over some rows of the entity table; correct is a target that scores best among them.

    Args:
        states: [targets, hidden]
        labels: rows of the table, each among `classes`. [targets]
        classes: sorted rows of the table. [classes]
        log_weights: added to the scores in the softmax. [classes]
    """
    vectors = head.transform(states)
    with torch.autocast(states.device.type, enabled=False):
        scores = functional.linear(vectors.float(), head.decoder.weight[classes].float(), head.bias[classes].float())
        places = torch.searchsorted(classes, labels)
        total = functional.cross_entropy(scores + log_weights, places, reduction="sum")
    with torch.no_grad():
        return ObjectiveLoss(total, (scores.argmax(-1) == places).sum())
