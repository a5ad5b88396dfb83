"""Entity relations: which pairs there are, and the loss by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_worlds import CITIES
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.knowledge_graph import GraphRelation, KnowledgeGraph
from loreweave.corpus.knowledge.entity_types import write_entity_types
from loreweave.errors import DataError
from loreweave.objectives import EntityRelations, EntityRelationsConfig, RunContext, Window, WordVocabulary
from loreweave.objectives.base import ObjectiveLoss
from loreweave.objectives.entity_relations import have_common, pairs_loss

VOCABULARY = EntityVocabulary.from_counts(dict.fromkeys(CITIES, 6))
PARIS, LONDON, ROME = (VOCABULARY.id_of(city) or -1 for city in CITIES[:3])


@pytest.fixture(scope="module")
def words(minilm_dir: Path) -> RunContext:
    tokenizer = AutoTokenizer.from_pretrained(minilm_dir)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    return RunContext(tokenizer, WordVocabulary.of(tokenizer), links=VOCABULARY)


@pytest.fixture
def cities(tmp_path: Path) -> Path:
    """Paris is near London, which is larger than Paris and near Rome."""
    entities = [GraphEntity(f"Q{number}", city) for number, city in enumerate(CITIES)]
    relations = [GraphRelation("P0", "near"), GraphRelation("P1", "larger")]
    graph = KnowledgeGraph.from_parts(entities, relations, {"train": [[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 2]]})
    graph.save(tmp_path / "graph")
    return tmp_path / "graph"


def batch(objective: EntityRelations, *entities: list[int]) -> dict[str, Tensor]:
    """Windows of ten words with one mention of one word per entity."""
    windows = []
    for ids in entities:
        links = np.array(ids, np.int64)
        window = Window(np.arange(1000, 1010), links.copy(), np.arange(len(ids)), np.ones(len(ids), int), links=links)
        window.targets["entity_relations"] = objective.mask(window, np.random.default_rng(0))
        windows.append(window)
    return objective.batch(windows, 12)


def test_pairs_of_a_graph(words: RunContext, cities: Path) -> None:
    """Within a window only, in both directions; a pair may have two relations."""
    found = batch(EntityRelations(EntityRelationsConfig(graph=str(cities)), words), [PARIS, LONDON], [ROME, LONDON], [ROME])
    assert found["pairs"].tolist() == [[0, 1], [1, 0], [3, 2]]
    assert found["relations"].tolist() == [[0, 1], [1, -1], [0, -1]] and found["labels"].tolist() == [0, 1, 0]
    assert found["entities"].tolist() == [PARIS, LONDON, ROME, LONDON, ROME]
    assert found["mentions"].tolist() == [0, 1, 2, 3, 4] and len(found["positions"]) == 5


def test_pairs_of_types_are_in_the_order_of_the_text(words: RunContext, tmp_path: Path) -> None:
    path = tmp_path / "types.jsonl"
    write_entity_types(path, {"Paris": ("capital",), "London": ("port",)})
    found = batch(
        EntityRelations(EntityRelationsConfig(types=str(path)), words), [LONDON, PARIS], [PARIS, LONDON], [ROME, PARIS]
    )
    assert found["pairs"].tolist() == [[0, 1], [2, 3]]
    assert found["relations"].tolist() == [[2], [1]], "port and capital; capital and port"


def test_an_entity_that_is_linked_twice_is_no_pair(words: RunContext, tmp_path: Path) -> None:
    path = tmp_path / "types.jsonl"
    write_entity_types(path, {"Paris": ("capital",), "London": ("port",)})
    found = batch(EntityRelations(EntityRelationsConfig(types=str(path)), words), [PARIS, PARIS, LONDON])
    assert found["pairs"].tolist() == [[0, 2], [1, 2]] and found["relations"].tolist() == [[1], [1]]


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_control_has_the_pairs_of_the_knowledge(words: RunContext, tmp_path: Path, shuffled: bool) -> None:
    """Texts name together what is related. Shuffled entities would leave the control next to no pairs."""
    chain = [[number, number % 2, number + 1] for number in range(len(CITIES) - 1)]
    relations = [GraphRelation("P0", "near"), GraphRelation("P1", "far")]
    KnowledgeGraph.from_parts([GraphEntity(city, city) for city in CITIES], relations, {"train": chain}).save(tmp_path / "g")
    asked = EntityRelations(EntityRelationsConfig(graph=str(tmp_path / "g"), shuffled=shuffled), words)
    links = [VOCABULARY.id_of(city) or -1 for city in CITIES]
    found = batch(asked, *(links[number : number + 2] for number in range(len(CITIES) - 1)))
    assert found["pairs"].tolist() == [[2 * number, 2 * number + 1] for number in range(len(CITIES) - 1)]
    assert (found["labels"].tolist() == [0, 1, 0, 1, 0, 1, 0]) is not shuffled


def test_a_batch_without_pairs(words: RunContext, cities: Path) -> None:
    asked = EntityRelations(EntityRelationsConfig(graph=str(cities)), words)
    found = batch(asked, [PARIS], [ROME])
    assert found["pairs"].shape == (0, 2) and found["relations"].shape == (0, 2) and len(found["labels"]) == 0
    loss = asked.loss(None, torch.nn.Linear(8, 4), found | {"states": torch.zeros(2, 4, requires_grad=True)})
    loss.total.backward()
    assert float(loss.total.detach()) == 0 and int(loss.correct) == 0


def loss_of(vectors: Tensor, relations: list[list[int]], entities: list[list[int]]) -> ObjectiveLoss:
    columns = torch.cat([torch.tensor(relations), torch.tensor(entities)], dim=1)
    return pairs_loss(vectors, columns, vectors, columns, 0.5)


def test_the_loss_by_hand() -> None:
    """Three pairs at 0, 60 and 90 degrees: 0 and 1 have a common relation. Temperature 1/2, so logits are 2 cos."""
    angles = torch.tensor([0.0, math.pi / 3, math.pi / 2], requires_grad=True)
    vectors = torch.stack([angles.cos(), angles.sin()], 1)
    loss = loss_of(vectors, [[4, 7], [7, -1], [5, -1]], [[1, 2], [3, 4], [5, 6]])
    root = math.sqrt(3)
    first = -math.log(math.e / (math.e + 1))  # 2 cos 60 = 1, 2 cos 90 = 0
    second = -math.log(math.e / (math.e + math.exp(root)))
    assert float(loss.total.detach()) == pytest.approx(first + second, rel=1e-5)
    assert int(loss.correct) == 1 and float(loss.parts["with_another"]) == 2
    loss.total.backward()
    assert angles.grad is not None and angles.grad.isfinite().all() and angles.grad.abs().sum() > 0


def test_pairs_of_the_same_entities_do_not_count() -> None:
    """Neither as correct nor as wrong ones, and padding is no common relation."""
    vectors = torch.eye(3)
    loss = loss_of(vectors, [[4, -1], [4, -1], [5, -1]], [[1, 2], [1, 2], [5, 6]])
    assert float(loss.total) == 0 and int(loss.correct) == 0


def test_pairs_with_many_relations_fit_in_memory() -> None:
    """1,500 pairs of 100 relations each: comparing each relation with each would take 22 GB."""
    relations = torch.arange(1500)[:, None] * 99 + torch.arange(100)  # pair i and i + 1 have one common relation
    found = have_common(relations, relations)
    assert found.shape == (1500, 1500) and int(found.sum()) == 1500 + 2 * 1499
    assert found.diagonal(1).all() and not found.diagonal(2).any()


def test_padding_is_no_common_relation() -> None:
    found = have_common(torch.tensor([[4, -1], [-1, -1]]), torch.tensor([[5, -1], [7, 4], [-1, -1]]))
    assert found.tolist() == [[False, True, False], [False, False, False]]


def test_several_correct_pairs_are_averaged() -> None:
    """Equal vectors: every other pair has the probability one half."""
    loss = loss_of(torch.ones(3, 2) / math.sqrt(2), [[4], [4], [4]], [[1, 2], [3, 4], [5, 6]])
    assert float(loss.total) == pytest.approx(3 * math.log(2))


def test_a_graph_of_other_entities_is_refused(words: RunContext, tmp_path: Path) -> None:
    entities = [GraphEntity(f"Q{number}", f"town {number}") for number in range(3)]
    relations = [GraphRelation("P0", "near"), GraphRelation("P1", "far")]
    KnowledgeGraph.from_parts(entities, relations, {"train": [[0, 0, 1], [1, 1, 2]]}).save(tmp_path / "towns")
    with pytest.raises(DataError, match="found 0 pairs of 0 entities in 0 relations among the linked entities"):
        EntityRelations(EntityRelationsConfig(graph=str(tmp_path / "towns")), words)
