"""Triples as batches: filtered corruption, neighbourhoods, and order that repeats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loreweave.objectives.triples import Neighbours, TripleBatch, TripleSampler, TrueTriples, corrupt

STAR = np.array([[0, 0, 1], [0, 0, 2], [0, 1, 3], [3, 1, 0], [4, 0, 5]])


def random_graph(seed: int, entities: int = 40, relations: int = 3, triples: int = 120) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.integers(entities, size=triples), rng.integers(relations, size=triples)], axis=1)
    return np.unique(np.column_stack([rows, rng.integers(entities, size=triples)]), axis=0)


def numbered(triples: np.ndarray) -> TripleBatch:
    return TripleBatch(triples, np.arange(len(triples)))


def test_membership_is_of_whole_triples() -> None:
    true = TrueTriples(STAR, 6, 2)
    assert true.contains(np.array([0, 0, 3, 5]), np.array([0, 1, 1, 0]), np.array([2, 2, 0, 4])).tolist() == [
        True,
        False,
        True,
        False,
    ]


@given(st.integers(0, 50), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_corruption_never_makes_a_true_triple(seed: int, negatives: int) -> None:
    triples = random_graph(seed)
    true = TrueTriples(triples, 40, 3)
    out = corrupt(numbered(triples), 40, negatives, true, seed)
    heads, relations, tails = (triples[:, [i]] for i in range(3))
    assert not true.contains(out.corrupted_heads, relations, tails)[out.head_is_false].any()
    assert not true.contains(heads, relations, out.corrupted_tails)[out.tail_is_false].any()
    assert out.head_is_false.all() and out.tail_is_false.all()  # 40 entities leave room for false ones


def test_what_cannot_be_corrupted_is_marked() -> None:
    full = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0]])  # of the pool {0, 1} every tail of head 0 is true
    out = corrupt(numbered(full[:1]), np.array([0, 1]), 2, TrueTriples(full, 2, 1), 0)
    assert not out.tail_is_false.any() and not out.head_is_false.any()


def test_negatives_do_not_depend_on_the_batch() -> None:
    triples = random_graph(4)
    true, batch = TrueTriples(triples, 40, 3), numbered(triples)
    whole = corrupt(batch, 40, 3, true, 5).corrupted_tails
    part = corrupt(TripleBatch(triples[10:20], batch.keys[10:20]), 40, 3, true, 5).corrupted_tails
    assert np.array_equal(whole[10:20], part)


def test_corruption_draws_from_the_pool() -> None:
    out = corrupt(numbered(STAR), np.array([4, 5]), 8, TrueTriples(STAR, 6, 2), 0)
    assert set(np.unique(out.corrupted_heads)) <= {4, 5} and set(np.unique(out.corrupted_tails)) <= {4, 5}


def test_corruption_draws_evenly_and_anew_for_every_triple_place_and_seed() -> None:
    nothing_true = TrueTriples(np.array([[100, 0, 100]]), 101, 1)
    batch = TripleBatch(np.zeros((2_000, 3), np.int64), np.arange(2_000) * 2**24)
    drawn = [corrupt(batch, 10, 4, nothing_true, seed) for seed in (0, 1)]
    for columns in (drawn[0].corrupted_heads, drawn[0].corrupted_tails, drawn[1].corrupted_heads):
        assert np.abs(np.bincount(columns.ravel(), minlength=10) / columns.size - 0.1).max() < 0.015  # 4 standard errors
    first, tails, other = drawn[0].corrupted_heads, drawn[0].corrupted_tails, drawn[1].corrupted_heads
    for a, b in ((first, tails), (first, other), (first[:, :-1], first[:, 1:]), (first[:-1], first[1:])):
        assert abs((a == b).mean() - 0.1) < 0.02


def test_edges_of_an_entity_go_both_ways() -> None:
    neighbours = Neighbours.of(STAR, 6)
    assert sorted(neighbours.edges_of(0).tolist()) == [0, 1, 2, 3]
    assert sorted(neighbours.edges_of(3).tolist()) == [2, 3]
    assert neighbours.edges_of(5).tolist() == [4]


def test_an_epoch_of_triples_shows_each_once() -> None:
    sampler = TripleSampler(STAR, 6, size=1, sampling="triples", seed=3)
    shown = np.concatenate([sampler[item].triples for item in range(sampler.batches_per_epoch)])
    assert sorted(map(tuple, shown)) == sorted(map(tuple, STAR))


def test_a_neighbourhood_has_all_triples_among_its_entities() -> None:
    triples = random_graph(1)
    sampler = TripleSampler(triples, 40, size=10, sampling="neighbourhoods", seed=0)
    for item in range(5):
        batch = sampler[item].triples
        inside = set(np.unique(batch[:, [0, 2]]).tolist())
        assert 2 <= len(inside) <= 10
        among = [tuple(t) for t in triples if t[0] in inside and t[2] in inside]
        assert sorted(map(tuple, batch)) == sorted(among)


def test_neighbourhoods_carry_more_triples_a_text() -> None:
    triples = random_graph(2, entities=60, triples=400)
    near = TripleSampler(triples, 60, size=12, sampling="neighbourhoods", seed=0)
    per_text = [len(batch) / len(np.unique(batch[:, [0, 2]])) for batch in (near[i].triples for i in range(20))]
    apart = TripleSampler(triples, 60, size=12, sampling="triples", seed=0)
    alone = [len(batch) / len(np.unique(batch[:, [0, 2]])) for batch in (apart[i].triples for i in range(20))]
    assert np.mean(per_text) > 1.5 * np.mean(alone)


def test_a_hub_is_not_in_every_neighbourhood() -> None:
    rng = np.random.default_rng(0)
    pages = np.arange(1, 401)
    spokes = np.stack([np.zeros_like(pages), np.zeros_like(pages), pages], axis=1)  # entity 0 is linked to all
    ends = rng.integers(20, size=(2, 3_000)) + 20 * rng.integers(20, size=3_000) + 1  # in groups of 20
    triples = np.concatenate([spokes, np.stack([ends[0], np.ones_like(ends[0]), ends[1]], axis=1)])
    sampler = TripleSampler(triples, 401, size=16, sampling="neighbourhoods", seed=0)
    apart = [item for item in range(400, 500) if 0 not in sampler.triples[sampler.draws[item][1]]]
    assert np.mean([0 in sampler[item].triples for item in apart]) < 0.5


def test_batches_depend_on_seed_and_item_alone() -> None:
    triples = random_graph(3)
    for sampling in ("triples", "neighbourhoods"):
        first = TripleSampler(triples, 40, size=8, sampling=sampling, seed=1)
        _ = first[0]
        second = TripleSampler(triples, 40, size=8, sampling=sampling, seed=1)
        assert np.array_equal(first[7].triples, second[7].triples)
        other = TripleSampler(triples, 40, size=8, sampling=sampling, seed=2)
        assert not np.array_equal(first[7].triples, other[7].triples)


def test_a_neighbourhood_wants_no_more_entities_than_have_triples() -> None:
    apart = np.array([[0, 0, 1], [1, 0, 2]])
    sampler = TripleSampler(apart, 4, size=4, sampling="neighbourhoods", seed=0)  # entity 3 is in no triple
    assert sorted(map(tuple, sampler[0].triples)) == [(0, 0, 1), (1, 0, 2)]


def test_a_graph_smaller_than_the_batch_is_taken_whole() -> None:
    sampler = TripleSampler(STAR, 6, size=50, sampling="neighbourhoods", seed=0)
    assert sorted(map(tuple, sampler[0].triples)) == sorted(map(tuple, STAR))


@pytest.mark.parametrize(("hubs", "tails", "size"), [(1, 200, 100), (1, 200, 201), (5, 80, 330), (5, 80, 405)])
def test_hubs_do_not_stop_a_neighbourhood(hubs: int, tails: int, size: int) -> None:
    """Only some edges of a hub are offered, and all heads are soon members."""
    triples = np.array([[hub, 0, hubs + hub * tails + tail] for hub in range(hubs) for tail in range(tails)])
    sampler = TripleSampler(triples, hubs * (tails + 1), size=size, sampling="neighbourhoods", seed=0)
    assert len(np.unique(sampler[0].triples[:, [0, 2]])) == size
