"""Vectors of entities, relations and questions, against transformers' own tokenizer and model, one text at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_graphs import Oracle

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, KnowledgeGraph
from loreweave.errors import ConfigurationError
from loreweave.metrics.known_answers import SIDES
from loreweave.models.knowledge_scorers import similarity_matrix
from loreweave.tasks.contract import Execution
from loreweave.tasks.link_prediction.encoding import GraphEncoder, open_encoder
from loreweave.tasks.link_prediction.model import load
from loreweave.tasks.link_prediction.settings import ModelSettings
from loreweave.tasks.processes import Processes

VARIANTS = ("wiki", "rel", "cond", "contrastive", "table")


def encoder_of(folder: Path, graph: KnowledgeGraph, cache: Path | None = None, **how: object) -> GraphEncoder:
    settings = ModelSettings(cache=cache)
    execution = Execution(device="cpu", batch_size=2, **how)  # type: ignore[arg-type]  # settings by name
    return open_encoder(load(folder, graph, settings), graph, settings, execution, Processes())


@pytest.mark.parametrize("variant", VARIANTS)
def test_scores_equal_those_of_one_text_at_a_time(
    variant: str, graph: KnowledgeGraph, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    encoder, oracle = encoder_of(checkpoints[variant], graph, tmp_path), Oracle(checkpoints[variant], graph, variant)
    vectors = encoder.entities()
    everything = torch.cat(list(vectors.blocks(7)))
    torch.testing.assert_close(everything, torch.stack([oracle.entity(row) for row in range(len(vectors))]))
    entities, relations = np.array([3, 4, 17, 3, 0]), np.array([0, 2, 1, 0, 1])
    for side in SIDES:
        queries = encoder.queries(side, entities, relations, vectors)
        found = similarity_matrix(encoder.checkpoint.similarity, queries, everything)
        wanted = np.stack([oracle.scores(side, e, r) for e, r in zip(entities, relations, strict=True)])
        torch.testing.assert_close(found, torch.from_numpy(wanted).float(), rtol=1e-5, atol=1e-5)


def test_relations_of_a_table_and_of_texts(graph: KnowledgeGraph, checkpoints: dict[str, Path]) -> None:
    for variant in ("wiki", "rel"):
        oracle = Oracle(checkpoints[variant], graph, variant)
        found = encoder_of(checkpoints[variant], graph).relations(np.array([2, 0, 2]))
        torch.testing.assert_close(found, torch.stack([oracle.relation(row) for row in (2, 0, 2)]))
    with pytest.raises(ConfigurationError, match="has no vectors of relations"):
        encoder_of(checkpoints["contrastive"], graph).relations(np.array([0]))


def test_some_entities_are_encoded_alone(graph: KnowledgeGraph, checkpoints: dict[str, Path]) -> None:
    encoder = encoder_of(checkpoints["wiki"], graph)
    some = encoder.entities(np.array([2, 5, 11]))
    assert len(some) == graph.num_entities and encoder.cache.encoded == 3
    whole = encoder_of(checkpoints["wiki"], graph).entities()
    torch.testing.assert_close(some.rows(np.array([11, 2])), whole.rows(np.array([11, 2])))
    torch.testing.assert_close(torch.cat(list(some.blocks(2, np.array([2, 5, 11])))), whole.rows(np.array([2, 5, 11])))
    for missing in (0, 3, 19):
        with pytest.raises(IndexError, match="not encoded"):
            some.rows(np.array([missing]))


def test_every_distinct_question_is_read_once(graph: KnowledgeGraph, checkpoints: dict[str, Path]) -> None:
    encoder = encoder_of(checkpoints["cond"], graph)
    vectors = encoder.entities()
    before = encoder.cache.encoded
    encoder.queries("tail", np.array([1, 1, 2, 1]), np.array([0, 0, 0, 1]), vectors)
    assert encoder.cache.encoded - before == 3


def test_entities_that_the_graph_does_not_have(graph: KnowledgeGraph, checkpoints: dict[str, Path]) -> None:
    for variant in ("wiki", "cond"):
        encoder = encoder_of(checkpoints[variant], graph)
        known = graph.entities[8]
        apart = encoder.with_entities([GraphEntity("?", description="the river"), GraphEntity("?", "", known.description)])
        there, here = apart.entities(), encoder.entities()
        torch.testing.assert_close(there.rows(np.array([1])), here.rows(np.array([8])))
        torch.testing.assert_close(
            apart.queries("head", np.array([1]), np.array([2]), there),
            encoder.queries("head", np.array([8]), np.array([2]), here),
        )


def test_what_is_read_alone_is_neither_kept_nor_shared(
    graph: KnowledgeGraph, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    """Queries of `predict`: the other of several processes have gone, and would be waited for."""
    encoder = encoder_of(checkpoints["cond"], graph, tmp_path)
    vectors = encoder.entities()
    kept = list(tmp_path.rglob("*.safetensors"))
    asked = ("tail", np.array([1]), np.array([0]), vectors)
    alone = encoder.alone()
    monopoly = alone.queries(*asked)  # type: ignore[arg-type]  # a side
    assert list(tmp_path.rglob("*.safetensors")) == kept and alone.cache.share == (0, 1)
    torch.testing.assert_close(monopoly, encoder.queries(*asked))  # type: ignore[arg-type]  # a side


def test_the_cache_is_keyed_by_model_and_precision(graph: KnowledgeGraph, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    def encoded(variant: str, precision: str = "fp32") -> int:
        encoder = encoder_of(checkpoints[variant], graph, tmp_path, precision=precision)
        encoder.entities()
        return encoder.cache.encoded

    assert [encoded("wiki"), encoded("wiki"), encoded("cond"), encoded("wiki", "bf16")] == [20, 0, 20, 20]


def test_half_precision_is_near(graph: KnowledgeGraph, checkpoints: dict[str, Path]) -> None:
    full, half = (encoder_of(checkpoints["wiki"], graph, precision=name).entities() for name in ("fp32", "bf16"))
    rows = np.arange(graph.num_entities)
    difference = (full.rows(rows) - half.rows(rows)).norm(dim=1) / full.rows(rows).norm(dim=1)
    assert 0 < float(difference.max()) < 0.03


def test_several_processes_need_a_folder(
    graph: KnowledgeGraph, checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    several = Processes()
    monkeypatch.setattr(several, "count", 2)
    settings = ModelSettings()
    checkpoint = load(checkpoints["wiki"], graph, settings)
    with pytest.raises(ConfigurationError, match="give cache=FOLDER"):
        open_encoder(checkpoint, graph, settings, Execution(), several)
