"""The momentum encoder and its queue in the contrastive loss: numbers by hand, what is masked, stored and saved."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from contrastive_objectives import Make, head_of
from torch import Tensor, nn
from two_tails import BACKWARD, loss, two_tails_batch, two_tails_encoder

from loreweave.checkpoints import knowledge_embedding as side_files
from loreweave.objectives.contrastive_knowledge import ContrastiveHead, Questions
from loreweave.objectives.graph_batches import encode_texts
from loreweave.objectives.momentum import MomentumMemory


def with_momentum(batch: dict[str, Tensor], update: int) -> dict[str, Tensor]:
    """The entities' texts once more, in another order, and the number of the update."""
    ids = {"momentum_input_ids_0": [[2], [0], [1]], "momentum_attention_mask_0": [[1]] * 3, "momentum_places": [1, 2, 0]}
    return batch | {key: torch.tensor(value) for key, value in ids.items()} | {"update": torch.tensor(update)}


def test_two_triples_with_momentum_by_hand(two_tails: Make) -> None:
    """Before the second update the encoder turns A to (0, 1): the momentum encoder keeps 3/4 of (2, 0), and moves by 1/4."""
    objective, encoder = two_tails(momentum=0.75, queue_size=2), two_tails_encoder()
    head = objective.head(encoder).train()  # type: ignore[arg-type]
    assert isinstance(head, ContrastiveHead) and head.memory is not None
    memory = head.memory
    plain = [loss(1.8, 0.0), loss(-0.2, 0.0), loss(1.8, 0.0, -2.0), loss(1.0, 1.6, -1.2)]
    first = objective.loss(encoder, head, with_momentum(two_tails_batch(), 0))
    assert first.total.item() == pytest.approx(sum(plain + BACKWARD + plain) / 2)  # the copy is still equal
    assert first.parts["queue_loss"].item() == pytest.approx(sum(plain))
    assert memory.queue.tolist() == [0, 1]  # of three entities, the queue has room for two
    assert memory.vectors.tolist() == [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]
    with torch.no_grad():
        encoder.rows[0] = torch.tensor([0.0, 6.0])
    only_a = with_momentum(two_tails_batch(), 1)
    second = objective.loss(encoder, head, only_a)
    torch.testing.assert_close(memory.encoder[:2], torch.tensor([1.5, 1.5]))  # 3/4 of (2, 0) and 1/4 of (0, 6)
    half = 2 * math.sqrt(0.5)  # twice the cosine of (1.5, 1.5) with an axis
    stored = [  # the questions are (0, 1) twice, (1, 0), (0.6, 0.8)
        loss(1.8, half),
        loss(-0.2, half),
        loss(half - 0.2, 0.0, -2.0),
        loss(1.4 * math.sqrt(2) - 0.2, 1.6, -1.2),
    ]
    assert second.parts["queue_loss"].item() == pytest.approx(sum(stored))
    again = objective.loss(encoder, head, only_a)  # another micro-step of the same update
    torch.testing.assert_close(memory.encoder[:2], torch.tensor([1.5, 1.5]))
    assert again.parts["queue_loss"].item() == pytest.approx(sum(stored))
    objective.loss(encoder, head, with_momentum(two_tails_batch(), 2))
    torch.testing.assert_close(memory.encoder[:2], torch.tensor([1.125, 2.625]))


def test_the_queue_has_distinct_entities_with_their_newest_vectors() -> None:
    memory = MomentumMemory(two_tails_encoder(), num_entities=6, size=1, queue_size=4, momentum=0.5)

    def store(*pairs: tuple[int, float]) -> None:
        memory.store(torch.tensor([[value] for _, value in pairs]), torch.tensor([entity for entity, _ in pairs]))

    store((3, 0.3), (1, 0.1), (3, 9.0))  # two processes may have the same entity: the first one counts
    assert memory.queue.tolist() == [1, 3, -1, -1]
    assert memory.vectors[:, 0].tolist() == pytest.approx([0, 0.1, 0, 0.3, 0, 0])
    store((0, 1.0), (3, 0.33))
    assert memory.queue.tolist() == [0, 3, 1, -1]
    store((5, 0.5), (4, 0.4))
    assert memory.queue.tolist() == [4, 5, 0, 3]
    assert memory.vectors[:, 0].tolist() == pytest.approx([1.0, 0.1, 0, 0.33, 0.4, 0.5])
    store(*((entity, 0.0) for entity in range(6)))
    assert memory.queue.tolist() == [0, 1, 2, 3]


def test_true_answers_and_empty_places_of_the_queue_are_masked(make: Make, encoder: nn.Module) -> None:
    """Against every question and place of the queue, by the graph's own list of triples."""
    objective = make(momentum=0.9, queue_size=11, micro_batch_size=2, self_negatives=False)
    head = head_of(objective, encoder)
    assert head.memory is not None
    objective.loss(encoder, head.train(), objective.batch(0))
    objective.loss(encoder, head, objective.batch(1))
    known = {tuple(triple) for triple in objective.graph.triples["train"].tolist()}
    given = objective.batch(2)
    columns = (given[name] for name in ("question_entities", "question_relations", "asks_tail"))
    own = Questions(*columns, given["candidate_entities"][given["labels"]])
    entities = given["candidate_entities"]
    size = head.memory.vectors.shape[1]
    asked = torch.ones(len(own.entities), size, dtype=torch.float64)
    stored = torch.ones(len(entities), size, dtype=torch.float64)
    queued = torch.ones(len(head.memory.queue), size, dtype=torch.float64)
    logits = objective._stored_logits(head, asked, own, stored, entities, given["labels"], queued)
    queue = head.memory.queue.tolist()
    assert -1 in queue and set(queue) & set(entities.tolist())
    masked = torch.isinf(logits[:, len(entities) :])
    for question, (subject, relation, asks_tail, answer) in enumerate(zip(*(part.tolist() for part in own), strict=True)):
        for place, entity in enumerate(queue):
            triple = (subject, relation, entity) if asks_tail else (entity, relation, subject)
            wrong = triple not in known and entity not in (-1, answer, subject) and entity not in entities.tolist()
            assert bool(masked[question, place]) is not wrong
    assert not masked.all() and masked.any()


def test_the_summary_says_what_is_stored(make: Make) -> None:
    lines = make(momentum=0.9, queue_size=50, neighbours=4).summary()
    assert lines[-1].endswith(
        "a momentum encoder (0.9), a queue of 20 entities, 4 neighbours of an entity; 20 vectors are stored"
    )
    assert not any("momentum" in line for line in make().summary())


def test_no_gradient_reaches_what_is_stored(make: Make, encoder: nn.Module) -> None:
    objective = make(momentum=0.9, queue_size=5)
    head = objective.head(encoder).double()  # type: ignore[arg-type]
    assert isinstance(head, ContrastiveHead) and head.memory is not None
    for item in range(2):
        objective.loss(encoder, head, objective.batch(item)).total.backward()
    assert all(parameter.grad is None for parameter in head.memory.parameters())
    before = head.memory.vectors.clone()
    objective.loss(encoder, head.eval(), objective.batch(2))
    assert torch.equal(head.memory.vectors, before)  # evaluation stores nothing
    assert not head.memory.vectors.isnan().any() and head.memory.vectors.any(1).sum() > 5


def test_the_momentum_encoder_reads_without_dropout(make: Make, encoder: nn.Module) -> None:
    """Its vectors are those of the encoder in evaluation, and the encoder goes on in training."""
    objective = make(momentum=0.9, queue_size=11)
    head = objective.head(encoder).double().train()  # type: ignore[arg-type]
    assert isinstance(head, ContrastiveHead) and head.memory is not None
    batch = objective.batch(0)
    with torch.no_grad():
        vectors = encode_texts(encoder, batch, "mean", None)[batch["candidates"]]
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.5
    objective.loss(encoder.train(), head, batch)
    stored = head.memory.vectors[batch["candidate_entities"]]
    torch.testing.assert_close(stored, nn.functional.normalize(vectors, dim=-1))
    assert encoder.training


def test_the_momentum_encoder_is_not_saved_with_the_model(make: Make, encoder: nn.Module, tmp_path: Path) -> None:
    objective = make(momentum=0.9, queue_size=4, temperature=0.1)
    objective.save(encoder, objective.head(encoder), tmp_path)  # type: ignore[arg-type]
    loaded = side_files.load_head(tmp_path, objective.graph)
    assert loaded.inverse_temperature.item() == pytest.approx(10.0)
    assert sum(parameter.numel() for parameter in loaded.parameters()) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"queue_size": 8}, "queue_size: found 8 without momentum"),
        ({"neighbours": 8}, "neighbours: found 8 without momentum"),
        ({"momentum": 0.9, "queue_size": 8, "neighbours": -1}, "neighbours: found -1, expected 0 or more"),
        ({"momentum": 1.0, "queue_size": 8}, "momentum: found 1.0, expected a number from 0 to below 1"),
        ({"momentum": 0.9}, "queue_size: found 0, expected 1 or more with momentum"),
        ({"momentum": 0.9, "queue_size": 8, "pre_batches": 1}, "pre_batches: found 1, expected 0 with momentum"),
    ],
)
def test_settings_of_momentum_that_do_not_go_together(make: Make, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**settings)
