"""The contrastive loss against InfoNCE written out question by question (SimKGC: Wang et al. 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from contrastive_objectives import Make, head_of
from graph_reader import Reader
from torch import Tensor, nn
from two_tails import BACKWARD, Lookup, loss, two_tails_batch, two_tails_encoder

from loreweave.errors import ConfigurationError
from loreweave.objectives import ContrastiveKnowledge
from loreweave.objectives.contrastive_knowledge import ContrastiveHead

Queue = list[tuple[int, Tensor]]
"""Entities of earlier micro-batches, and their vectors."""


def info_nce(right: Tensor, others: list[Tensor]) -> Tensor:
    return -torch.log(right.exp() / torch.stack([right, *others]).exp().sum())


def by_hand(
    objective: ContrastiveKnowledge, head: ContrastiveHead, read: Reader, item: int = 0, queue: Queue | None = None
) -> Tensor:
    """Loss of a micro-batch; `queue` has the candidates of earlier ones."""
    config, triples = objective.config, objective.sampler[item].triples.tolist()
    read.pooling = config.pooling
    known = {tuple(triple) for split in config.filter_splits for triple in objective.graph.triples[split].tolist()}
    heat = head.log_inverse_temperature.exp()  # type: ignore[union-attr]  # it has one

    def unit(vector: Tensor) -> Tensor:
        return vector / vector.norm()

    def ask(vector: Tensor) -> Tensor:
        if head.question_map is None:
            return unit(vector)
        return unit(head.question_map.weight @ unit(vector) + head.question_map.bias)

    def is_true(question: tuple[int, int, bool], entity: int) -> bool:
        own, relation, asks_tail = question
        return ((own, relation, entity) if asks_tail else (entity, relation, own)) in known

    candidates = {row: unit(read.entity(row)) for row in sorted({end for h, _, t in triples for end in (h, t)})}
    questions = [((h, r, True), t, ask(read.pair(h, r))) for h, r, t in triples]
    questions += [((t, r, False), h, ask(read.pair(t, r, inverse=True))) for h, r, t in triples]
    total = torch.zeros((), dtype=torch.float64)
    for question, gold, asked in questions:

        def competes(row: int, question: tuple[int, int, bool] = question, gold: int = gold) -> bool:
            is_self = row == question[0] and not config.self_negatives
            return row != gold and not is_true(question, row) and not is_self

        right = (asked @ candidates[gold] - config.margin) * heat
        others = [asked @ vector * heat for row, vector in candidates.items() if competes(row)]
        earlier = [asked @ vector * heat * config.pre_batch_weight for row, vector in queue or [] if competes(row)]
        others_asked = [
            candidates[gold] @ vector * heat
            for other, _, vector in questions
            if vector is not asked and not is_true(other, gold)
        ]
        total = total + (info_nce(right, others + earlier) + info_nce(right, others_asked)) / 2
    return total


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.5, "margin": 0.3},
        {"self_negatives": False},
        {"sampling": "neighbourhoods"},
        {"filter_splits": ["train", "valid", "test"], "sampling": "neighbourhoods"},
        {"pooling": "first"},
    ],
    ids=str,
)
def test_loss_and_gradient_are_those_of_the_formulas(
    make: Make, encoder: nn.Module, reader: Reader, settings: dict[str, Any]
) -> None:
    objective = make(**settings)
    head = head_of(objective, encoder)
    parameters = [*encoder.parameters(), *head.parameters()]
    expected = by_hand(objective, head, reader)
    wanted = torch.autograd.grad(expected, parameters, allow_unused=True)
    batch = objective.batch(0)
    found = objective.loss(encoder, head, batch)
    gradients = torch.autograd.grad(found.total, parameters, allow_unused=True)
    assert len(batch["labels"]) == 2 * len(objective.sampler[0].triples)
    torch.testing.assert_close(found.total, expected)
    for gradient, want in zip(gradients, wanted, strict=True):
        assert (gradient is None) == (want is None)
        if want is not None:
            torch.testing.assert_close(gradient, want, rtol=1e-6, atol=1e-9)
    assert gradients[-1].abs() > 1e-3  # of the temperature


def test_questions_go_through_a_map(make: Make, encoder: nn.Module, reader: Reader) -> None:
    """It begins as the identity, learns, and is in float32 as the run's parameters are."""
    objective, plain = make(question_map=True), make()
    encoder.float()
    head = objective.head(encoder).eval()  # type: ignore[arg-type]
    assert isinstance(head, ContrastiveHead) and head.question_map is not None
    batch = objective.batch(0)
    unmapped = plain.loss(encoder, plain.head(encoder).eval(), batch).total  # type: ignore[arg-type]
    torch.testing.assert_close(objective.loss(encoder, head, batch).total, unmapped)
    torch.manual_seed(0)
    nn.init.normal_(head.question_map.weight)
    found = objective.loss(encoder, head, batch).total
    expected = by_hand(objective, head, reader)
    torch.testing.assert_close(found, expected.to(found.dtype), rtol=1e-4, atol=1e-4)
    found.backward()
    assert head.question_map.weight.grad is not None and head.question_map.weight.grad.any()


def test_earlier_candidates_compete_without_gradient(make: Make, encoder: nn.Module, reader: Reader) -> None:
    objective = make(pre_batches=1, micro_batch_size=4)
    head = head_of(objective, encoder)
    reader.pooling = "mean"

    def candidates(item: int) -> Queue:
        rows = np.unique(objective.sampler[item].triples[:, [0, 2]]).tolist()
        return [(row, nn.functional.normalize(reader.entity(row).detach(), dim=0)) for row in rows]

    queue: Queue = []
    for item in range(3):
        expected = by_hand(objective, head, reader, item, queue)
        torch.testing.assert_close(objective.loss(encoder, head, objective.batch(item)).total, expected)
        assert head.queue_entities.tolist()[: len(queue)] == [row for row, _ in queue]  # evaluation leaves no trace
        objective.loss(encoder, head.train(), objective.batch(item)).total.backward()
        queue = (candidates(item) + queue)[: len(head.queue)]
        head.eval()
    assert len(head.queue) == 8 and len(queue) == 8  # two of a triple: more than one micro-batch fits
    first = by_hand(objective, head, reader, 0)
    assert by_hand(objective, head, reader, 0, queue) > first
    stored = head.queue.clone()
    with torch.no_grad():
        encoder.get_parameter("embeddings.word_embeddings.weight").mul_(2.0)
    assert torch.equal(head.queue, stored)


def test_the_queue_of_neighbourhoods_has_the_entities_of_as_many_micro_batches(make: Make, encoder: nn.Module) -> None:
    """Their size counts entities, not triples."""
    assert len(head_of(make(micro_batch_size=4, pre_batches=3), encoder).queue) == 24
    objective = make(micro_batch_size=4, pre_batches=3, sampling="neighbourhoods")
    assert len(head_of(objective, encoder).queue) == 12
    assert all(len(np.unique(objective.sampler[item].triples[:, [0, 2]])) <= 4 for item in range(3))


@pytest.mark.parametrize(("processes", "kept"), [(1, 4), (2, 8), (3, 8)])
def test_the_queue_of_another_number_of_processes_is_cut_or_filled_up(
    make: Make, encoder: nn.Module, processes: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest candidates are first; two of a micro-batch of one triple and process, for two micro-batches."""
    objective = make(micro_batch_size=1, pre_batches=2)
    monkeypatch.setattr("loreweave.objectives.contrastive_knowledge.processes", lambda: 2)
    filled = head_of(objective, encoder)
    assert len(filled.queue) == 8
    filled.queue.copy_(torch.arange(8.0)[:, None].expand_as(filled.queue))
    filled.queue_entities.copy_(torch.arange(8))
    monkeypatch.setattr("loreweave.objectives.contrastive_knowledge.processes", lambda: processes)
    head = head_of(objective, encoder)
    stored = {f"head.{name}": tensor for name, tensor in filled.state_dict().items()}
    nn.ModuleDict({"head": head}).load_state_dict(stored)
    assert len(head.queue) == 4 * processes
    assert head.queue_entities.tolist() == list(range(kept)) + [-1] * (4 * processes - kept)
    assert head.queue[:kept, 0].tolist() == list(range(kept)) and not head.queue[kept:].any()
    assert len(stored["head.queue"]) == 8  # what was given stays as it is


def test_every_text_is_read_once(make: Make, encoder: nn.Module) -> None:
    objective = make(sampling="neighbourhoods", micro_batch_size=6)
    triples, rows = objective.sampler[2].triples, []
    encoder.register_forward_pre_hook(lambda _, __, inputs: rows.append(len(inputs["input_ids"])), with_kwargs=True)
    objective.loss(encoder, head_of(objective, encoder), objective.batch(2))
    questions = {(h, r) for h, r, _ in triples.tolist()} | {(t, r, "inverse") for _, r, t in triples.tolist()}
    assert sum(rows) == len(np.unique(triples[:, [0, 2]])) + len(questions)


# ---- two triples by hand -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("self_negatives", "forward"),
    [  # logits: (cosine - 0.1) * 2 of the true entity, cosine * 2 of others
        (True, [loss(1.8, 0.0), loss(-0.2, 0.0), loss(1.8, 0.0, -2.0), loss(1.0, 1.6, -1.2)]),
        (False, [loss(1.8), loss(-0.2), loss(1.8, -2.0), loss(1.0, 1.6)]),
    ],
)
def test_two_triples_by_hand(two_tails: Make, self_negatives: bool, forward: list[float]) -> None:
    objective, encoder = two_tails(self_negatives=self_negatives), two_tails_encoder()
    head = objective.head(encoder).eval()  # type: ignore[arg-type]
    found = objective.loss(encoder, head, two_tails_batch())
    assert found.total.item() == pytest.approx(sum(forward + BACKWARD) / 2)
    assert int(found.correct) == (2 if self_negatives else 3)
    found.total.backward()
    assert encoder.rows.grad is not None and encoder.rows.grad.isfinite().all() and encoder.rows.grad.any(1).all()
    assert head.log_inverse_temperature.grad is not None and head.log_inverse_temperature.grad.isfinite()


def test_two_triples_with_a_queue_by_hand(two_tails: Make) -> None:
    """The queue has room for four: A, B, C of the second step, A of the first. At weight 0.5 its logits are cosines."""
    objective, encoder = two_tails(pre_batches=1, micro_batch_size=2), two_tails_encoder()
    head = objective.head(encoder)  # type: ignore[arg-type]
    assert isinstance(head, ContrastiveHead)
    first = objective.loss(encoder, head, two_tails_batch()).total.item()
    assert head.queue_entities.tolist() == [0, 1, 2, -1]
    second = objective.loss(encoder, head, two_tails_batch()).total.item()
    assert head.queue_entities.tolist() == [0, 1, 2, 0]
    third = objective.loss(encoder, head, two_tails_batch()).total.item()
    plain = [loss(1.8, 0.0), loss(-0.2, 0.0), loss(1.8, 0.0, -2.0), loss(1.0, 1.6, -1.2)]
    with_queue = [loss(1.8, 0.0, 0.0), loss(-0.2, 0.0, 0.0), loss(1.8, 0.0, -2.0, 0.0, -1.0), loss(1.0, 1.6, -1.2, 0.8, -0.6)]
    twice_a = [loss(1.8, 0.0, 0.0, 0.0), loss(-0.2, 0.0, 0.0, 0.0), *with_queue[2:]]  # A is true for the inverse questions
    for total, forward in ((first, plain), (second, with_queue), (third, twice_a)):
        assert total == pytest.approx(sum(forward + BACKWARD) / 2)


def test_similarities_are_float32_in_half_precision(two_tails: Make) -> None:
    """bfloat16 has steps of 0.004 below 1: at an inverse temperature of 20 that is 0.08 of a logit."""
    rows = [[1.0, 0.1], [1.0, 0.13], [1.0, 0.16], [1.0, 0.12], [1.0, 0.11], [1.0, 0.15]]
    for question_map in (False, True):
        objective = two_tails(temperature=0.05, question_map=question_map)
        encoder = Lookup(rows)
        head = objective.head(encoder).eval()  # type: ignore[arg-type]
        exact = objective.loss(encoder, head, two_tails_batch()).total
        with torch.autocast("cpu", torch.bfloat16):
            found = objective.loss(encoder, head, two_tails_batch()).total
        torch.testing.assert_close(found, exact)


def test_what_cannot_be(make: Make) -> None:
    with pytest.raises(ValueError, match="temperature: found 0.0, expected more than 0"):
        make(temperature=0.0)
    with pytest.raises(ConfigurationError, match="needs a model"):
        make().head(None)
