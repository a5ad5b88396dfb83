"""Wikidata5M's files with their peculiarities."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from graph_files import WIKIDATA5M, write

from loreweave.corpus.graphs.building import GraphPolicy, build_graph, differences_from_published
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.corpus.graphs.wikidata5m import wikidata5m
from loreweave.errors import ConfigurationError, DataError

Build = Callable[..., KnowledgeGraph]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write(tmp_path / "files", WIKIDATA5M)


def test_transductive(files: Path, build: Build) -> None:
    graph = build(wikidata5m(files))
    assert list(graph.entities) == [
        GraphEntity("Q3", "three", "Third \t with a tab."),
        GraphEntity("Q1", "one", "First, é.", ("uno", "one")),
        GraphEntity("Q5"),
        GraphEntity("Q4", "four", "", ("vier",)),
        GraphEntity("Q2"),
    ]  # in the order of the text file, then the names, then the triples; Q98 and Q99 are in no triple
    assert graph.relations == (GraphRelation("P2", "parent"), GraphRelation("P1", "child"), GraphRelation("P2439"))
    assert {split: rows.tolist() for split, rows in graph.triples.items()} == {
        "train": [[1, 0, 4], [4, 1, 1], [0, 2, 1], [1, 0, 4]],
        "valid": [[1, 1, 3]],
        "test": [[2, 1, 1], [4, 1, 1]],
    }


def test_the_manifest_says_what_is_there_and_what_is_not(files: Path, build: Build) -> None:
    manifest = build(wikidata5m(files)).manifest
    assert manifest["text"] == {
        "entities": {
            "label": 3, "description": 2, "aliases": 2, "types": 0, "title": 0, "without_text": 2,
            "first_without_text": ["Q5", "Q2"],
        },
        "relations": {"label": 2, "description": 0, "without_text": 1, "first_without_text": ["P2439"]},
    }  # fmt: skip
    assert manifest["left_out"] == {"texts and names of ids without triples": 3}
    splits = {split: dict(counts) for split, counts in manifest["splits"].items()}
    assert splits["train"]["repeated"] == 1
    assert (splits["valid"]["with_unseen_entity"], splits["test"]["with_unseen_entity"]) == (1, 1)
    assert splits["test"]["also_in_train"] == 1
    assert manifest["source"]["setting"] == "transductive"
    assert set(manifest["source"]["files"]) == {f"files/{name}" for name in WIKIDATA5M if "inductive" not in name}
    differences = differences_from_published(manifest)
    assert differences["train"] == (4, 20_614_279) and differences["entities"] == (5, 4_594_485)


def test_inductive(files: Path, build: Build) -> None:
    graph = build(wikidata5m(files, "inductive"))
    assert {split: len(rows) for split, rows in graph.triples.items()} == {"train": 1, "valid": 1, "test": 1}
    assert sorted(graph.entity_ids) == ["Q1", "Q2", "Q3", "Q4", "Q5", "Q6"]
    assert graph.manifest["splits"]["test"]["unseen_relations"] == ["P3"]
    assert graph.manifest["splits"]["test"]["with_unseen_entity"] == 1
    with pytest.raises(ConfigurationError, match="found the setting 'both', expected transductive or inductive"):
        wikidata5m(files, "both")


def test_relations_may_be_described_from_elsewhere(files: Path, tmp_path: Path, build: Build) -> None:
    texts = write(tmp_path, {"relations.tsv": "P2439\tlanguage of the work\nP1\thas as child\n"}) / "relations.tsv"
    graph = build(wikidata5m(files, relation_descriptions=texts))
    assert graph.relations[1:] == (
        GraphRelation("P1", "child", "has as child"),
        GraphRelation("P2439", "", "language of the work"),
    )


def test_files_of_names_may_be_absent_the_others_not(files: Path, build: Build) -> None:
    (files / "wikidata5m_entity.txt").unlink()
    (files / "wikidata5m_relation.txt").unlink()
    graph = build(wikidata5m(files))
    assert not any(graph.entity_labels) and graph.entities[1].description == "First, é."
    (files / "wikidata5m_text.txt.gz").unlink()
    with pytest.raises(DataError, match=r"found no wikidata5m_text.txt \(nor one with .gz, .xz, .bz2\)"):
        wikidata5m(files)


def test_archives_are_to_be_unpacked_first(tmp_path: Path) -> None:
    (tmp_path / "wikidata5m_transductive.tar.gz").touch()
    with pytest.raises(DataError, match=re.escape("unpack it first (tar xzf wikidata5m_transductive.tar.gz)")):
        wikidata5m(tmp_path)


@pytest.mark.parametrize(
    ("name", "added", "reason", "message"),
    [
        ("wikidata5m_entity.txt", "Q1\tother\n", "second row of names", r"line 6: found names of 'Q1' a second time"),
        ("wikidata5m_text.txt", "Q1\tx\nQ1\ty\n", "second row of an entity", r"line 2: found the entity 'Q1' a second time"),
        ("wikidata5m_relation.txt", "P1\tx\n", "second row of names", r"line 4: found names of 'P1' a second time"),
        ("wikidata5m_text.txt", "Q1\tx\nrest of it\n", "malformed text", r"line 2: found 'rest of it'"),
        ("wikidata5m_transductive_valid.txt", "Q1\tP1\n", "malformed triple", r"line 2: found 'Q1\\tP1'"),
    ],
)
def test_wrong_rows_stop_the_build_or_are_counted_and_listed(
    files: Path, tmp_path: Path, name: str, added: str, reason: str, message: str
) -> None:
    if name == "wikidata5m_text.txt":
        (files / "wikidata5m_text.txt.gz").unlink()
    path = files / name
    path.write_text((path.read_text() if path.exists() else "") + added)
    with pytest.raises(DataError, match=f"{name}, {message}"):
        build_graph(wikidata5m(files), tmp_path / "graph")
    assert not (tmp_path / "graph").exists()
    manifest = build_graph(wikidata5m(files), tmp_path / "graph", GraphPolicy(skip_bad=True))
    assert manifest["left_out"][reason] == 1
    assert (tmp_path / "graph" / "left_out.jsonl").read_text().count("\n") == 1
    assert KnowledgeGraph.load(tmp_path / "graph", verify=True).manifest == manifest
