"""The objectives, and their settings in a recipe. Other packages can add theirs."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any

from torch import nn

from loreweave.errors import ConfigurationError
from loreweave.objectives.base import WINDOWS, Objective, ObjectiveConfig, StreamObjective, TextObjective, WindowObjective
from loreweave.objectives.cls_entity import ClsEntity
from loreweave.objectives.contrastive_knowledge import ContrastiveKnowledge
from loreweave.objectives.entity_relations import EntityRelations
from loreweave.objectives.entity_types import EntityTypes
from loreweave.objectives.knowledge_embedding import KnowledgeEmbedding, SecondKnowledgeEmbedding
from loreweave.objectives.latent_typing import LatentTyping
from loreweave.objectives.masked_entities import MaskedEntities
from loreweave.objectives.masked_words import MaskedWords
from loreweave.plugins import Registry
from loreweave.training.settings.registered import RegisteredGroup

OBJECTIVES: dict[str, type[Objective]] = {
    MaskedEntities.name: MaskedEntities,
    MaskedWords.name: MaskedWords,
    EntityTypes.name: EntityTypes,
    EntityRelations.name: EntityRelations,
    ClsEntity.name: ClsEntity,
    KnowledgeEmbedding.name: KnowledgeEmbedding,
    SecondKnowledgeEmbedding.name: SecondKnowledgeEmbedding,
    ContrastiveKnowledge.name: ContrastiveKnowledge,
    LatentTyping.name: LatentTyping,
}
"""Objectives by the name that recipes use, in the order in which they choose their targets: masked entities come before masked
words, because words inside masked mentions may be masked with them. Objectives over linked mentions come after both: they hide
sub-words whose labels masked words has kept."""


def objectives() -> dict[str, type[Objective]]:
    """All objectives by name: `OBJECTIVES`, those of other packages, and those that this process has registered.

    Raises:
        ConfigurationError: the objective of another package cannot be loaded.
    """
    return dict(REGISTRY)


def register_objective(objective: type[Objective]) -> None:
    """Add an objective for this process: recipes and `objectives.<name>.<setting>=...` then know it.

    A package adds its objectives for every process by an entry point of the group `loreweave.objectives`. They choose their
    targets after those of `OBJECTIVES`.

    Raises:
        ConfigurationError: the name is taken or cannot be used, or the class is not a whole objective.
    """
    REGISTRY.register(objective)


class ObjectivesConfig(RegisteredGroup):
    """The objectives that add up in one run; one that is null is off."""

    @classmethod
    def members(cls) -> dict[str, type]:
        """Name -> settings of the objective."""
        return {name: objective.settings for name, objective in objectives().items()}

    @classmethod
    def texts(cls) -> dict[str, str]:
        """Name -> first sentence of the objective's documentation."""
        return {name: inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0] for name, kind in objectives().items()}


def _check(_: str, objective: Any, known: Collection[str]) -> None:
    """Refuse a class that cannot work as an objective together with the `known` ones."""
    kinds = (WindowObjective, TextObjective, StreamObjective)
    if not isinstance(objective, type) or not issubclass(objective, kinds):
        raise ConfigurationError(f"found {objective!r}, expected a subclass of {', '.join(kind.__name__ for kind in kinds)}")
    if missing := sorted(objective.__abstractmethods__):
        raise ConfigurationError(f"{objective.__name__} does not define {', '.join(missing)}")
    settings, name = getattr(objective, "settings", None), getattr(objective, "name", None)
    if not isinstance(settings, type) or not issubclass(settings, ObjectiveConfig):
        raise ConfigurationError(f"{objective.__name__}.settings: found {settings!r}, expected a subclass of ObjectiveConfig")
    if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
        raise ConfigurationError(f"{objective.__name__}.name: found {name!r}, expected a name such as 'masked_words'")
    if name == WINDOWS or hasattr(RegisteredGroup, name) or hasattr(nn.ModuleDict(), name):
        raise ConfigurationError(f"{objective.__name__}.name: {name!r} has another meaning; choose another name")
    for other in known:  # metrics begin with the name of their objective
        if name.startswith(f"{other}_") or other.startswith(f"{name}_"):
            raise ConfigurationError(f"the names {name!r} and {other!r}: one may not begin with the other; choose another name")


REGISTRY: Registry[type[Objective]] = Registry("an objective", "loreweave.objectives", OBJECTIVES, _check)
"""All objectives; entry points of the group `loreweave.objectives` are `<name> = "<module>:<class>"`."""
