"""Sampled softmax over an entity vocabulary: the classes of a micro-batch, and the weights that make them stand for all.

The classes of a micro-batch are the entities of its targets and entities drawn at random. The softmax of a target needs the
sum of exp(score) over the vocabulary. It is estimated without bias by the sum over the classes, each divided by the probability
that it is a class (Horvitz and Thompson); a target of the micro-batch is one with probability 1. If every entity is a class,
the loss is that of the full softmax.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from loreweave.corpus.knowledge.entity_types import VocabularyTypes

_MOST_KEPT = 64
"""Maximum number of sets of types whose entities are kept."""


class SampledClasses(NamedTuple):
    """Classes of a micro-batch.

    Attributes:
        rows: rows of the entity table, sorted, each once. [classes]
        log_weights: what is added to each class's score: -log of its probability of being a class. [classes]
    """

    rows: np.ndarray
    log_weights: np.ndarray


@dataclass(frozen=True)
class _Members:
    """Rows of the entities with any of several types. They are two arrays, which are never merged: one may have millions.

    Attributes:
        largest: rows of the type with the most entities, ascending; not empty.
        more: rows of the other types that are not among them, ascending.
        places: place of each of `more` among all rows. [more]
    """

    largest: np.ndarray
    more: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, of_types: Sequence[np.ndarray]) -> _Members:
        """Union of the rows of types, which are ascending."""
        largest = max(of_types, key=len)
        more = np.unique(np.concatenate([largest[:0], *(rows for rows in of_types if rows is not largest)]))
        more = more[~_among(more, largest)]
        return cls(largest, more, np.searchsorted(largest, more) + np.arange(len(more)))

    @property
    def size(self) -> int:
        """Number of entities."""
        return len(self.largest) + len(self.more)

    def has(self, rows: np.ndarray) -> np.ndarray:
        """Which of `rows` are members. [rows]"""
        return _among(rows, self.largest) | _among(rows, self.more)

    def places_of(self, rows: np.ndarray) -> np.ndarray:
        """Places of members. [rows]"""
        return np.searchsorted(self.largest, rows) + np.searchsorted(self.more, rows)

    def at(self, places: np.ndarray) -> np.ndarray:
        """Rows at places. [places]"""
        before = np.searchsorted(self.places, places)  # number of `more` before each place
        rows = self.largest[(places - before).clip(max=len(self.largest) - 1)]
        inserted = _among(places, self.places)
        rows[inserted] = self.more[before[inserted]]
        return rows


class _Pool(NamedTuple):
    """Entities of which some are drawn for a target.

    Attributes:
        members: the entities with a type of the target, with targets of the micro-batch.
        own: places of these targets among the members, ascending.
        draws: number of draws among the others.
    """

    members: _Members
    own: np.ndarray
    draws: int

    @property
    def others(self) -> int:
        """Number of entities that can be drawn."""
        return self.members.size - len(self.own)


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
        self._kept: dict[tuple[int, ...], _Members] = {}
        if types is not None:
            counts = types.counts
            rows = np.repeat(np.arange(len(counts)), counts)
            order = np.argsort(types.types, kind="stable")
            self._typed = counts > 0  # [rows of the vocabulary]
            self._members = rows[order]  # rows of the vocabulary by type, ascending within a type
            self._ends = np.searchsorted(types.types[order], np.arange(len(types.names) + 1))

    def draw(self, targets: np.ndarray, rng: np.random.Generator) -> SampledClasses:
        """Classes for `targets` (rows of the vocabulary, may repeat)."""
        own = np.unique(targets)
        parts, left = [own], self.negatives
        pools = list(self._pools(own))
        for pool in pools:
            places = rng.choice(pool.others, size=pool.draws, replace=False, shuffle=False)
            parts.append(pool.members.at(_others(places, pool.own)))
            left -= pool.draws
        count = min(left, self.size - len(own))
        parts.append(_others(rng.choice(self.size - len(own), size=count, replace=False, shuffle=False), own))
        rows = np.unique(np.concatenate(parts)).astype(np.int64)
        never = np.zeros(len(rows))  # log of the probability that a row is not drawn [classes]
        for pool in pools:
            never[pool.members.has(rows)] += _log_of_no_draw(pool.draws, pool.others)
        never += _log_of_no_draw(count, self.size - len(own))
        probabilities = -np.expm1(never)
        probabilities[np.searchsorted(rows, own)] = 1.0
        return SampledClasses(rows, -np.log(probabilities).astype(np.float32))

    def _pools(self, own: np.ndarray) -> Iterator[_Pool]:
        """Entities with the types of each target, as far as there are others to draw."""
        if self.types is None or not self.same_type:
            return
        typed = own[own < len(self._typed)]
        typed = typed[self._typed[typed]]
        part = int(self.negatives * self.same_type) // max(1, len(typed))
        for row in typed:
            members = self._of_types(np.sort(self.types.of_row(int(row))))
            places = members.places_of(own[members.has(own)])
            count = min(part, members.size - len(places))
            if count:
                yield _Pool(members, places, count)

    def _of_types(self, kinds: np.ndarray) -> _Members:
        """Entities with any of the types. Those of the last sets of types are kept: many targets have the same ones."""
        key = tuple(kinds.tolist())
        if key not in self._kept:
            if len(self._kept) == _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = _Members.of([self._members[self._ends[kind] : self._ends[kind + 1]] for kind in key])
        return self._kept[key]


def _log_of_no_draw(count: int, size: int) -> float:
    """Logarithm of the probability that one of `size` entities is not among `count` that are drawn without replacement."""
    return float(np.log1p(-count / size)) if count < size else -np.inf


def _among(rows: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Which rows are among `members`, which are sorted. [rows]"""
    if not len(members):
        return np.zeros(len(rows), bool)
    return members[np.searchsorted(members, rows).clip(max=len(members) - 1)] == rows


def _others(places: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Rows by their place among all rows but the `left_out` ones, which are sorted."""
    return places + np.searchsorted(left_out - np.arange(len(left_out)), places, side="right")
