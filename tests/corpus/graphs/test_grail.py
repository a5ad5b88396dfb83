"""GraIL's two halves as one graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from graph_files import GRAIL, write

from loreweave.corpus.graphs.grail import grail
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.corpus.graphs.source import with_texts_of
from loreweave.errors import DataError

Build = Callable[..., KnowledgeGraph]


def test_both_halves_share_relations_and_no_entity(tmp_path: Path, build: Build) -> None:
    graph = build(grail(write(tmp_path / "data", GRAIL) / "toy_v1"))
    assert list(graph.entity_ids) == ["a", "b", "c", "x", "y"]
    assert {split: rows.tolist() for split, rows in graph.triples.items()} == {
        "train": [[0, 0, 1], [1, 1, 2]],
        "valid": [[0, 1, 2]],
        "test": [[2, 0, 0]],
        "inductive_train": [[3, 0, 4]],
        "inductive_valid": [[4, 1, 3]],
        "inductive_test": [[4, 0, 3]],
    }
    assert graph.manifest["splits"]["inductive_test"]["with_unseen_entity"] == 1
    assert graph.manifest["splits"]["inductive_test"]["unseen_relations"] == []
    assert graph.manifest["source"]["name"] == "toy_v1"
    assert {name for name in graph.manifest["source"]["files"] if name.endswith("train.txt")} == {
        "toy_v1/train.txt", "toy_v1_ind/train.txt",
    }  # fmt: skip


def test_texts_come_from_the_whole_graph(tmp_path: Path, build: Build) -> None:
    whole = KnowledgeGraph.from_parts(
        [GraphEntity(id, id.upper(), f"about {id}") for id in "zyxcba"], [GraphRelation("s", "S"), GraphRelation("r", "R")], {}
    )
    graph = build(with_texts_of(grail(write(tmp_path / "data", GRAIL) / "toy_v1"), whole))
    assert list(graph.entity_ids) == ["y", "x", "c", "b", "a"]
    assert graph.entities.have_text().all()
    assert graph.relations == (GraphRelation("r", "R"), GraphRelation("s", "S"))


def test_the_other_half_must_be_there(tmp_path: Path) -> None:
    files = write(tmp_path / "data", {name: text for name, text in GRAIL.items() if "_ind" not in name})
    with pytest.raises(DataError, match="found no folder toy_v1_ind next to it"):
        grail(files / "toy_v1")
    with pytest.raises(DataError, match="found the inductive half, expected toy_v1 next to it"):
        grail(files / "toy_v1_ind")
