"""Which row of an entity vocabulary an entity of a graph is."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graph_entities import GraphEntity

NONE, SHARED = -1, -2


def vocabulary_ids(entities: Iterable[GraphEntity], vocabulary: EntityVocabulary) -> np.ndarray:
    """Ids in `vocabulary`, found by an entity's id (a vocabulary of Q-ids), else by its label (one of titles).

    In a title a space and an underscore are the same, as in MediaWiki.

    Returns:
        [entities] int64; `NONE` (-1) where there is none, `SHARED` (-2) where several entities would have the same.
    """
    special = vocabulary.special_ids
    ids = np.fromiter((_id_of(entity, vocabulary) for entity in entities), np.int64)
    ids[np.isin(ids, list(special))] = NONE
    distinct, places, counts = np.unique(ids, return_inverse=True, return_counts=True)
    ids[(counts[places] > 1) & (distinct[places] != NONE)] = SHARED
    return ids


def _id_of(entity: GraphEntity, vocabulary: EntityVocabulary) -> int:
    for name in (entity.id, entity.label, entity.label.replace(" ", "_")):
        found = vocabulary.id_of(name)
        if found is not None:
            return found
    return NONE
