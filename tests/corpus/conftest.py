"""What the tests of this folder share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loreweave.corpus.graph_building import GraphPolicy, build_graph
from loreweave.corpus.graph_source import GraphSource
from loreweave.corpus.knowledge_graph import KnowledgeGraph

sys.path.append(str(Path(__file__).parent))  # for `graph_files`: in importlib mode a test's folder is not on the path

from graph_files import Build  # noqa: E402  # needs the path above


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Builds a source and opens the graph; keywords are those of `GraphPolicy`."""

    def built(source: GraphSource, **policy: object) -> KnowledgeGraph:
        build_graph(source, tmp_path / "built", GraphPolicy(**policy), overwrite=True)  # type: ignore[arg-type]
        return KnowledgeGraph.load(tmp_path / "built", verify=True)

    return built
