"""What a micro-batch sees of the graph: neighbours through training triples, never through those that it asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from loreweave.checkpoints import knowledge_embedding as side_files
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.encoding.graph_texts import EntityTextConfig
from loreweave.objectives import ContrastiveKnowledge, ContrastiveKnowledgeConfig, RunContext
from loreweave.objectives.contrastive_knowledge import ContrastiveHead
from loreweave.objectives.stored_neighbours import StoredNeighbours
from loreweave.objectives.triples import TrueTriples

TRIPLES = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 1], [2, 1, 0], [0, 0, 2]])
"""Entity 0 has five neighbours: 1 three times, through different triples, and 2 twice."""


def seen(stored: StoredNeighbours, entity: int, vectors: torch.Tensor, *hidden: int) -> list[tuple[int, int]]:
    """Neighbours and relations that an entity sees when some triples are asked."""
    keys = torch.tensor([stored.numbering.key(*TRIPLES[row].tolist()) for row in hidden], dtype=torch.long)
    neighbours, relations, present = stored(torch.tensor([entity]), vectors, keys)
    return sorted(zip(neighbours[present][:, 0].int().tolist(), relations[present].tolist(), strict=True))


def test_an_asked_triple_is_hidden_at_both_ends() -> None:
    stored = StoredNeighbours(TRIPLES, TrueTriples(TRIPLES, 4, 2), count=5)
    vectors = torch.arange(1.0, 5.0)[:, None]  # entity 1 has the vector 2, entity 2 the vector 3
    every = [(2, 0), (2, 1), (2, 2), (3, 0), (3, 3)]
    assert seen(stored, 0, vectors) == every
    assert seen(stored, 0, vectors, 0) == [(2, 1), (2, 2), (3, 0), (3, 3)]  # other triples with the same answer stay
    assert seen(stored, 0, vectors, 1) == [(2, 0), (2, 1), (3, 0), (3, 3)]
    assert seen(stored, 0, vectors, 3, 4) == [(2, 0), (2, 1), (2, 2)]
    assert seen(stored, 1, vectors, 0) == [(1, 0), (1, 3)]
    assert seen(stored, 2, vectors, 3) == [(1, 2)]
    assert seen(stored, 3, vectors) == []
    vectors[2] = 0.0  # not stored yet
    assert seen(stored, 0, vectors) == [(2, 0), (2, 1), (2, 2)]


@pytest.fixture
def objective(graph_folder: Path, context: RunContext) -> ContrastiveKnowledge:
    config = ContrastiveKnowledgeConfig(
        graph=str(graph_folder), micro_batch_size=4, text=EntityTextConfig(max_length=64, relation_max_length=64),
        momentum=0.9, queue_size=5, neighbours=50,
    )  # fmt: skip
    return ContrastiveKnowledge(config, context)


def head_of(objective: ContrastiveKnowledge, encoder: nn.Module) -> ContrastiveHead:
    """All entities are stored, and neighbours change vectors."""
    head = objective.head(encoder)  # type: ignore[arg-type]
    assert isinstance(head, ContrastiveHead) and head.memory is not None and head.neighbours is not None
    torch.manual_seed(0)
    nn.init.normal_(head.neighbours.output.weight)
    head.memory.vectors.copy_(nn.functional.normalize(torch.randn_like(head.memory.vectors), dim=-1))
    return head.double()


def test_a_micro_batch_hides_the_triples_that_it_asks(
    objective: ContrastiveKnowledge, encoder: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call of the attention is compared with a search through the training triples."""
    head, batch = head_of(objective, encoder), objective.batch(0)
    asked = {tuple(triple) for triple in objective.sampler[0].triples.tolist()}
    train = [tuple(triple) for triple in objective.graph.triples["train"].tolist()]
    calls = []
    inner = StoredNeighbours.forward

    def watched(self: StoredNeighbours, own: torch.Tensor, *others: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = inner(self, own, *others)
        calls.append((own.clone(), found[1], found[2], self.entities[own.clamp_min(0)]))
        return found

    monkeypatch.setattr(StoredNeighbours, "forward", watched)
    objective.loss(encoder, head, batch)
    assert len(calls) == 4  # questions, entities, the queue, and the entities' momentum vectors
    relations = objective.graph.num_relations
    for own, kinds, present, others in calls:
        for entity, *row in zip(own.tolist(), kinds.tolist(), present.tolist(), others.tolist(), strict=True):
            if entity < 0:
                continue
            found = [(kind, other) for kind, there, other in zip(*row, strict=True) if there]
            wanted = [(r, t) for h, r, t in train if h == entity and t != entity and (h, r, t) not in asked]
            wanted += [(r + relations, h) for h, r, t in train if t == entity and h != entity and (h, r, t) not in asked]
            assert sorted(found) == sorted(wanted)
    without = objective.loss(encoder, head.eval(), batch | {"asked_triples": torch.zeros(0, dtype=torch.long)}).total
    assert not torch.isclose(objective.loss(encoder, head, batch).total, without)


def test_neighbours_change_nothing_at_the_start_but_learn(objective: ContrastiveKnowledge, encoder: nn.Module) -> None:
    head = head_of(objective, encoder).eval()
    assert head.neighbours is not None and head.memory is not None
    found = objective.loss(encoder, head, objective.batch(1)).total
    found.backward()
    for name, parameter in head.neighbours.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
    assert head.memory.vectors.grad is None
    nn.init.zeros_(head.neighbours.output.weight)
    at_start = objective.loss(encoder, head, objective.batch(1)).total
    head.neighbours = None
    torch.testing.assert_close(objective.loss(encoder, head, objective.batch(1)).total, at_start)
    assert not torch.isclose(found, at_start)


def test_the_attention_is_saved_and_gets_the_rows_of_another_order_of_relations(
    objective: ContrastiveKnowledge, encoder: nn.Module, tmp_path: Path
) -> None:
    head = head_of(objective, encoder)
    assert head.neighbours is not None
    nn.init.normal_(head.neighbours.relations.weight)
    objective.save(encoder, head, tmp_path)
    assert side_files.describe(tmp_path).neighbours == 50
    graph, own = objective.graph, head.neighbours.relations.weight.float()
    loaded = side_files.load_head(tmp_path, graph).neighbours
    assert loaded is not None and torch.equal(loaded.relations.weight, own)
    assert torch.equal(loaded.output.weight, head.neighbours.output.weight.float())
    turned = KnowledgeGraph.from_parts(list(graph.entities), graph.relations[::-1], {})
    again = side_files.load_head(tmp_path, turned).neighbours
    assert again is not None and torch.equal(again.relations.weight, own[[2, 1, 0, 5, 4, 3]])
