"""Relations between pairs of entities of an entity vocabulary: from the triples of a graph, or from the entities' types."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.knowledge.entity_types import VocabularyTypes, reordered
from loreweave.corpus.knowledge.vocabulary_rows import ids_of_graph
from loreweave.random_streams import stream

NOT_A_RELATION = -1
"""Padding of the relations of a pair."""


@dataclass(frozen=True)
class PairRelations:
    """Relations of ordered pairs of different rows of a vocabulary.

    The pairs of a graph are in compressed rows: pair i is `keys[i]`, which is head * rows + tail, and its relations are
    `numbers[offsets[i] : offsets[i + 1]]`.

    Attributes:
        known: whether a row is in any pair [rows].
        relations: number of distinct relations.
        keys: the pairs of a graph, ascending [pairs].
        offsets: [pairs + 1]
        numbers: [sum of the numbers of relations of all pairs]
        types: types of the rows, whose ordered pairs are the relations; None for a graph.
    """

    known: np.ndarray
    relations: int
    keys: np.ndarray
    offsets: np.ndarray
    numbers: np.ndarray
    types: VocabularyTypes | None = None

    @classmethod
    def of_graph(cls, graph: KnowledgeGraph, triples: np.ndarray, vocabulary: EntityVocabulary) -> PairRelations:
        """Relations of `triples` [triples, 3] whose two entities the vocabulary has, as `vocabulary_ids` finds them."""
        rows = ids_of_graph(graph, vocabulary)
        heads, tails, relations = rows[triples[:, 0]], rows[triples[:, 2]], triples[:, 1].astype(np.int64)
        inside = (heads >= 0) & (tails >= 0) & (heads != tails)
        known = np.zeros(len(vocabulary), bool)
        known[heads[inside]] = known[tails[inside]] = True
        pairs, relations = heads[inside] * len(vocabulary) + tails[inside], relations[inside]
        order = np.lexsort((relations, pairs))
        pairs, relations = pairs[order], relations[order]
        new = np.ones(len(pairs), bool)
        new[1:] = (np.diff(pairs) != 0) | (np.diff(relations) != 0)
        keys, counts = np.unique(pairs[new], return_counts=True)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return cls(known, len(np.unique(relations)), keys, offsets, relations[new])

    @classmethod
    def of_types(cls, types: VocabularyTypes) -> PairRelations:
        """Each ordered pair of types is a relation."""
        nothing = np.empty(0, np.int64)
        return cls(types.counts > 0, len(types.names) ** 2, nothing, np.zeros(1, np.int64), nothing, types)

    def related(self, heads: np.ndarray, tails: np.ndarray) -> np.ndarray:
        """Whether pairs of rows have a relation; a pair of a row with itself has none. [pairs]"""
        if self.types is not None:
            found = self.known[heads] & self.known[tails]
        else:
            keys = heads * len(self.known) + tails
            ends = np.searchsorted(self.keys, keys, side="right")
            found = ends > np.searchsorted(self.keys, keys)
        return found & (heads != tails)

    def of(self, heads: np.ndarray, tails: np.ndarray) -> np.ndarray:
        """Numbers of the relations of pairs of rows, padded with -1. [pairs, most relations of one of them, at least 1]"""
        related = self.related(heads, tails)
        rows = [self._of_pair(*pair) for pair in zip(heads[related], tails[related], strict=True)]
        found = np.full((len(heads), max([1, *map(len, rows)])), NOT_A_RELATION)
        for place, numbers in zip(np.flatnonzero(related), rows, strict=True):
            found[place, : len(numbers)] = numbers
        return found

    def _of_pair(self, head: int, tail: int) -> np.ndarray:
        """Numbers of the relations of a pair that has some."""
        if self.types is not None:
            return np.add.outer(self.types.of_row(head) * len(self.types.names), self.types.of_row(tail)).ravel()
        place = np.searchsorted(self.keys, head * len(self.known) + tail)
        return self.numbers[self.offsets[place] : self.offsets[place + 1]]

    def shuffled(self, seed: int) -> PairRelations:
        """A control without knowledge, which has as many targets: the same pairs, each with the relations of a random other
        pair; or the types of random other entities."""
        if self.types is not None:
            return self.of_types(self.types.shuffled(seed))
        order = stream(seed, "shuffled knowledge").permutation(len(self.keys))
        offsets, numbers = reordered(self.offsets, self.numbers, order)
        return replace(self, offsets=offsets, numbers=numbers)

    def summary(self) -> str:
        """How many entities and relations there are."""
        entities = counted(int(self.known.sum()), "entity", "entities")
        if self.types is not None:
            return f"{entities} with types; pairs of the same two types have the same relation"
        return f"{counted(len(self.keys), 'pair')} of {entities} in {counted(self.relations, 'relation')}"
