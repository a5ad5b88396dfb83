"""Own graphs as JSON Lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from graph_files import TABLES, write

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.corpus.graphs.tables import graph_tables
from loreweave.errors import DataError

Build = Callable[..., KnowledgeGraph]


def test_every_listed_entity_is_there(tmp_path: Path, build: Build) -> None:
    graph = build(graph_tables(write(tmp_path / "files", TABLES)))
    assert list(graph.entities) == [
        GraphEntity("Q1", "Oslo", "a city", ("Kristiania",), ("city",)),
        GraphEntity("Q2", "Norway"),
        GraphEntity("Q3"),
    ]
    assert graph.relations == (GraphRelation("P1", "capital of", "is the capital of"), GraphRelation("P2"))
    assert {split: rows.tolist() for split, rows in graph.triples.items()} == {
        "train": [[0, 0, 1]],
        "test": [[1, 1, 0]],
        "extra": [[0, 1, 1]],
    }
    assert list(graph.triples) == ["train", "test", "extra"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"label": "x"}', 'found no "id"'),
        ('{"id": ""}', 'found no "id"'),
        ('{"id": "Q\\ud83d"}', "field 'id': found 'Q.ud83d', expected whole characters without tabs and line breaks"),
        ('{"id": "Q\\n4"}', "field 'id': found 'Q.n4', expected whole characters without tabs and line breaks"),
        ('{"id": 3}', "field 'id': found 3, expected a string"),
        ('{"id": "Q4", "labels": "x"}', "found the field 'labels', expected id, label, description, aliases, types"),
        ('{"id": "Q4", "aliases": "x"}', "field 'aliases': found 'x', expected a list of strings"),
        ('{"id": "Q4", "label": null}', "field 'label': found null, expected a string"),
    ],
)
def test_wrong_rows(tmp_path: Path, build: Build, row: str, message: str) -> None:
    files = write(tmp_path / "files", TABLES | {"entities.jsonl": TABLES["entities.jsonl"] + row + "\n"})
    with pytest.raises(DataError, match=f"entities.jsonl, line 4: {message}"):
        build(graph_tables(files))
    graph = build(graph_tables(files), skip_bad=True)
    assert graph.num_entities == 3
    assert graph.manifest["left_out"] == {"malformed row of entities.jsonl": 1}


def test_an_entity_twice(tmp_path: Path, build: Build) -> None:
    files = write(tmp_path / "files", TABLES | {"entities.jsonl": TABLES["entities.jsonl"] + '{"id": "Q1"}\n'})
    with pytest.raises(DataError, match=r"entities.jsonl, line 4: found the entity 'Q1' a second time"):
        build(graph_tables(files))
    graph = build(graph_tables(files), skip_bad=True)
    assert graph.entities[0].label == "Oslo" and graph.manifest["left_out"] == {"second row of an entity": 1}


def test_wrong_ids_of_relations(tmp_path: Path, build: Build) -> None:
    files = write(tmp_path / "files", TABLES | {"relations.jsonl": TABLES["relations.jsonl"] + '{"id": "P\\r3"}\n'})
    with pytest.raises(DataError, match=r"relations.jsonl, line 3: field 'id': found 'P.r3'"):
        build(graph_tables(files))


def test_hidden_files_are_no_splits(tmp_path: Path, build: Build) -> None:
    files = write(tmp_path / "files", TABLES | {"triples/._train.tsv": "\x00\x05", "triples/.old.tsv.gz": ""})
    assert list(build(graph_tables(files)).triples) == ["train", "test", "extra"]


def test_names_of_splits(tmp_path: Path) -> None:
    files = write(tmp_path / "files", TABLES | {"triples/my train.tsv": "Q1\tP1\tQ2\n"})
    with pytest.raises(DataError, match=r"my train.tsv: found a split named 'my train', expected letters, digits, - and _"):
        graph_tables(files)


def test_missing_files(tmp_path: Path) -> None:
    files = write(tmp_path / "files", {name: TABLES[name] for name in ("entities.jsonl", "relations.jsonl")})
    with pytest.raises(DataError, match="found no triples/<split>.tsv"):
        graph_tables(files)
    write(files, {"triples/train.tsv": "", "triples/train.tsv.gz": ""})
    with pytest.raises(DataError, match=r"found train.tsv and train.tsv.gz, expected one of them"):
        graph_tables(files)
    (files / "relations.jsonl").unlink()
    with pytest.raises(DataError, match="found no relations.jsonl"):
        graph_tables(files)
