"""Pre-training objectives: each is one file with its configuration, its targets and its loss.

`OBJECTIVES` lists them by the name that recipes use, in the order in which they choose their targets: masked entities
come before masked words, because words inside masked mentions may be masked with them.
"""

from __future__ import annotations

from loreweave.objectives.base import (
    EncodingObjective,
    Materials,
    Objective,
    ObjectiveLoss,
    StreamObjective,
    Targets,
    TextObjective,
    Window,
    WindowObjective,
    WordVocabulary,
)
from loreweave.objectives.cls_entity import ClsEntity, ClsEntityConfig
from loreweave.objectives.contrastive_knowledge import ContrastiveKnowledge, ContrastiveKnowledgeConfig
from loreweave.objectives.knowledge_embedding import KnowledgeEmbedding, KnowledgeEmbeddingConfig, SecondKnowledgeEmbedding
from loreweave.objectives.latent_typing import LatentTyping, LatentTypingConfig
from loreweave.objectives.masked_entities import MaskedEntities, MaskedEntitiesConfig
from loreweave.objectives.masked_words import MaskedWords, MaskedWordsConfig

OBJECTIVES: dict[str, type[Objective]] = {
    MaskedEntities.name: MaskedEntities,
    MaskedWords.name: MaskedWords,
    ClsEntity.name: ClsEntity,
    KnowledgeEmbedding.name: KnowledgeEmbedding,
    SecondKnowledgeEmbedding.name: SecondKnowledgeEmbedding,
    ContrastiveKnowledge.name: ContrastiveKnowledge,
    LatentTyping.name: LatentTyping,
}

__all__ = [
    "OBJECTIVES",
    "ClsEntity",
    "ClsEntityConfig",
    "ContrastiveKnowledge",
    "ContrastiveKnowledgeConfig",
    "EncodingObjective",
    "KnowledgeEmbedding",
    "KnowledgeEmbeddingConfig",
    "LatentTyping",
    "LatentTypingConfig",
    "MaskedEntities",
    "MaskedEntitiesConfig",
    "MaskedWords",
    "MaskedWordsConfig",
    "Materials",
    "Objective",
    "ObjectiveLoss",
    "SecondKnowledgeEmbedding",
    "StreamObjective",
    "Targets",
    "TextObjective",
    "Window",
    "WindowObjective",
    "WordVocabulary",
]
