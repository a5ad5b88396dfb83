"""Statistics of a knowledge graph by split: sizes, repetitions, and what does not occur in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class SplitStatistics:
    """Counts of one split. "Unseen" means: in no triple of the split `train`.

    Attributes:
        triples: number of triples, repeated ones counted each time.
        entities: number of different entities.
        relations: number of different relations.
        repeated: number of triples that occur earlier in the same split.
        also_in_train: number of triples that are in `train` too: test answers that training reveals.
        joined_in_train: number of other triples whose two entities are joined by a triple of `train` too, in either direction
            and by any relation: an inverse or a synonym of the relation may reveal the answer.
        with_unseen_entity: number of triples whose head or tail is unseen.
        unseen_entities: number of different unseen entities.
        with_unseen_relation: number of triples whose relation is unseen.
        unseen_relations: ids of the unseen relations.
    """

    triples: int
    entities: int
    relations: int
    repeated: int
    also_in_train: int
    with_unseen_entity: int
    unseen_entities: int
    with_unseen_relation: int
    unseen_relations: tuple[str, ...]
    joined_in_train: int = 0


def split_statistics(
    triples: Mapping[str, np.ndarray], num_entities: int, relation_ids: Sequence[str]
) -> dict[str, SplitStatistics]:
    """Compute the counts of every split; `triples` are int32 rows.  # [triples, 3]"""
    training = triples.get("train", np.zeros((0, 3), np.int32))
    seen_entities = _occurring(training[:, (0, 2)], num_entities)
    seen_relations = _occurring(training[:, 1], len(relation_ids))
    keys = _keys(triples, num_entities, len(relation_ids))
    ordered = {split: np.sort(own) for split, own in keys.items()}  # np.unique is a hundred times slower
    joined = np.sort(_pairs(training, num_entities))
    statistics = {}
    for split, rows in triples.items():
        given = _count_among(keys[split], ordered["train"]) if split != "train" and len(training) else 0
        both = _count_among(_pairs(rows, num_entities), joined) if split != "train" and len(training) else 0
        entities, relations = _occurring(rows[:, (0, 2)], num_entities), _occurring(rows[:, 1], len(relation_ids))
        statistics[split] = SplitStatistics(
            triples=len(rows),
            entities=int(entities.sum()),
            relations=int(relations.sum()),
            repeated=int((ordered[split][1:] == ordered[split][:-1]).sum()),
            also_in_train=given,
            joined_in_train=both - given,
            with_unseen_entity=int((~seen_entities[rows[:, (0, 2)]]).any(1).sum()),
            unseen_entities=int((entities & ~seen_entities).sum()),
            with_unseen_relation=int((~seen_relations[rows[:, 1]]).sum()),
            unseen_relations=tuple(relation_ids[row] for row in np.flatnonzero(relations & ~seen_relations).tolist()),
        )
    return statistics


def each_once(triples: np.ndarray) -> np.ndarray:
    """Triples without repetitions: the first of equal rows, in the original order.  # [triples, 3]

    Example:
        >>> each_once(np.array([[1, 0, 2], [0, 0, 1], [1, 0, 2]])).tolist()
        [[1, 0, 2], [0, 0, 1]]
    """
    order = np.lexsort(triples.T)  # stable: the first of equal rows stays the first
    ordered = triples[order]
    new = np.ones(len(triples), dtype=bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return np.asarray(triples[np.sort(order[new])])


def _pairs(rows: np.ndarray, num_entities: int) -> np.ndarray:
    """One integer for the two entities of each triple, whatever their order.  # [triples], int64"""
    ends = np.sort(rows[:, (0, 2)].astype(np.int64), axis=1)
    return np.asarray(ends[:, 0] * num_entities + ends[:, 1])


def _occurring(rows: np.ndarray, count: int) -> np.ndarray:
    """Whether each of `count` rows occurs.  # [count], bool"""
    mask = np.zeros(count, bool)
    mask[rows] = True
    return mask


def _count_among(keys: np.ndarray, known: np.ndarray) -> int:
    """Number of `keys` in `known`, which is sorted and not empty."""
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return int((known[places] == keys).sum())


def _keys(triples: Mapping[str, np.ndarray], num_entities: int, num_relations: int) -> dict[str, np.ndarray]:
    """One integer for every different triple, by split.  # [triples], int64

    Pairs of head and relation are first numbered among those that occur, because a product of all three
    counts would exceed 64 bits for a large graph.
    """
    if not triples:
        return {}
    pairs = np.concatenate([rows[:, 0].astype(np.int64) * num_relations + rows[:, 1] for rows in triples.values()])
    keys = np.unique(pairs, return_inverse=True)[1]
    keys *= num_entities
    keys += np.concatenate([rows[:, 2] for rows in triples.values()])
    ends = np.cumsum([0, *map(len, triples.values())])
    return {split: keys[start:end] for split, (start, end) in zip(triples, pairwise(ends), strict=True)}
