"""Questions about the facts of a graph, and the bundled ones of the mini-world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loreweave.build import facts
from loreweave.build.facts import FactPolicy, facts_of_graph
from loreweave.corpus.bundled_data import graph_files
from loreweave.corpus.graphs.building import build_graph
from loreweave.corpus.graphs.formats import find_graph
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.corpus.knowledge.relation_templates import BUNDLED_TEMPLATES, RelationTemplate, read_templates
from loreweave.errors import DataError

TEMPLATES = {"P1": RelationTemplate("P1", "[X] speaks [Y] .", "language spoken")}


@pytest.fixture
def graph() -> KnowledgeGraph:
    entities = [
        GraphEntity("Q1", "Ann"), GraphEntity("Q2", "Bob"),
        GraphEntity("Q3", "English", aliases=("English language", "English")), GraphEntity("Q4", "French"),
        GraphEntity("Q5", "", aliases=("Sami",)), GraphEntity("Q6"), GraphEntity("Q7", "French Guiana"),
    ]  # fmt: skip
    triples = {
        "train": [[0, 0, 2], [0, 0, 3], [1, 0, 2], [0, 1, 1]],
        "test": [[1, 0, 4], [1, 0, 5], [6, 0, 3], [0, 0, 2]],
    }
    return KnowledgeGraph.from_parts(entities, [GraphRelation("P1", "speaks"), GraphRelation("P2", "knows")], triples)


def test_a_row_has_all_that_is_needed_to_ask_and_to_judge(graph: KnowledgeGraph) -> None:
    found = facts_of_graph(graph, TEMPLATES, FactPolicy())
    assert found.rows[0] == {
        "id": "Q1 P1 Q3", "relation": "P1", "relation_label": "speaks", "template": "[X] speaks [Y] .", "subject": "Ann",
        "subject_id": "Q1", "object": "English", "object_id": "Q3", "aliases": ["English language"],
        "other_objects": [{"object": "French", "aliases": [], "object_id": "Q4"}],
    }  # fmt: skip
    asked = [(row["subject"], row["object"]) for row in found.rows]
    assert asked == [("Ann", "English"), ("Ann", "French"), ("Bob", "English"), ("Bob", "Sami"), ("French Guiana", "French")]
    english = {"object": "English", "aliases": ["English language"], "object_id": "Q3"}
    assert found.rows[3]["other_objects"] == [english], "an entity without names is none that could be answered"
    assert found.counts == {
        "triples": 8, "relations": 1, "relations_without_template": 1, "triples_without_template": 1, "facts_without_names": 1,
    }  # fmt: skip


def test_other_objects_are_those_of_all_splits(graph: KnowledgeGraph) -> None:
    found = facts_of_graph(graph, TEMPLATES, FactPolicy(splits=("test",)))
    others = [[other["object"] for other in row["other_objects"]] for row in found.rows]
    assert [(row["subject"], row["object"], names) for row, names in zip(found.rows, others, strict=True)] == [
        ("Ann", "English", ["French"]), ("Bob", "Sami", ["English"]), ("French Guiana", "French", []),
    ]  # fmt: skip


def test_facts_are_left_out_by_their_answers_and_names_and_drawn(graph: KnowledgeGraph) -> None:
    few = facts_of_graph(graph, TEMPLATES, FactPolicy(most_answers=2))
    assert [row["subject"] for row in few.rows] == ["Ann", "Ann", "French Guiana"]
    assert few.counts["facts_with_too_many_answers"] == 2, "Bob's other one has no name"
    hard = facts_of_graph(graph, TEMPLATES, FactPolicy(helpful_names=False))
    assert len(hard.rows) == 4 and hard.counts["facts_with_the_object_in_the_subject"] == 1
    drawn, again = (facts_of_graph(graph, TEMPLATES, FactPolicy(most_facts=2, seed=1)) for _ in range(2))
    assert drawn.rows == again.rows and len(drawn.rows) == 2 and drawn.counts["facts_not_drawn"] == 3


class Watched(np.ndarray):
    """Triples that count how often they are searched."""

    searched = 0

    def __eq__(self, other: object) -> Any:
        Watched.searched += 1
        return super().__eq__(other)


def test_the_graph_is_not_searched_for_each_relation(monkeypatch: pytest.MonkeyPatch) -> None:
    triples = np.stack([np.arange(50), np.arange(50), np.arange(1, 51)], axis=1)
    relations = [GraphRelation(f"P{number}") for number in range(50)]
    graph = KnowledgeGraph.from_parts([GraphEntity(f"Q{number}", "a") for number in range(51)], relations, {"train": triples})
    monkeypatch.setattr(facts, "_triples", lambda graph, splits: triples.view(Watched))
    assert len(facts_of_graph(graph, TEMPLATES, FactPolicy()).rows) == 1 and Watched.searched == 0


def test_a_triple_that_is_there_twice_is_one_question(graph: KnowledgeGraph) -> None:
    """Also in the counts. Questions are by subject and object, other objects in the order of the graph."""
    triples = {"train": [[1, 0, 3], [0, 0, 6], [0, 0, 3], [0, 1, 1]], "test": [[0, 0, 2], [0, 0, 6], [0, 1, 1]]}
    found = facts_of_graph(KnowledgeGraph.from_parts(graph.entities, graph.relations, triples), TEMPLATES, FactPolicy())
    assert [(row["subject_id"], row["object_id"]) for row in found.rows] == [
        ("Q1", "Q3"),
        ("Q1", "Q4"),
        ("Q1", "Q7"),
        ("Q2", "Q4"),
    ]
    assert [other["object_id"] for other in found.rows[0]["other_objects"]] == ["Q7", "Q4"]
    assert found.counts["triples"] == 7 and found.counts["triples_without_template"] == 1


def test_unknown_splits_and_a_graph_without_templates_are_errors(graph: KnowledgeGraph) -> None:
    with pytest.raises(DataError, match="found no split 'dev', expected one of train, test"):
        facts_of_graph(graph, TEMPLATES, FactPolicy(splits=("dev",)))
    with pytest.raises(DataError, match="found no fact whose relation has a template"):
        facts_of_graph(graph, {}, FactPolicy())


def test_the_graph_of_the_mini_world_has_facts_to_ask_for(tmp_path: Path) -> None:
    build_graph(find_graph("jsonl", graph_files(), {}), tmp_path / "graph")
    policy = FactPolicy(most_answers=1, most_facts=40)
    found = facts_of_graph(KnowledgeGraph.load(tmp_path / "graph"), read_templates(BUNDLED_TEMPLATES), policy)
    assert len(found.rows) == 916
    tirana = next(row for row in found.rows if row["id"] == "Q19689 P17 Q222")
    assert (tirana["template"], tirana["subject"], tirana["object"]) == ("[X] is located in [Y] .", "Tirana", "Albania")
