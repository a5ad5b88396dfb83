"""Triples of a graph as batches: the triples of a micro-step, their corruptions, and the texts that they need.

Everything depends only on (seed, item), as in the text stream: a resumed run has the same batches.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from torch import Tensor

from loreweave.corpus.graphs.knowledge_graph import HEAD, RELATION, TAIL
from loreweave.random_streams import entropy, stream
from loreweave.training.draws import Draws

Rows = TypeVar("Rows", np.ndarray, Tensor)
Sampling = Literal["triples", "neighbourhoods"]

_EDGES_PER_MEMBER = 64
"""Maximum number of an entity's neighbours that compete for a place in its batch, which limits the cost of hubs."""


_MOST_TRIPLES = 2**24
"""Exceeds the size of any micro-step, and keeps the keys of neighbourhoods distinct."""


class TrueTriples:
    """A set of triples with vectorised membership tests: sorted 64-bit keys, no Python objects.

    Args:
        triples: [triples, 3] rows of head, relation, tail.
    """

    def __init__(self, triples: np.ndarray, num_entities: int, num_relations: int) -> None:
        self.num_entities = num_entities
        self.num_relations = num_relations
        self.keys = np.unique(self.key(triples[:, HEAD].astype(np.int64), triples[:, RELATION], triples[:, TAIL]))

    def contains(self, heads: np.ndarray, relations: np.ndarray, tails: np.ndarray) -> np.ndarray:
        """Whether each triple is in the set; the arguments broadcast. bool"""
        keys = self.key(np.asarray(heads, dtype=np.int64), relations, tails)
        places = np.searchsorted(self.keys, keys)
        return self.keys[np.minimum(places, len(self.keys) - 1)] == keys

    def key(self, heads: Rows, relations: Rows, tails: Rows) -> Rows:
        """One number for each triple, of arrays or tensors with 64 bits."""
        return (heads * self.num_relations + relations) * self.num_entities + tails


class TripleBatch(NamedTuple):
    """Triples of a micro-step, each with its own number in the run."""

    triples: np.ndarray  # [triples, 3] int64
    keys: np.ndarray  # [triples] int64


class Corruption(NamedTuple):
    """Replacements of heads and tails, and those for which no false triple was found (kept true: masked)."""

    corrupted_heads: np.ndarray  # [triples, negatives]
    corrupted_tails: np.ndarray  # [triples, negatives]
    head_is_false: np.ndarray  # [triples, negatives] bool
    tail_is_false: np.ndarray  # [triples, negatives] bool


def corrupt(
    batch: TripleBatch, pool: np.ndarray | int, negatives: int, true: TrueTriples, seed: int, tries: int = 20
) -> Corruption:
    """Draw `negatives` entities per side so that the triple is not in `true` (KEPLER: filtered negatives).

    Every triple draws by its own key, so its negatives do not depend on the size of the batch.

    Args:
        pool: entities to draw from, or their number for all.
        tries: number of redraws of true triples, before an entity is marked.
    """
    shape = (len(batch.triples), 2, negatives)
    drawn, wrong = np.zeros(shape, dtype=np.int64), np.ones(shape, dtype=bool)
    head, relation, tail = (batch.triples[:, [column]] for column in (HEAD, RELATION, TAIL))  # each [triples, 1]
    for attempt in range(tries):
        again = np.flatnonzero(wrong.any((1, 2)))
        if not len(again):
            break
        offered = _draw(pool, batch.keys[again], shape[1:], seed, attempt)
        drawn[again] = np.where(wrong[again], offered, drawn[again])
        wrong[:, 0] = true.contains(drawn[:, 0], relation, tail)
        wrong[:, 1] = true.contains(head, relation, drawn[:, 1])
    return Corruption(drawn[:, 0], drawn[:, 1], ~wrong[:, 0], ~wrong[:, 1])


def _draw(pool: np.ndarray | int, keys: np.ndarray, shape: tuple[int, ...], seed: int, attempt: int) -> np.ndarray:
    """Entities for every key, each a hash of (seed, attempt, key, place): SplitMix64 (Steele et al. 2014). [keys, *shape]"""
    start = np.random.SeedSequence(entropy(seed, "corrupted triples", attempt)).generate_state(1, np.uint64)
    width = math.prod(shape)
    places = keys.astype(np.uint64)[:, None] * np.uint64(width) + np.arange(1, width + 1, dtype=np.uint64)
    bits: np.ndarray = start + places * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    size = pool if isinstance(pool, int) else len(pool)
    found = (bits % np.uint64(size)).astype(np.int64).reshape(len(keys), *shape)
    return found if isinstance(pool, int) else pool[found]


@dataclass(frozen=True)
class Neighbours:
    """Edges by entity, both directions: those of entity e are `edges[starts[e]:starts[e + 1]]`, rows of the triples."""

    starts: np.ndarray  # [entities + 1]
    edges: np.ndarray  # [2 * triples]

    @classmethod
    def of(cls, triples: np.ndarray, num_entities: int) -> Neighbours:
        """Index [triples, 3]."""
        ends = np.concatenate([triples[:, HEAD], triples[:, TAIL]])
        order = np.argsort(ends, kind="stable")
        starts = np.searchsorted(ends[order], np.arange(num_entities + 1))
        return cls(starts, (order % len(triples)).astype(np.int32))

    def edges_of(self, entity: int) -> np.ndarray:
        """Rows of the triples in which `entity` is head or tail."""
        return self.edges[self.starts[entity] : self.starts[entity + 1]]

    def degrees(self, entities: np.ndarray) -> np.ndarray:
        """Number of edges of entities. [entities]"""
        return np.asarray(self.starts[entities + 1] - self.starts[entities])


class TripleSampler:
    """The triples of each micro-step.

    `triples` takes `size` triples in an order that has each once per epoch. `neighbourhoods` begins at such a triple, adds
    the neighbours with the most edges into the current set, relative to their degree, until it has `size` entities, and uses
    **all** triples among them: a few texts have many triples.
    """

    def __init__(self, triples: np.ndarray, num_entities: int, *, size: int, sampling: Sampling, seed: int) -> None:
        self.triples = np.asarray(triples)
        ends = 0 if sampling == "triples" else len(np.unique(self.triples[:, [HEAD, TAIL]]))
        self.size = min(size, ends) if ends else size  # a neighbourhood cannot have more entities than there are
        self.seed = seed
        self.draws = Draws([len(self.triples)], seed)
        self.neighbours = Neighbours.of(self.triples, num_entities) if sampling == "neighbourhoods" else None

    @property
    def batches_per_epoch(self) -> int:
        """Number of micro-steps with every triple once; with neighbourhoods: that begin at every triple once."""
        return len(self.triples) if self.neighbours is not None else math.ceil(len(self.triples) / self.size)

    def __getitem__(self, item: int) -> TripleBatch:
        """Triples of one micro-step."""
        if self.neighbours is None:
            draws = np.arange(item * self.size, (item + 1) * self.size)
            _, rows = self.draws.rows(draws)
            return TripleBatch(self.triples[rows].astype(np.int64), draws)
        rng = stream(self.seed, "neighbourhoods", item)
        triples = self._among(self._grow(self.draws[item][1], rng))
        return TripleBatch(triples, item * _MOST_TRIPLES + np.arange(len(triples)))

    def _grow(self, start: int, rng: np.random.Generator) -> list[int]:
        """Entities of a neighbourhood, from one triple outwards."""
        members: dict[int, None] = {}
        links: Counter[int] = Counter()  # outside entity -> edges seen from members
        waiting = [int(self.triples[start, HEAD]), int(self.triples[start, TAIL])]
        while len(members) < self.size:
            if not waiting:
                waiting = [self._best(links, rng) if links else self._elsewhere(members, rng)]
            entity = waiting.pop(0)
            links.pop(entity, None)
            if entity in members:
                continue
            members[entity] = None
            links.update(n for n in self._around(entity, rng) if n not in members)
        return list(members)

    def _elsewhere(self, members: Mapping[int, None], rng: np.random.Generator) -> int:
        """An end of a random triple; of two the one that is no member, so that a hub does not stop the growth."""
        head, tail = self.triples[int(rng.integers(len(self.triples))), [HEAD, TAIL]].tolist()
        return int(tail if head in members else head)

    def _best(self, links: Counter[int], rng: np.random.Generator) -> int:
        """A neighbour with many edges into the current set, relative to its degree; otherwise hubs would be in every batch."""
        assert self.neighbours is not None
        entities, counts = np.fromiter(links, np.int64, len(links)), np.fromiter(links.values(), np.float64, len(links))
        weights = counts**2 / self.neighbours.degrees(entities)
        return int(rng.choice(entities, p=weights / weights.sum()))

    def _around(self, entity: int, rng: np.random.Generator) -> list[int]:
        assert self.neighbours is not None
        edges = self.neighbours.edges_of(entity)
        if len(edges) > _EDGES_PER_MEMBER:
            edges = rng.choice(edges, size=_EDGES_PER_MEMBER, replace=False)
        ends = self.triples[edges][:, [HEAD, TAIL]].ravel()
        return [int(end) for end in ends if end != entity]

    def _among(self, members: list[int]) -> np.ndarray:
        """All triples with both ends in `members`, each once."""
        assert self.neighbours is not None
        inside = np.sort(np.asarray(members))
        edges = np.unique(np.concatenate([self.neighbours.edges_of(entity) for entity in members]))
        found = self.triples[edges].astype(np.int64)
        return found[np.isin(found[:, HEAD], inside) & np.isin(found[:, TAIL], inside)]
