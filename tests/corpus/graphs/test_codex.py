"""CoDEx as published, and with its files side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from graph_files import CODEX, write

from loreweave.corpus.graphs.codex import codex
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.errors import DataError

Build = Callable[..., KnowledgeGraph]


def test_as_published(tmp_path: Path, build: Build) -> None:
    files = write(tmp_path / "data", CODEX)
    graph = build(codex(files / "triples" / "codex-s"))
    assert list(graph.entities) == [
        GraphEntity("Q1", "Oslo", "a city", (), ("city", "Q7")),  # a type without a label keeps its id
        GraphEntity("Q2", types=("Q7",)),
        GraphEntity("Q3"),
    ]
    assert graph.relations == (GraphRelation("P1", "capital", "seat"), GraphRelation("P2", "in"))
    assert list(graph.triples) == ["train", "valid", "test"]  # negatives are false
    assert graph.entities.have_text().tolist() == [True, False, False]


def test_in_another_language(tmp_path: Path, build: Build) -> None:
    folder = write(tmp_path / "data", CODEX) / "triples" / "codex-s"
    graph = build(codex(folder, language="de"))
    assert graph.relations == (GraphRelation("P1", "Hauptstadt", "Sitz"), GraphRelation("P2"))
    assert graph.entities[0] == GraphEntity("Q1", types=("Q515", "Q7"))
    with pytest.raises(DataError, match="found neither relations_fr.json beside it nor relations/fr/relations.json"):
        codex(folder, language="fr")


def test_side_by_side_with_a_table_of_labels(tmp_path: Path, build: Build) -> None:
    files = write(
        tmp_path / "data",
        {
            "codex-x/train.txt": "Q1\tP1\tQ2\n",
            "entity_labels_partial.tsv.gz": "Q2\tNorway\t\tsomewhere\nQ1\tOslo\ta city\telsewhere\n",
            "relations_en.json": CODEX["relations/en/relations.json"],
            "entity2types_sm.json": CODEX["types/entity2types.json"],
            "types_en.json": CODEX["types/en/types.json"],
        },
    )
    graph = build(codex(files / "codex-x"))
    assert list(graph.entities) == [
        GraphEntity("Q2", "Norway", "", (), ("Q7",)),
        GraphEntity("Q1", "Oslo", "a city", (), ("city", "Q7")),
    ]
    assert graph.manifest["published"] == {}
