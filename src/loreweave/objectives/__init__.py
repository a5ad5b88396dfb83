"""Pre-training objectives: each is one file with its settings, its batches, its loss and its hooks (see `base`).

`OBJECTIVES` lists them by the name that recipes use; `register_objective` adds one from outside.
"""

from __future__ import annotations

from loreweave.objectives.base import (
    WINDOWS,
    Batch,
    LeftOut,
    Objective,
    ObjectiveConfig,
    ObjectiveLoss,
    RunContext,
    StreamObjective,
    Tensors,
    TextObjective,
    WindowObjective,
)
from loreweave.objectives.cls_entity import ClsEntity, ClsEntityConfig
from loreweave.objectives.contrastive_knowledge import ContrastiveKnowledge, ContrastiveKnowledgeConfig
from loreweave.objectives.entity_relations import EntityRelations, EntityRelationsConfig
from loreweave.objectives.entity_types import EntityTypes, EntityTypesConfig
from loreweave.objectives.knowledge_embedding import KnowledgeEmbedding, KnowledgeEmbeddingConfig, SecondKnowledgeEmbedding
from loreweave.objectives.latent_typing import LatentTyping, LatentTypingConfig
from loreweave.objectives.masked_entities import MaskedEntities, MaskedEntitiesConfig
from loreweave.objectives.masked_words import MaskedWords, MaskedWordsConfig
from loreweave.objectives.registry import OBJECTIVES, ObjectivesConfig, objectives, register_objective
from loreweave.objectives.windows import Targets, Window, WordVocabulary

__all__ = [
    "OBJECTIVES",
    "WINDOWS",
    "Batch",
    "ClsEntity",
    "ClsEntityConfig",
    "ContrastiveKnowledge",
    "ContrastiveKnowledgeConfig",
    "EntityRelations",
    "EntityRelationsConfig",
    "EntityTypes",
    "EntityTypesConfig",
    "KnowledgeEmbedding",
    "KnowledgeEmbeddingConfig",
    "LatentTyping",
    "LatentTypingConfig",
    "LeftOut",
    "MaskedEntities",
    "MaskedEntitiesConfig",
    "MaskedWords",
    "MaskedWordsConfig",
    "Objective",
    "ObjectiveConfig",
    "ObjectiveLoss",
    "ObjectivesConfig",
    "RunContext",
    "SecondKnowledgeEmbedding",
    "StreamObjective",
    "Targets",
    "Tensors",
    "TextObjective",
    "Window",
    "WindowObjective",
    "WordVocabulary",
    "objectives",
    "register_objective",
]
