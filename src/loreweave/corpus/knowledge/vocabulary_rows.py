"""Rows of a graph's entities in an entity vocabulary."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph

NONE, SHARED = -1, -2


def ids_of_graph(graph: KnowledgeGraph, vocabulary: EntityVocabulary) -> np.ndarray:
    """`vocabulary_ids` of the entities of a graph, whose manifest has the language of its labels if it is known."""
    return vocabulary_ids(graph.entities, vocabulary, graph.manifest.get("source", {}).get("language"))


def vocabulary_ids(entities: Iterable[GraphEntity], vocabulary: EntityVocabulary, language: str | None = None) -> np.ndarray:
    """Ids in `vocabulary`, found by an entity's id (in a vocabulary of Q-ids) or its title, otherwise by its label.

    A label is not used if it is the title of another entity. In titles, a space and an underscore are equal, as in
    MediaWiki.

    Args:
        entities: the entities.
        vocabulary: the vocabulary.
        language: language of titles and labels, which are not used if the vocabulary has languages, and not this one; None if
            it is not known.

    Returns:
        [entities] int64; `NONE` (-1) if there is none, `SHARED` (-2) if several entities would have the same id.
    """
    found = [_sure_and_likely(entity, vocabulary, language) for entity in entities]
    sure, likely = np.array(found, np.int64).reshape(-1, 2).T
    for ids in (sure, likely):
        ids[np.isin(ids, list(vocabulary.special_ids))] = NONE
    likely[np.isin(likely, sure)] = NONE
    ids = np.where(sure != NONE, sure, likely)
    distinct, places, counts = np.unique(ids, return_inverse=True, return_counts=True)
    ids[(counts[places] > 1) & (distinct[places] != NONE)] = SHARED
    return ids


def _sure_and_likely(entity: GraphEntity, vocabulary: EntityVocabulary, language: str | None) -> tuple[int, int]:
    """Id by the entity's own id or its title, and id by its label."""
    by_id = _id_of(entity.id, vocabulary, None)
    by_title = by_id if by_id != NONE else _id_of(entity.title, vocabulary, language)
    return by_title, _id_of(entity.label, vocabulary, language)


def _id_of(name: str, vocabulary: EntityVocabulary, language: str | None) -> int:
    found = vocabulary.id_in_any_spelling(name, language)
    return NONE if found is None else found
