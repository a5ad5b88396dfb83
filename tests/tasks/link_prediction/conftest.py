"""A small graph with both kinds of splits, and checkpoints of every variant over it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_graphs import make_checkpoint, make_small_graph

from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph


@pytest.fixture(scope="session")
def graph_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve entities in the training graph and eight in the inductive one, on disk."""
    folder = tmp_path_factory.mktemp("graph") / "small"
    make_small_graph().save(folder)
    return folder


@pytest.fixture(scope="session")
def graph(graph_folder: Path) -> KnowledgeGraph:
    """The same, loaded."""
    return KnowledgeGraph.load(graph_folder)


@pytest.fixture(scope="session")
def checkpoints(graph: KnowledgeGraph, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model folder by variant, `table` among them."""
    root = tmp_path_factory.mktemp("checkpoints")
    return {name: make_checkpoint(root / name, graph, name) for name in ("wiki", "rel", "cond", "contrastive", "table")}
