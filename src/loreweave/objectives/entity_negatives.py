"""Sampled softmax over an entity vocabulary: the classes of a micro-batch, and the weights that make them stand for all.

The classes of a micro-batch are the entities of its targets and entities drawn at random. The softmax of a target needs the
sum of exp(score) over the vocabulary. It is estimated without bias by the sum over the classes, each divided by the probability
that it is a class (Horvitz and Thompson); a target of the micro-batch is one with probability 1. If every entity is a class,
the loss is that of the full softmax.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from loreweave.corpus.knowledge.entity_types import VocabularyTypes


class SampledClasses(NamedTuple):
    """Classes of a micro-batch.

    Attributes:
        rows: rows of the entity table, sorted, each once. [classes]
        log_weights: what is added to each class's score: -log of its probability of being a class. [classes]
    """

    rows: np.ndarray
    log_weights: np.ndarray


class EntityNegatives:
    """Draws the classes of micro-batches.

    Args:
        size: number of rows of the vocabulary.
        negatives: number of draws for a micro-batch, besides its own targets. An entity that is drawn for two reasons counts
            once, so there may be fewer classes.
        same_type: share of the draws among entities that have a type in common with a target. Each distinct target with a type
            has an equal part; what cannot be drawn (a target without types, a rare type) is drawn from all entities.
        types: types of the entities; needed for a `same_type` above 0.
    """

    def __init__(self, size: int, negatives: int, same_type: float = 0.0, types: VocabularyTypes | None = None) -> None:
        self.size = size
        self.negatives = negatives
        self.same_type = same_type
        self.types = types
        if types is not None:
            rows = np.repeat(np.arange(len(types.counts)), types.counts)
            order = np.argsort(types.types, kind="stable")
            self._members = rows[order]  # rows of the vocabulary by type
            self._ends = np.searchsorted(types.types[order], np.arange(len(types.names) + 1))

    def draw(self, targets: np.ndarray, rng: np.random.Generator) -> SampledClasses:
        """Classes for `targets` (rows of the vocabulary, may repeat)."""
        own = np.unique(targets)
        never = np.zeros(self.size)  # log of the probability that a row is not drawn [rows]
        parts = [own]
        left = self.negatives
        for pool, count in self._of_types(own):
            parts.append(rng.choice(pool, size=count, replace=False, shuffle=False))
            never[pool] += _log_of_no_draw(count, len(pool))
            left -= count
        count = min(left, self.size - len(own))
        parts.append(_others(rng.choice(self.size - len(own), size=count, replace=False, shuffle=False), own))
        never += _log_of_no_draw(count, self.size - len(own))
        rows = np.unique(np.concatenate(parts)).astype(np.int64)
        probabilities = -np.expm1(never[rows])
        probabilities[np.searchsorted(rows, own)] = 1.0
        return SampledClasses(rows, -np.log(probabilities).astype(np.float32))

    def _of_types(self, own: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
        """Other entities with the types of each target, and the number of draws among them."""
        if self.types is None or not self.same_type:
            return
        typed = [row for row in own if row < len(self.types.counts) and self.types.counts[row]]
        part = int(self.negatives * self.same_type) // max(1, len(typed))
        for row in typed:
            members = [self._members[self._ends[kind] : self._ends[kind + 1]] for kind in self.types.of_row(int(row))]
            pool = np.setdiff1d(np.concatenate(members), own)
            if part and len(pool):
                yield pool, min(part, len(pool))


def _log_of_no_draw(count: int, size: int) -> float:
    """Logarithm of the probability that one of `size` entities is not among `count` that are drawn without replacement."""
    return float(np.log1p(-count / size)) if count < size else -np.inf


def _others(places: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Rows by their place among all rows but the `left_out` ones, which are sorted."""
    rows = places.copy()
    for row in left_out:
        rows += rows >= row
    return rows
