"""Which triples a protocol asks, among which entities, and what it filters."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.link_prediction.reader import PROTOCOLS, newness, read, without_unseen
from loreweave.tasks.link_prediction.settings import ProtocolName

TRIPLES = {
    "train": [[0, 0, 1], [1, 0, 2], [0, 0, 2]],
    "valid": [[2, 0, 0]],
    "test": [[0, 0, 3], [1, 1, 0], [3, 0, 6]],
    "inductive_train": [[4, 0, 5]],
    "inductive_test": [[5, 0, 4]],
    "hard_test": [[1, 0, 0]],
}


@pytest.fixture
def small() -> KnowledgeGraph:
    entities = [GraphEntity(f"Q{row}") for row in range(7)]
    return KnowledgeGraph.from_parts(entities, [GraphRelation("P0"), GraphRelation("P1")], TRIPLES)


@pytest.mark.parametrize(
    ("protocol", "split", "candidates", "known"),
    [
        ("transductive", None, range(7), list(TRIPLES)),
        ("blp", None, range(7), list(TRIPLES)),
        ("kepler-inductive", None, [0, 1, 3, 6], ["test"]),
        ("kepler-inductive", "inductive_test", [4, 5], ["inductive_test"]),
        ("grail", None, [4, 5], ["inductive_train", "inductive_test"]),
        ("grail", "hard_test", [0, 1, 2, 3, 6], ["train", "valid", "test", "hard_test"]),
    ],
)
def test_candidates_and_filter(
    small: KnowledgeGraph, protocol: ProtocolName, split: str | None, candidates: list[int], known: list[str]
) -> None:
    data = read(small, protocol, split)
    assert data.candidates.tolist() == list(candidates)
    assert list(data.known) == known
    assert [len(part) for part in data.known_triples] == [len(TRIPLES[name]) for name in known]
    assert data.split == (split or PROTOCOLS[protocol].split)
    assert data.triples.tolist() == TRIPLES[data.split]


def test_what_training_never_saw(small: KnowledgeGraph) -> None:
    data = read(small)
    assert data.seen.tolist() == [True, True, True, False, False, False, False]
    assert data.is_unseen.tolist() == [True, False, True]
    assert data.has_unseen_relation.tolist() == [False, True, False]
    assert newness(data).tolist() == ["tail", "none", "both"]
    assert without_unseen(data, "skip").tolist() == [False, True, False]
    assert without_unseen(data, "worst").all() and without_unseen(data, "encode").all()
    with pytest.raises(DataError, match="nothing to score: 1 triple, each with"):
        without_unseen(read(small, "grail"), "skip")


def test_degrees_are_those_of_the_graph_that_is_given(small: KnowledgeGraph) -> None:
    assert read(small).degrees.tolist() == [2, 2, 2, 0, 0, 0, 0]
    assert read(small, "grail").degrees.tolist() == [0, 0, 0, 0, 1, 1, 0]
    without_train = KnowledgeGraph.from_parts(small.entities, small.relations, {"test": TRIPLES["test"]})
    assert not read(without_train).degrees.any() and not read(without_train).seen.any()


def test_wrong_splits(small: KnowledgeGraph) -> None:
    with pytest.raises(ConfigurationError, match="setting 'split': the graph has no 'tset'; did you mean 'test'"):
        read(small, split="tset")
    empty = KnowledgeGraph.from_parts(small.entities, small.relations, {"test": np.zeros((0, 3), np.int32)})
    with pytest.raises(DataError, match="field 'test': found no triples"):
        read(empty)
