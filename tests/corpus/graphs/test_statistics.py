"""Counts of splits, computed by hand and by sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.graphs.statistics import SplitStatistics, _keys, each_once, split_statistics

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 4)), max_size=12)


def as_array(rows: list[tuple[int, int, int]]) -> np.ndarray:
    return np.array(rows, np.int32).reshape(-1, 3)


def test_counts_by_hand() -> None:
    train = as_array([(0, 0, 1), (0, 0, 1), (1, 1, 2)])
    test = as_array([(0, 0, 1), (3, 0, 0), (3, 2, 3), (1, 0, 0)])
    found = split_statistics({"test": test, "train": train}, 5, ["P0", "P1", "P2"])
    assert list(found) == ["test", "train"]
    assert found["train"] == SplitStatistics(3, 3, 2, 1, 0, 0, 0, 0, ())
    assert found["test"] == SplitStatistics(
        triples=4,
        entities=3,
        relations=2,
        repeated=0,
        also_in_train=1,
        with_unseen_entity=2,
        unseen_entities=1,
        with_unseen_relation=1,
        unseen_relations=("P2",),
        joined_in_train=1,
    )


def test_a_graph_without_training_has_seen_nothing() -> None:
    found = split_statistics({"test": as_array([(0, 0, 1)])}, 2, ["P0"])["test"]
    assert (found.with_unseen_entity, found.unseen_entities, found.unseen_relations) == (1, 2, ("P0",))
    assert split_statistics({}, 0, []) == {}


@given(train=ROWS, test=ROWS)
def test_repetitions_are_those_of_sets(train: list[tuple[int, int, int]], test: list[tuple[int, int, int]]) -> None:
    found = split_statistics({"train": as_array(train), "test": as_array(test)}, 5, ["a", "b", "c"])
    assert found["train"].repeated == len(train) - len(set(train))
    assert found["test"].repeated == len(test) - len(set(test))
    assert found["test"].also_in_train == sum(triple in set(train) for triple in test)
    joined = {frozenset((head, tail)) for head, _, tail in train}
    both = [triple for triple in test if frozenset((triple[0], triple[2])) in joined]
    assert found["test"].joined_in_train == sum(triple not in set(train) for triple in both)
    seen = {entity for head, _, tail in train for entity in (head, tail)}
    assert found["test"].with_unseen_entity == sum(not {head, tail} <= seen for head, _, tail in test)


def test_large_row_numbers_do_not_overflow() -> None:
    entities = 2**31 - 1
    last = entities - 1
    rows = as_array([(last, 1, last), (last, 1, last - 1), (last, 1, last)])
    keys = _keys({"train": rows}, entities, 2**20)["train"]
    assert keys[0] == keys[2] != keys[1] and (keys >= 0).all()


@given(ROWS)
def test_of_equal_triples_the_first_stays(rows: list[tuple[int, int, int]]) -> None:
    found = each_once(as_array(rows))
    assert found.dtype == np.int32 and [tuple(row) for row in found.tolist()] == list(dict.fromkeys(rows))
