"""What the objectives over a graph say about it, and which graphs they refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.encoding.graph_texts import EntityTextConfig
from loreweave.errors import DataError
from loreweave.objectives import RunContext
from loreweave.objectives.contrastive_knowledge import ContrastiveKnowledge, ContrastiveKnowledgeConfig
from loreweave.objectives.knowledge_embedding import KnowledgeEmbedding, KnowledgeEmbeddingConfig


def bare(graph_folder: Path, folder: Path, *, entities: bool = True, relations: bool = True) -> str:
    """The graph without the texts of its entities, its relations, or both."""
    graph = KnowledgeGraph.load(graph_folder)
    kept = [replace(entity, label="", description="", aliases=()) if entities else entity for entity in graph.entities]
    named = [GraphRelation(relation.id) if relations else relation for relation in graph.relations]
    KnowledgeGraph.from_parts(kept, named, graph.triples).save(folder)
    return str(folder)


def made(kind: str, context: RunContext, **settings: Any) -> Any:
    settings["text"] = EntityTextConfig(max_length=16, relation_max_length=8)
    if kind == "contrastive":
        return ContrastiveKnowledge.build(ContrastiveKnowledgeConfig(**settings), context)
    return KnowledgeEmbedding.build(KnowledgeEmbeddingConfig(variant=kind, **settings), context)  # type: ignore[arg-type]


def test_a_run_says_how_many_have_which_text(graph_folder: Path, context: RunContext) -> None:
    """20 entities: one has a label alone, one an alias alone."""
    for kind in ("wiki", "rel", "contrastive"):
        lines = made(kind, context, graph=str(graph_folder)).summary()
        assert any("texts of entities: 18 descriptions, 1 label, 1 alias" in line for line in lines)
        assert any("texts of relations: 3 description" in line for line in lines) == (kind != "wiki"), "a table has none"


def test_the_graph_is_described_in_singular_and_plural(context: RunContext, tmp_path: Path) -> None:
    entities = [GraphEntity("a", "Oslo"), GraphEntity("b", "Norway")]
    KnowledgeGraph.from_parts(entities, [GraphRelation("in", "in")], {"train": [[0, 0, 1]]}).save(tmp_path / "pair")
    line = made("contrastive", context, graph=str(tmp_path / "pair"), micro_batch_size=1).summary()[0]
    assert line.endswith("(2 entities, 1 relation, 1 triple), 1 triple per micro-step")


@pytest.mark.parametrize("kind", ["wiki", "rel", "cond", "contrastive"])
def test_a_graph_without_any_text_does_not_train(kind: str, graph_folder: Path, context: RunContext, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the 20 entities has"):
        made(kind, context, graph=bare(graph_folder, tmp_path / "bare"))


def test_relations_need_texts_where_they_are_read(graph_folder: Path, context: RunContext, tmp_path: Path) -> None:
    graph = bare(graph_folder, tmp_path / "bare", entities=False)
    made("wiki", context, graph=graph)  # has a table of them
    for kind in ("rel", "cond", "contrastive"):
        with pytest.raises(DataError, match="none of the 3 relations has"):
            made(kind, context, graph=graph)
