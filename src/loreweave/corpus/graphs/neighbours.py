"""The neighbours of every entity of a graph in one table of equal rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from loreweave.corpus.graphs.knowledge_graph import HEAD, RELATION, TAIL


class NeighbourTable(NamedTuple):
    """At most `count` neighbours of each entity. Each [entities, count] int32"""

    entities: np.ndarray
    """The neighbour; -1 for an empty place. Empty places come last."""
    relations: np.ndarray
    """Relation of the triple; that number + the number of relations if the entity is the tail. 0 for an empty place."""

    @classmethod
    def of(cls, triples: np.ndarray, num_entities: int, num_relations: int, count: int) -> NeighbourTable:
        """Neighbours through `triples` [triples, 3], in both directions.

        Of an entity with more neighbours, some are chosen at random: always the same ones for the same triples. An entity is
        not its own neighbour. A neighbour through two triples has two places.
        """
        heads, tails = triples[:, HEAD].astype(np.int64), triples[:, TAIL].astype(np.int64)
        own, others = np.concatenate([heads, tails]), np.concatenate([tails, heads])
        relations = np.concatenate([triples[:, RELATION], triples[:, RELATION].astype(np.int64) + num_relations])
        edges = np.random.default_rng(0).permutation(len(own))
        edges = edges[own[edges] != others[edges]]
        edges = edges[np.argsort(own[edges], kind="stable")]
        starts = np.searchsorted(own[edges], np.arange(num_entities))
        places = np.arange(len(edges)) - starts[own[edges]]
        edges, places = edges[places < count], places[places < count]
        table = cls(np.full((num_entities, count), -1, np.int32), np.zeros((num_entities, count), np.int32))
        table.entities[own[edges], places] = others[edges]
        table.relations[own[edges], places] = relations[edges]
        return table
