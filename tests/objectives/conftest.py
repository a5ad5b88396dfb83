"""A small graph on disk, a tiny encoder in float64, its vector of every text alone, and contrastive objectives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from contrastive_objectives import TEXT, Make
from graph_reader import Reader
from tiny_encoders import make_tiny_bert
from tiny_graphs import make_small_graph
from tiny_worlds import write_city_types
from torch import nn
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerFast
from two_tails import two_tails_graph

from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.objectives import ContrastiveKnowledge, ContrastiveKnowledgeConfig, RunContext


@pytest.fixture(scope="session")
def graph_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven entities with 26 triples to train on, and others."""
    folder = tmp_path_factory.mktemp("graph") / "small"
    make_small_graph().save(folder)
    return folder


@pytest.fixture(scope="session")
def types_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Types of the entities of the tiny world."""
    return write_city_types(tmp_path_factory.mktemp("types") / "types.jsonl")


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bert(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def context(encoder_folder: Path) -> RunContext:
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    return RunContext(tokenizer=tokenizer, seed=3)


@pytest.fixture
def encoder(encoder_folder: Path) -> nn.Module:
    """Without dropout."""
    model: nn.Module = AutoModel.from_pretrained(encoder_folder, dtype=torch.float64).eval()
    return model


@pytest.fixture
def reader(graph_folder: Path, context: RunContext, encoder: nn.Module) -> Reader:
    assert context.tokenizer is not None
    return Reader(KnowledgeGraph.load(graph_folder), context.tokenizer, encoder)


@pytest.fixture
def make(graph_folder: Path, context: RunContext) -> Make:
    """Contrastive objectives over the small graph, without the map of questions."""

    def build(**settings: Any) -> ContrastiveKnowledge:
        config = {"graph": str(graph_folder), "micro_batch_size": 6, "text": TEXT, "question_map": False, **settings}
        return ContrastiveKnowledge.build(ContrastiveKnowledgeConfig(**config), context)

    return build


@pytest.fixture
def two_tails(tmp_path: Path, context: RunContext) -> Make:
    """Contrastive objectives over (A, r, B) and (A, r, C), two answers to one question; temperature 0.5, margin 0.1."""
    two_tails_graph().save(tmp_path / "graph")

    def build(**settings: Any) -> ContrastiveKnowledge:
        fixed = {"graph": str(tmp_path / "graph"), "text": TEXT}
        config = {"temperature": 0.5, "margin": 0.1, "question_map": False, **fixed, **settings}
        return ContrastiveKnowledge.build(ContrastiveKnowledgeConfig(**config), context)

    return build
