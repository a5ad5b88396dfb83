"""Splits: nothing that is asked was given away, and everything that must be seen is."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from graph_files import Build, write

from loreweave.corpus.graphs.splitting import Splitting, split_triples
from loreweave.corpus.graphs.triple_files import triples as triple_files
from loreweave.errors import ConfigurationError, DataError

ENTITIES, RELATIONS = 60, 5


def random_triples(seed: int = 0, count: int = 500) -> np.ndarray:
    random = np.random.default_rng(seed)
    heads, tails = random.integers(ENTITIES, size=(2, count)) % random.integers(1, ENTITIES + 1, size=(2, count))
    rows = np.stack([heads, random.integers(RELATIONS, size=count), tails], axis=1).astype(np.int32)
    inverse = rows[: count // 5, [2, 1, 0]]
    return np.concatenate([rows, inverse, rows[:30]])


def sets(splits: dict[str, np.ndarray]) -> dict[str, set[tuple[int, ...]]]:
    return {name: {tuple(row) for row in rows.tolist()} for name, rows in splits.items()}


def pairs(rows: np.ndarray) -> set[frozenset[int]]:
    return {frozenset((head, tail)) for head, _, tail in rows.tolist()}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_transductive_splits(seed: int) -> None:
    triples = random_triples(seed)
    splits, facts = split_triples(triples, ENTITIES, RELATIONS, Splitting((80, 10, 10), seed))
    found = sets(splits)
    distinct = {tuple(row) for row in triples.tolist()}
    assert set.union(*found.values()) == distinct and sum(map(len, splits.values())) == len(distinct)
    for name in ("valid", "test"):
        assert len(splits[name]) >= round(len(distinct) / 10)
        assert set(splits[name][:, [0, 2]].ravel()) <= set(splits["train"][:, [0, 2]].ravel())
        assert set(splits[name][:, 1]) <= set(splits["train"][:, 1])
    assert not pairs(splits["train"]) & (pairs(splits["valid"]) | pairs(splits["test"]))
    assert not pairs(splits["valid"]) & pairs(splits["test"])
    assert facts["repeated_triples_left_out"] == len(triples) - len(distinct) and facts["triples_kept_together"] > 0
    again, _ = split_triples(triples, ENTITIES, RELATIONS, Splitting((80, 10, 10), seed))
    assert sets(again) == found
    other, _ = split_triples(triples, ENTITIES, RELATIONS, Splitting((80, 10, 10), seed + 1))
    assert sets(other)["test"] != found["test"]


def test_a_smaller_test_is_part_of_a_larger_one() -> None:
    triples = random_triples()
    small, large = (
        sets(split_triples(triples, ENTITIES, RELATIONS, Splitting(shares))[0])["test"] for shares in ((90, 5, 5), (70, 10, 20))
    )
    assert small < large


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_inductive_splits(seed: int) -> None:
    triples = random_triples(seed)
    splits, facts = split_triples(triples, ENTITIES, RELATIONS, Splitting((80, 10, 10), seed, inductive=True))
    train, valid, test = (set(splits[name][:, [0, 2]].ravel()) for name in ("train", "valid", "test"))
    assert sum(map(len, splits.values())) == facts["distinct_triples"] == len({tuple(row) for row in triples.tolist()})
    for name in ("valid", "test"):
        assert all(head not in train or tail not in train for head, _, tail in splits[name].tolist())
        assert set(splits[name][:, 1]) <= set(splits["train"][:, 1])
    assert valid - train and test - train


def test_only_what_can_be_spared_is_asked() -> None:
    chain = np.array([[row, 0, row + 1] for row in range(9)])  # the first and the last entity have one triple
    splits, _ = split_triples(np.concatenate([chain, [[0, 0, 9]]]), 10, 1, Splitting((90, 0, 10)))
    assert set(splits) == {"train", "test"} and len(splits["test"]) == 1
    star = np.array([[0, 0, row] for row in range(1, 9)])
    with pytest.raises(DataError, match="no triple is left for valid.*every entity and relation"):
        split_triples(star, 9, 1, Splitting((80, 10, 10)))


def test_the_triples_of_a_large_graph_are_not_held_as_lists() -> None:
    random = np.random.default_rng(0)
    triples = random.integers(5000, size=(50_000, 3), dtype=np.int32)
    tracemalloc.start()
    try:
        splits, _ = split_triples(triples, 5000, 5000, Splitting((98, 1, 1)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(splits["test"]) == 500 and peak < 150 * len(triples)  # bytes; lists take more than 300 for each triple


@pytest.mark.parametrize("text", ["80/10", "80/10/20", "0/50/50", "80:10:10", "-80/90/90", "a/b/c"])
def test_wrong_shares_are_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--split: found .*80/10/10"):
        Splitting.parse(text)


def test_one_file_becomes_a_graph(build: Build, tmp_path: Path) -> None:
    rows = random_triples()
    text = "head,relation,tail\n" + "".join(f"e{head},r{relation},e{tail}\n" for head, relation, tail in rows.tolist())
    path = write(tmp_path, {"all.csv": text}) / "all.csv"
    graph = build(triple_files(path), splitting=Splitting.parse("80/10/10", seed=4))
    assert list(graph.triples) == ["train", "valid", "test"]
    assert graph.manifest["splitting"]["found"] == {name: len(found) for name, found in graph.triples.items()}
    assert graph.manifest["splits"]["test"]["with_unseen_entity"] == 0 and graph.manifest["splits"]["test"]["repeated"] == 0
    folder = write(tmp_path / "several", {"train.tsv": "a\tr\tb\n", "test.tsv": "b\tr\ta\n"})
    with pytest.raises(ConfigurationError, match="found the splits train, test already"):
        build(triple_files(folder), splitting=Splitting((80, 10, 10)))
