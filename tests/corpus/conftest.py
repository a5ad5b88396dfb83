"""What the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pytest
from graph_files import Build

from loreweave.corpus.graphs.building import GraphPolicy, build_graph
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.graphs.source import GraphSource


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Builds a source and opens the graph; keywords are those of `GraphPolicy`."""

    def built(source: GraphSource, **policy: object) -> KnowledgeGraph:
        build_graph(source, tmp_path / "built", GraphPolicy(**policy), overwrite=True)  # type: ignore[arg-type]
        return KnowledgeGraph.load(tmp_path / "built", verify=True)

    return built
