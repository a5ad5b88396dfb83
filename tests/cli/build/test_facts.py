"""`loreweave build facts`: a graph's folder to questions that `evaluate fact-probing` reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from loreweave.cli.main import main
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.knowledge_graph import GraphRelation, KnowledgeGraph
from loreweave.corpus.knowledge.relation_templates import BUNDLED_TEMPLATES
from loreweave.tasks.fact_probing.reader import read
from loreweave.tasks.fact_probing.settings import ScoringSettings


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    entities = [
        GraphEntity("Q1", "Norway"),
        GraphEntity("Q2", "Oslo"),
        GraphEntity("Q3", "Norwegian"),
        GraphEntity("Q4", "Sami"),
    ]
    relations = [GraphRelation("P36", "capital"), GraphRelation("P37", "official language"), GraphRelation("x", "x")]
    triples = {"train": [[0, 0, 1], [0, 1, 2], [0, 2, 3]], "test": [[0, 1, 3]]}
    KnowledgeGraph.from_parts(entities, relations, triples).save(tmp_path / "graph")
    return tmp_path / "graph"


def test_the_help_counts_the_bundled_templates(capsys: pytest.CaptureFixture[str]) -> None:
    relations = {json.loads(line)["relation"] for line in BUNDLED_TEMPLATES.read_text(encoding="utf-8").splitlines()}
    wikidata = sum(re.fullmatch(r"P\d+", name) is not None for name in relations)
    assert main(["build", "facts", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"templates for {wikidata} properties of Wikidata" in shown
    assert f"{len(relations) - wikidata} relations of Freebase" in shown


def test_the_bundled_templates(graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "facts.jsonl"
    assert main(["build", "facts", str(graph), "--output", str(output), "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["facts"], counts["triples"], counts["relations"], counts["relations_without_template"]) == (3, 4, 2, 1)
    facts = read(output, ScoringSettings()).records
    assert [fact.text for fact in facts] == ["The capital of Norway is [MASK] ."] + 2 * [
        "The official language of Norway is [MASK] ."
    ]
    assert [[other.name for other in fact.others] for fact in facts] == [[], ["Sami"], ["Norwegian"]]
    assert facts[1].label == "official language"
    assert main(["build", "facts", str(graph), "--output", str(output)]) == 2, "the file exists"


def test_options(graph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    templates = tmp_path / "own.jsonl"
    templates.write_text('{"relation": "P37", "template": "People of [X] speak [Y] ."}\n')
    command = ["build", "facts", str(graph), "--templates", str(templates), "--output"]
    assert main([*command, str(tmp_path / "a.jsonl"), "--split", "test"]) == 0
    assert [fact.text for fact in read(tmp_path / "a.jsonl", ScoringSettings()).records] == ["People of Norway speak [MASK] ."]
    assert main([*command, str(tmp_path / "b.jsonl"), "--max-answers", "1"]) == 1
    assert "found no fact whose relation has a template" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "c.jsonl"), "--max-facts", "1"]) == 0
    assert len(read(tmp_path / "c.jsonl", ScoringSettings()).records) == 1
    assert main([*command, str(tmp_path / "d.jsonl"), "--split", "dev"]) == 1
