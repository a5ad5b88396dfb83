"""The table of neighbours against lists written by hand, and against a search through all triples."""

from __future__ import annotations

import numpy as np

from loreweave.corpus.graphs.neighbours import NeighbourTable


def pairs(table: NeighbourTable, entity: int) -> list[tuple[int, int]]:
    """Neighbours and relations of an entity, in order."""
    there = table.entities[entity] >= 0
    return sorted(zip(table.entities[entity][there].tolist(), table.relations[entity][there].tolist(), strict=True))


def test_both_directions_by_hand() -> None:
    """Relations 0 and 1; 2 and 3 are the same for a tail. Entity 3 has none, and is not its own neighbour."""
    triples = np.array([[0, 0, 1], [0, 1, 1], [2, 1, 0], [3, 0, 3]], np.int32)
    table = NeighbourTable.of(triples, num_entities=4, num_relations=2, count=5)
    assert [pairs(table, entity) for entity in range(4)] == [[(1, 0), (1, 1), (2, 3)], [(0, 2), (0, 3)], [(0, 1)], []]
    assert table.entities.shape == table.relations.shape == (4, 5)
    assert table.entities[0, 3:].tolist() == [-1, -1] and not table.relations[0, 3:].any()


def test_some_of_many_neighbours_are_chosen() -> None:
    random = np.random.default_rng(1)
    triples = np.unique(np.stack([random.integers(n, size=300) for n in (20, 3, 20)], axis=1), axis=0)
    triples = triples[triples[:, 0] != triples[:, 2]]
    whole, some = (NeighbourTable.of(triples, 20, 3, count) for count in (300, 4))
    for entity in range(20):
        expected = [(t, r) for h, r, t in triples.tolist() if h == entity]
        expected += [(h, r + 3) for h, r, t in triples.tolist() if t == entity]
        assert pairs(whole, entity) == sorted(expected)
        assert len(pairs(some, entity)) == 4 and set(pairs(some, entity)) < set(expected)
    assert len({relation for entity in range(20) for _, relation in pairs(some, entity)}) == 6
    again = NeighbourTable.of(triples, 20, 3, 4)
    assert np.array_equal(some.entities, again.entities) and np.array_equal(some.relations, again.relations)


def test_a_graph_without_triples() -> None:
    assert (NeighbourTable.of(np.zeros((0, 3), np.int32), 3, 1, 2).entities == -1).all()
