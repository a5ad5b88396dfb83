"""Builds and loads linkers: over descriptions with any encoder, or LUKE's global model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.knowledge.entity_table import EntityTable, read_entities
from loreweave.corpus.mentions.dictionary import MentionDictionary
from loreweave.encoding.model_names import resolve
from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.tasks.entity_linking import description_model, global_model
from loreweave.tasks.entity_linking.candidates import ENTITIES, NAMES
from loreweave.tasks.entity_linking.global_network import LukeLinker
from loreweave.tasks.entity_linking.linker import LinkingModel
from loreweave.tasks.entity_linking.settings import NAME, EntityLinkingConfig, KnowledgeSettings, UnknownNames
from loreweave.tasks.heads import with_head
from loreweave.tasks.model_folders import SETTINGS, check_checkpoint_of, is_checkpoint_of, settings_of


def build(source: str, labels: Sequence[str], config: EntityLinkingConfig, added: str | None = None) -> LinkingModel:
    """An untrained linker on the encoder at `source`; `added` are further entities.

    Raises:
        ConfigurationError: there is no table of entities, or see `with_head`.
        CheckpointError: there is no readable encoder.
        DataError: the entities or the dictionary cannot be read.
    """
    config, _ = with_head(config, source)
    if config.entities is None:
        raise ConfigurationError(
            "setting 'entities': found nothing, expected the entities to link to: entities=FILE (JSON Lines of {id, label, "
            "description, aliases}) or the folder of a knowledge graph"
        )
    table, dictionary = _table(config.entities, added, config.entities), _dictionary(config.dictionary)
    if config.head == "luke":
        return global_model.build(source, table, dictionary, config)
    return description_model.build(source, table, dictionary, config)


def load(
    path: Path, base: str | None = None, labels: Sequence[str] | None = None, changes: KnowledgeSettings | None = None
) -> LinkingModel:
    """A checkpoint of `loreweave finetune entity-linking`; `changes` name other entities and another dictionary than its own.

    Raises:
        CheckpointError: the folder has no such model, or no entities.
        ConfigurationError: a language for a linker over descriptions.
        DataError: the entities or the dictionary cannot be read.
    """
    check_checkpoint_of(NAME, path)
    if not (path / ENTITIES).is_file():
        raise CheckpointError(f"{path}: found no {ENTITIES}, expected the entities of the training in the checkpoint")
    changes = changes or KnowledgeSettings()
    if changes.entities is None:
        table = _table(path / ENTITIES, changes.added_entities, "the checkpoint")
    else:
        table = _table(changes.entities, changes.added_entities, changes.entities)
    own = str(path / NAMES) if (path / NAMES).is_dir() else None
    dictionary = _dictionary(own if changes.dictionary is None else changes.dictionary)
    if settings_of(path)["head"] == "luke":
        return global_model.load(path, table, dictionary, base, changes.language)
    if changes.language is not None:
        raise ConfigurationError("setting 'language': only a LUKE looks entities up in a vocabulary; leave it out")
    return description_model.load(path, table, dictionary)


def with_unknown_names(loaded: LinkingModel, how: UnknownNames | None, source: str | None) -> LinkingModel:
    """The same model, which links mentions whose names have no candidates as a user asks.

    Args:
        loaded: the model.
        how: see `KnowledgeSettings.unknown_names`.
        source: for a LUKE, the linker over descriptions that links them; None: its own words.

    Raises:
        ConfigurationError: such a linker for a linker over descriptions, or one that is a LUKE's global model.
        CheckpointError: it cannot be read.
    """
    if not isinstance(loaded.model, LukeLinker):
        if source is not None:
            raise ConfigurationError("setting 'description_linker': found a linker over descriptions for itself; leave it out")
        if how == "nil":
            getattr(loaded.model.config, SETTINGS)["nearest"] = 0
        return loaded
    if how != "nearest":
        return loaded
    table = loaded.encoding.finder.table
    if source is None:
        return replace(loaded, for_unknown=description_model.over_words_of(loaded.model, loaded.encoding, table))
    path = resolve(source)
    if not is_checkpoint_of(NAME, path):
        other = description_model.build(str(path), table, None, EntityLinkingConfig(head="descriptions"))
    elif settings_of(path)["head"] == "luke":
        message = f"setting 'description_linker': {source} is a LUKE's global model, expected one with head=descriptions"
        raise ConfigurationError(message)
    else:
        other = description_model.load(path, table, None)
    other.encoding.look_up = False
    return replace(loaded, for_unknown=other)


def _table(entities: Pathname, added: str | None, others: str) -> EntityTable:
    """The entities of a file with those that are added; `others` names the former in errors.

    Raises:
        DataError: they cannot be read, or an added one is among the others.
    """
    found = read_entities(entities)
    if added is not None:
        known, more = {entity.id for entity in found}, read_entities(added)
        again = [entity.id for entity in more if entity.id in known]
        if again:
            ids = counted(len(again), "id")
            message = (
                f"found {ids} that {others} has too ({listed(again)}), expected further entities (entities=FILE replaces all)"
            )
            raise DataError(message, path=added, field="id")
        found += more
    return EntityTable(found)


def _dictionary(path: str | None) -> MentionDictionary | None:
    """The dictionary in a folder of `loreweave build mentions`; None without a path."""
    return None if path is None else MentionDictionary.load(path)
