"""Which objectives there are, and their settings in a recipe. A package of somebody else can add to them."""

from __future__ import annotations

from loreweave.objectives.base import Objective
from loreweave.objectives.cls_entity import ClsEntity
from loreweave.objectives.contrastive_knowledge import ContrastiveKnowledge
from loreweave.objectives.knowledge_embedding import KnowledgeEmbedding, SecondKnowledgeEmbedding
from loreweave.objectives.latent_typing import LatentTyping
from loreweave.objectives.masked_entities import MaskedEntities
from loreweave.objectives.masked_words import MaskedWords

OBJECTIVES: dict[str, type[Objective]] = {
    MaskedEntities.name: MaskedEntities,
    MaskedWords.name: MaskedWords,
    ClsEntity.name: ClsEntity,
    KnowledgeEmbedding.name: KnowledgeEmbedding,
    SecondKnowledgeEmbedding.name: SecondKnowledgeEmbedding,
    ContrastiveKnowledge.name: ContrastiveKnowledge,
    LatentTyping.name: LatentTyping,
}
"""Objectives by the name that recipes use, in the order in which they choose their targets: masked entities come before masked
words, because words inside masked mentions may be masked with them."""
