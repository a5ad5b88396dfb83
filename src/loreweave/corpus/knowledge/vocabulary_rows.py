"""Rows of a graph's entities in an entity vocabulary."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from loreweave.corpus.entity_vocabulary import EntityVocabulary, spellings
from loreweave.corpus.graphs.entities import GraphEntity

NONE, SHARED = -1, -2


def vocabulary_ids(entities: Iterable[GraphEntity], vocabulary: EntityVocabulary) -> np.ndarray:
    """Ids in `vocabulary`, found by an entity's id (in a vocabulary of Q-ids) or its title, otherwise by its label.

    A label is not used if it is the title of another entity. In titles, a space and an underscore are equal, as in
    MediaWiki.

    Returns:
        [entities] int64; `NONE` (-1) if there is none, `SHARED` (-2) if several entities would have the same id.
    """
    found = [(_id_of((e.id, e.title), vocabulary), _id_of((e.label,), vocabulary)) for e in entities]
    sure, likely = np.array(found, np.int64).reshape(-1, 2).T
    for ids in (sure, likely):
        ids[np.isin(ids, list(vocabulary.special_ids))] = NONE
    likely[np.isin(likely, sure)] = NONE
    ids = np.where(sure != NONE, sure, likely)
    distinct, places, counts = np.unique(ids, return_inverse=True, return_counts=True)
    ids[(counts[places] > 1) & (distinct[places] != NONE)] = SHARED
    return ids


def _id_of(names: Iterable[str], vocabulary: EntityVocabulary) -> int:
    for name in names:
        for title in spellings(name):
            found = vocabulary.id_of(title)
            if found is not None:
                return found
    return NONE
