"""Ranking with neighbours: vectors against the attention over texts read one at a time, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_graphs import Oracle, make_checkpoint
from torch import Tensor, nn

from loreweave.checkpoints import knowledge_embedding as side_files
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, KnowledgeGraph
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.metrics.known_answers import SIDES
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead
from loreweave.tasks.contract import Execution
from loreweave.tasks.link_prediction.encoding import GraphEncoder, open_encoder
from loreweave.tasks.link_prediction.evaluation import evaluate
from loreweave.tasks.link_prediction.model import load
from loreweave.tasks.link_prediction.settings import EvaluationSettings, ModelSettings
from loreweave.tasks.processes import Processes

COUNT = 40


@pytest.fixture(scope="module")
def model(graph: KnowledgeGraph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A contrastive model whose neighbours matter."""
    folder = make_checkpoint(tmp_path_factory.mktemp("neighbours") / "model", graph, "contrastive")
    said, old = side_files.describe(folder), side_files.load_head(folder)
    head = KnowledgeEmbeddingHead("distmult", 32, 0, question_map=True, neighbour_relations=graph.num_relations)
    head.load_state_dict(old.state_dict(), strict=False)
    assert head.neighbours is not None
    torch.manual_seed(2)
    for parameter in head.neighbours.parameters():
        nn.init.normal_(parameter, std=0.3)
    side_files.save(
        folder, head, graph, variant="contrastive", pooling="mean", text=said.text, normalize=True, neighbours=COUNT
    )
    return folder


def open_model(model: Path, graph: KnowledgeGraph, cache: Path | None = None) -> GraphEncoder:
    settings = ModelSettings(cache=cache)
    execution = Execution(device="cpu", batch_size=2)
    return open_encoder(load(model, graph, settings), graph, settings, execution, Processes())


class WithNeighbours:
    """The same by hand: the triples of `train` and `inductive_train`, one vector at a time."""

    def __init__(self, model: Path, graph: KnowledgeGraph) -> None:
        self.oracle, self.graph = Oracle(model, graph, "contrastive"), graph
        self.given = [triple for name in ("train", "inductive_train") for triple in graph.triples[name].tolist()]

    @torch.no_grad()
    def add(self, vector: Tensor, entity: int) -> Tensor:
        attention = self.oracle.head.neighbours
        assert attention is not None
        around = [(t, r) for h, r, t in self.given if h == entity and t != entity]
        around += [(h, r + self.graph.num_relations) for h, r, t in self.given if t == entity and h != entity]
        states = torch.stack([torch.zeros(32), *(self.oracle.entity(e) + attention.relations.weight[r] for e, r in around)])
        weights = (states @ (attention.query.weight @ vector)).softmax(0)
        added = vector + attention.output.weight @ (weights @ states)
        return added / added.norm()

    def entity(self, row: int) -> Tensor:
        return self.add(self.oracle.entity(row), row)

    @torch.no_grad()
    def question(self, side: str, entity: int, relation: int) -> Tensor:
        text = self.graph.relations[relation].description
        pair = self.oracle.vector(self.oracle.text(entity), self.oracle.cut(text if side == "tail" else f"inverse {text}"))
        mapping = self.oracle.head.question_map
        assert mapping is not None
        mapped = mapping.weight @ self.add(pair, entity) + mapping.bias
        return mapped / mapped.norm()


def test_entities_and_questions_with_neighbours(model: Path, graph: KnowledgeGraph, tmp_path: Path) -> None:
    encoder, wanted = open_model(model, graph, tmp_path), WithNeighbours(model, graph)
    vectors = encoder.entities()
    expected = torch.stack([wanted.entity(row) for row in range(graph.num_entities)])
    torch.testing.assert_close(vectors.rows(np.arange(graph.num_entities)), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(expected, torch.stack([wanted.oracle.entity(row) for row in range(20)]), atol=0.01)
    entities, relations = np.array([3, 17, 0]), np.array([0, 1, 1])
    for side in SIDES:
        found = encoder.queries(side, entities, relations, vectors)
        asked = [wanted.question(side, e, r) for e, r in zip(entities.tolist(), relations.tolist(), strict=True)]
        torch.testing.assert_close(found, torch.stack(asked), rtol=1e-4, atol=1e-5)


def test_some_entities_bring_their_neighbours(model: Path, graph: KnowledgeGraph) -> None:
    whole, rows = open_model(model, graph).entities(), np.array([2, 5, 11])
    some = open_model(model, graph).entities(rows)
    torch.testing.assert_close(some.rows(rows), whole.rows(rows), rtol=1e-4, atol=1e-5)
    with pytest.raises(IndexError):
        some.rows(np.array([3]))


def test_an_entity_outside_the_graph_has_no_neighbours(model: Path, graph: KnowledgeGraph) -> None:
    encoder, plain = open_model(model, graph), WithNeighbours(model, graph).oracle
    apart = encoder.with_entities([GraphEntity("?", "", plain.text(5))])
    torch.testing.assert_close(apart.entities().rows(np.array([0]))[0], plain.entity(5), rtol=1e-4, atol=1e-5)


def test_triples_that_neighbours_come_from_are_no_questions(model: Path, graph_folder: Path) -> None:
    execution = Execution(device="cpu", batch_size=2)
    with pytest.raises(ConfigurationError, match="setting 'split': the model reads the triples of train as neighbours"):
        evaluate(model, graph_folder, EvaluationSettings(split="train"), execution)
    evaluation, facts = evaluate(model, graph_folder, EvaluationSettings(bootstrap=0), execution)
    assert 0 < evaluation.metrics["mrr"] <= 1 and facts["checkpoint"]["neighbours"] == COUNT


def test_a_description_that_does_not_fit_the_tensors(model: Path, graph: KnowledgeGraph, tmp_path: Path) -> None:
    for name in ("knowledge_embedding.json", "knowledge_embedding.safetensors"):
        (tmp_path / name).write_bytes((model / name).read_bytes())
    path = tmp_path / "knowledge_embedding.json"
    path.write_text(path.read_text().replace(f'"neighbours": {COUNT}', '"neighbours": 0'))
    with pytest.raises(CheckpointError, match="found a tensor neighbours.relations.weight, and neighbours: 0"):
        side_files.load_head(tmp_path, graph)


def test_a_file_without_the_field_has_no_neighbours(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    source = checkpoints["contrastive"]
    text = (source / "knowledge_embedding.json").read_text()
    (tmp_path / "knowledge_embedding.json").write_text(text.replace(',\n  "neighbours": 0', ""))
    assert "neighbours" in text and "neighbours" not in (tmp_path / "knowledge_embedding.json").read_text()
    assert side_files.describe(tmp_path).neighbours == 0
