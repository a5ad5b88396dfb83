"""Relations between pairs of entities of an entity vocabulary: from the triples of a graph, or from the entities' types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.knowledge.entity_types import VocabularyTypes
from loreweave.corpus.knowledge.vocabulary_rows import vocabulary_ids


@dataclass(frozen=True)
class PairRelations:
    """Relations of ordered pairs of rows of a vocabulary.

    Attributes:
        known: whether a row is in any pair [rows].
        width: maximum number of relations of a pair.
        relations: number of distinct relations.
        pairs: (head, tail) -> numbers of their relations; None if types give the relations.
        types: types of the rows, whose ordered pairs are the relations; None if `pairs` has them.
    """

    known: np.ndarray
    width: int
    relations: int
    pairs: dict[tuple[int, int], tuple[int, ...]] | None = None
    types: VocabularyTypes | None = None

    @classmethod
    def of_graph(cls, graph: KnowledgeGraph, triples: np.ndarray, vocabulary: EntityVocabulary) -> PairRelations:
        """Relations of `triples` [triples, 3] whose two entities the vocabulary has, as `vocabulary_ids` finds them."""
        rows = vocabulary_ids(graph.entities, vocabulary)
        heads, tails = rows[triples[:, 0]], rows[triples[:, 2]]
        inside = (heads >= 0) & (tails >= 0) & (heads != tails)
        found: dict[tuple[int, int], dict[int, None]] = {}
        for head, relation, tail in zip(heads[inside], triples[inside, 1], tails[inside], strict=True):
            found.setdefault((int(head), int(tail)), {})[int(relation)] = None
        known = np.zeros(len(vocabulary), bool)
        known[heads[inside]] = known[tails[inside]] = True
        width = max(map(len, found.values()), default=0)
        relations = len(np.unique(triples[inside, 1]))
        return cls(known, width, relations, {pair: tuple(names) for pair, names in found.items()})

    @classmethod
    def of_types(cls, types: VocabularyTypes) -> PairRelations:
        """Each ordered pair of types is a relation."""
        most = int(types.counts.max(initial=0))
        return cls(types.counts > 0, most * most, len(types.names) ** 2, types=types)

    def of(self, head: int, tail: int) -> Iterable[int]:
        """Numbers of the relations of a pair of rows; none if it has none."""
        if self.pairs is not None:
            return self.pairs.get((head, tail), ())
        assert self.types is not None
        count = len(self.types.names)
        return [int(one) * count + int(other) for one in self.types.of_row(head) for other in self.types.of_row(tail)]

    def shuffled(self, seed: int) -> PairRelations:
        """The same relations among the same rows, each row in the place of a random other one: a control without knowledge."""
        if self.types is not None:
            return self.of_types(self.types.shuffled(seed))
        assert self.pairs is not None
        rows = np.flatnonzero(self.known)
        other = dict(zip(rows.tolist(), np.random.default_rng([seed, 0]).permutation(rows).tolist(), strict=True))
        pairs = {(other[head], other[tail]): names for (head, tail), names in self.pairs.items()}
        return PairRelations(self.known, self.width, self.relations, pairs)

    def summary(self) -> str:
        """How many entities and relations there are."""
        entities = counted(int(self.known.sum()), "entity", "entities")
        if self.pairs is None:
            return f"{entities} with types; pairs of the same two types have the same relation"
        return f"{counted(len(self.pairs), 'pair')} of {entities} in {counted(self.relations, 'relation')}"
