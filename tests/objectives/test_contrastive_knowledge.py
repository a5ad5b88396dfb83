"""The contrastive loss against InfoNCE written out question by question (SimKGC: Wang et al. 2022)."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from graph_reader import Reader
from torch import Tensor, nn

from loreweave.checkpoints import knowledge_embedding as side_files
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.encoding.graph_texts import EntityTextConfig
from loreweave.errors import ConfigurationError
from loreweave.objectives import ContrastiveKnowledge, ContrastiveKnowledgeConfig, RunContext
from loreweave.objectives.contrastive_knowledge import ContrastiveHead, Questions
from loreweave.objectives.graph_batches import encode_texts
from loreweave.objectives.momentum import MomentumMemory

Make = Callable[..., ContrastiveKnowledge]
TEXT = EntityTextConfig(max_length=64, relation_max_length=64)
Queue = list[tuple[int, Tensor]]
"""Entities of earlier micro-batches, and their vectors."""


@pytest.fixture
def make(graph_folder: Path, context: RunContext) -> Make:
    """Objectives over the small graph, without the map of questions."""

    def build(**settings: Any) -> ContrastiveKnowledge:
        config = {"graph": str(graph_folder), "micro_batch_size": 6, "text": TEXT, "question_map": False, **settings}
        return ContrastiveKnowledge.build(ContrastiveKnowledgeConfig(**config), context)

    return build


def head_of(objective: ContrastiveKnowledge, encoder: nn.Module) -> ContrastiveHead:
    """Not in training: the queue stays as it is."""
    head = objective.head(encoder)  # type: ignore[arg-type]  # reads config.hidden_size alone
    assert isinstance(head, ContrastiveHead)
    return head.double().eval()


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


class Lookup(nn.Module):
    """Stands for an encoder: the state of token i is row i of a table."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.config = SimpleNamespace(hidden_size=2)
        self.rows = nn.Parameter(torch.tensor(rows))

    @property
    def base_model(self) -> Lookup:
        return self

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.rows[input_ids])


@pytest.fixture
def two_tails(tmp_path: Path, context: RunContext) -> Make:
    """Objectives over (A, r, B) and (A, r, C), two answers to one question; temperature 0.5, margin 0.1."""
    entities = [GraphEntity(name, label=name) for name in "ABC"]
    graph = KnowledgeGraph.from_parts(entities, [GraphRelation("r", "is")], {"train": [[0, 0, 1], [0, 0, 2]]})
    graph.save(tmp_path / "graph")

    def build(**settings: Any) -> ContrastiveKnowledge:
        fixed = {"graph": str(tmp_path / "graph"), "text": TEXT}
        config = {"temperature": 0.5, "margin": 0.1, "question_map": False, **fixed, **settings}
        return ContrastiveKnowledge.build(ContrastiveKnowledgeConfig(**config), context)

    return build


def two_tails_batch() -> dict[str, Tensor]:
    """Texts of one token: A, B, C, then the questions (A, r, ?), (?, r, B), (?, r, C)."""
    numbers: dict[str, Any] = {
        "input_ids_0": [[0], [1], [2], [3], [4], [5]],
        "attention_mask_0": [[1]] * 6,
        "candidates": [0, 1, 2],
        "candidate_entities": [0, 1, 2],
        "questions": [3, 3, 4, 5],
        "question_entities": [0, 0, 1, 2],
        "question_relations": [0, 0, 0, 0],
        "asks_tail": [True, True, False, False],
        "labels": [1, 2, 0, 0],
    }
    return {key: torch.tensor(value) for key, value in numbers.items()}


def two_tails_encoder() -> Lookup:
    """Vectors of any length: A (1, 0), B (0, 1), C (-1, 0); the questions (0, 1), (1, 0), (0.6, 0.8)."""
    return Lookup([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [0.0, 7.0], [1.0, 0.0], [3.0, 4.0]])


def loss(right: float, *others: float) -> float:
    return math.log(sum(math.exp(logit) for logit in (right, *others))) - right


BACKWARD = [  # the other answer's question is masked: A is an answer to both inverse questions, B and C to the first
    loss(1.8, 0.0, 1.6),
    loss(-0.2, -2.0, -1.2),
    loss(1.8, 0.0, 0.0),
    loss(1.0, 0.0, 0.0),
]


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


# ---- momentum ----------------------------------------------------------------------------------------------------------


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
