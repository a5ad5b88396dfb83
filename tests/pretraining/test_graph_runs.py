"""Runs over a knowledge graph, alone and together with text: resuming, several processes, what is left on disk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from pretraining_runs import losses, settings, train

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.checkpoints import knowledge_embedding
from loreweave.checkpoints.encoders import load_encoder
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.errors import ConfigurationError
from loreweave.models import LukeModel
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run
from loreweave.training.settings.configuration import fill

TEXT = {"max_length": 24}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a graph of 20 entities and 26 triples to train on."""
    entities = [GraphEntity(f"Q{i}", f"town {i}", f"a town by river {i % 7} and road {i % 5}") for i in range(20)]
    relations = [GraphRelation(f"P{i}", name, f"it is {name}") for i, name in enumerate(("near", "north of", "larger than"))]
    triples = [[i, i % 3, (i * 7 + 3) % 20] for i in range(20)] + [[i, (i + 1) % 3, (i + 5) % 20] for i in range(10)]
    made = KnowledgeGraph.from_parts(entities, relations, {"train": triples[:26], "valid": triples[26:]})
    made.save(folder := tmp_path_factory.mktemp("graph") / "graph")
    return folder


def kepler(graph: Path, **changes: object) -> dict[str, object]:
    return {"graph": str(graph), "micro_batch_size": 3, "text": TEXT, **changes}


def joint(
    world: Path, output: Path, graph: Path, queue: dict[str, object] | None = None, **changes: object
) -> dict[str, object]:
    """Masked words, masked entities and both objectives over the graph."""
    objectives = {
        "masked_words": {},
        "masked_entities": {},
        "knowledge_embedding": kepler(graph),
        "contrastive_knowledge": kepler(graph, **(queue or {"pre_batches": 1})),
    }
    return settings(world, output, objectives=objectives, **changes)


MOMENTUM = {"momentum": 0.9, "queue_size": 12, "neighbours": 3}


@pytest.mark.parametrize(("processes", "queue"), [(1, {"pre_batches": 1}), (2, {"pre_batches": 1}), (1, MOMENTUM)], ids=str)
def test_a_joint_run_resumes_bit_by_bit(
    world: Path, graph: Path, tmp_path: Path, processes: int, queue: dict[str, object]
) -> None:
    whole = joint(world, tmp_path / "whole", graph, queue, workers=2 if processes > 1 else 0)
    train(whole, processes=processes)
    parts = whole | {"output": str(tmp_path / "parts")}
    train(parts, interrupt_at=8, processes=processes)
    train(parts, resume=True, processes=processes)
    assert losses(parts) == losses(whole) and len(losses(whole)) == 12


def test_a_run_goes_on_with_another_number_of_processes(world: Path, graph: Path, tmp_path: Path) -> None:
    """Begun by two, with a queue of earlier candidates, and ended by one."""
    begun = joint(world, tmp_path / "run", graph, micro_batch_size=1, log_steps=5)
    train(begun, interrupt_at=8, processes=2)
    result = run(fill(PretrainingConfig, begun), resume=True)
    assert result.results["steps"] == 12 and [row["step"] for row in result.record.metrics()] == [5, 10, 12]


def test_two_processes_equal_one_at_twice_the_batch(world: Path, graph: Path, tmp_path: Path) -> None:
    def config(name: str, size: int) -> dict[str, object]:
        objectives = {"masked_words": {}, "knowledge_embedding": kepler(graph, micro_batch_size=3 * size, negatives=2)}
        sizes = {"micro_batch_size": 2 * size, "dropout": 0.0, "word_only": True}
        return settings(world, tmp_path / name, objectives=objectives, **sizes)

    train(config("two", 1), processes=2)
    train(config("one", 2))
    assert losses(config("two", 1)) == pytest.approx(losses(config("one", 2)), rel=1e-5)


@pytest.mark.parametrize("queue", [{"pre_batches": 2}, MOMENTUM | {"queue_size": 6}], ids=str)
def test_contrast_over_two_processes_equals_one_when_entities_differ(
    world: Path, tmp_path: Path, queue: dict[str, object]
) -> None:
    """Candidates of all processes count for every question."""
    words = ["river", "bank", "city", "boat", "stone", "tree", "cloud", "bird"]
    texts = [f"the {word} is {place}" for place in ("here", "by the river") for word in words]
    entities = [GraphEntity(f"Q{i}", description=text) for i, text in enumerate(texts)]
    triples = [[i, 0, i + 1] for i in range(0, 16, 2)]  # half of them are asked in a step, and the others are in the queue
    apart = KnowledgeGraph.from_parts(entities, [GraphRelation("P0", "near")], {"train": triples})
    apart.save(tmp_path / "apart")

    def config(name: str, size: int) -> dict[str, object]:
        objectives = {"contrastive_knowledge": kepler(tmp_path / "apart", micro_batch_size=2 * size, **queue)}
        sizes = {"micro_batch_size": 2 * size, "steps": 4, "data": [], "dropout": 0.0}
        return settings(world, tmp_path / name, objectives=objectives, **sizes)

    train(config("two", 1), processes=2)
    train(config("one", 2))
    assert losses(config("two", 1)) == pytest.approx(losses(config("one", 2)), rel=1e-4)


def test_the_model_of_a_joint_run_loads_with_its_heads(world: Path, graph: Path, tmp_path: Path) -> None:
    result = run(fill(PretrainingConfig, joint(world, tmp_path / "run", graph)))
    folder = result.record.model_path
    assert knowledge_embedding.names(folder) == ["knowledge_embedding", "contrastive_knowledge"]
    loaded = knowledge_embedding.load(folder, KnowledgeGraph.load(graph), "knowledge_embedding")
    assert loaded.head.relation_embeddings is not None and len(loaded.head.relation_embeddings.weight) == 3
    assert type(loaded.encoder).__name__ == "LukeModel"
    assert {"knowledge_embedding_loss", "contrastive_knowledge_loss", "masked_words_loss"} <= set(result.results)


def test_a_table_needs_no_encoder(graph: Path, tmp_path: Path) -> None:
    objective = kepler(
        graph, entities="table", loss="cross_entropy", negatives_from="all", scorer="complex", table_size=16, l3=1e-3
    )
    values = {"model": None, "output": str(tmp_path / "run"), "objectives": {"knowledge_embedding": objective}}
    values |= {"batch_size": 1, "micro_batch_size": 1, "epochs": 30, "optimizer": {"learning_rate": 0.05}, "device": "cpu"}
    result = run(fill(PretrainingConfig, values | {"schedule": {"warmup_steps": 0}, "log_steps": 10}))
    assert result.results["steps"] == 270  # 26 triples, 3 a step
    assert result.results["knowledge_embedding_loss"] < 1.5 < torch.tensor(20.0).log()
    loaded = knowledge_embedding.load(result.record.model_path, KnowledgeGraph.load(graph))
    assert loaded.encoder is None and loaded.embed_rows(torch.tensor([0, 19])).shape == (2, 16)


def test_a_run_without_an_encoder_resumes(graph: Path, tmp_path: Path) -> None:
    objective = kepler(graph, entities="table", table_size=16)
    values = {"model": None, "output": str(tmp_path / "whole"), "objectives": {"knowledge_embedding": objective}}
    whole = values | {"batch_size": 1, "micro_batch_size": 1, "steps": 12, "device": "cpu", "log_steps": 1}
    train(whole)
    parts = whole | {"output": str(tmp_path / "parts")}
    train(parts, interrupt_at=8)
    train(parts, resume=True)
    assert losses(parts) == losses(whole) and len(losses(whole)) == 12


@pytest.mark.parametrize("negatives", [{"negatives": 4}, {"loss": "cross_entropy", "negatives_from": "all"}], ids=str)
def test_a_graph_and_masked_entities_train_the_same_rows(world: Path, tmp_path: Path, negatives: dict[str, object]) -> None:
    cities = ["Paris", "London", "Rome", "Madrid", "Vienna", "Lisbon", "Oslo", "Bern"]
    entities = [GraphEntity(f"Q{i}", city) for i, city in enumerate(cities)]
    around = KnowledgeGraph.from_parts(entities, [GraphRelation("P0")], {"train": [[i, 0, i + 4] for i in range(4)]})
    around.save(tmp_path / "graph")
    objective = kepler(tmp_path / "graph", entities="vocabulary", scorer="transe_l2", gamma=1.0, **negatives)
    objectives = {"masked_words": {}, "masked_entities": {}, "knowledge_embedding": objective}
    changes = {
        "objectives": objectives,
        "epochs": 20,
        "optimizer": {"learning_rate": 1e-2, "rate_factors": {"extra_heads": 10.0}},
    }
    result = run(fill(PretrainingConfig, settings(world, tmp_path / "run", **changes)))
    folder = result.record.model_path
    ranked = knowledge_embedding.load(folder, around)
    luke = load_encoder(folder)
    assert isinstance(luke, LukeModel)
    vocabulary = open_pretraining_set(world / "data").vocabulary
    assert vocabulary is not None and ranked.encoder is None
    ids = torch.tensor([vocabulary.id_of(city) for city in cities])
    vectors = luke.entity_embeddings.vectors(ids)
    assert torch.equal(ranked.embed_rows(torch.arange(8)), vectors)
    queries = ranked.head.scorer.tail_query(vectors[:4], ranked.head.relation_vectors(torch.zeros(4, dtype=torch.long)))
    assert torch.cdist(queries, vectors).argmin(1).tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objectives": {"masked_words": {}}}, "data: found no pre-training set"),
        ({"model": None}, "entities need a table"),
        ({"objectives": {"knowledge_embedding": {"graph": "nowhere"}}}, "found no manifest.json"),
    ],
)
def test_what_does_not_go_together(world: Path, graph: Path, tmp_path: Path, changes: dict[str, object], message: str) -> None:
    objectives = {"knowledge_embedding": kepler(graph)}
    values = settings(world, tmp_path / "run", **({"data": [], "objectives": objectives} | changes))
    with pytest.raises(Exception, match=message) as raised:
        run(fill(PretrainingConfig, values))
    assert raised.type.__module__ == "loreweave.errors"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "20 of its 20 entities have no row of their own in the LUKE's vocabulary (the first is Q0)"),
        ({"word_only": True}, "entities: vocabulary needs a LUKE"),
    ],
)
def test_a_vocabulary_that_lacks_entities(
    world: Path, graph: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    objectives = {"masked_words": {}, "knowledge_embedding": kepler(graph, entities="vocabulary")}
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        run(fill(PretrainingConfig, settings(world, tmp_path / "run", objectives=objectives, **changes)))


def test_objectives_that_nothing_reads(world: Path, graph: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no objective reads them"):
        run(fill(PretrainingConfig, settings(world, tmp_path / "run", objectives={"knowledge_embedding": kepler(graph)})))
