"""The knowledge-embedding loss against its formulas (Wang et al. 2021, section 3), written out here triple by triple."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from graph_reader import Reader
from torch import Tensor, nn

from loreweave.encoding.graph_texts import EntityTextConfig
from loreweave.errors import ConfigurationError
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead
from loreweave.objectives import KnowledgeEmbedding, KnowledgeEmbeddingConfig, RunContext, SecondKnowledgeEmbedding
from loreweave.objectives import graph_batches as batches
from loreweave.objectives.triples import corrupt

TEXT = {"max_length": 64, "relation_max_length": 64}
Make = Callable[..., KnowledgeEmbedding]


@pytest.fixture
def make(graph_folder: Path, context: RunContext) -> Make:
    """Objectives over the small graph."""

    def build(**settings: Any) -> KnowledgeEmbedding:
        text = EntityTextConfig(**TEXT)
        config = {"graph": str(graph_folder), "micro_batch_size": 6, "text": text, **settings}
        return KnowledgeEmbedding.build(KnowledgeEmbeddingConfig(**config), context)

    return build


def head_of(objective: KnowledgeEmbedding, encoder: nn.Module | None) -> KnowledgeEmbeddingHead:
    head = objective.head(encoder)  # type: ignore[arg-type]  # reads config.hidden_size alone
    assert isinstance(head, KnowledgeEmbeddingHead)
    for parameter in head.parameters():  # larger than they start, so that they matter
        nn.init.normal_(parameter, std=0.3)
    return head.double()


def by_hand(objective: KnowledgeEmbedding, head: KnowledgeEmbeddingHead, read: Reader, item: int = 0) -> tuple[Tensor, int]:
    """Loss of a micro-batch with negatives, and how many triples score above all their corruptions."""
    config, drawn = objective.config, objective.sampler[item]
    read.pooling = config.pooling
    ends = np.unique(drawn.triples[:, [0, 2]])
    pool = ends if config.negatives_from == "batch" else objective.graph.num_entities
    false = corrupt(drawn, pool, config.negatives, objective.true, objective.seed)

    def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
        difference = h + r - t
        distance = difference.abs().sum() if config.scorer == "transe_l1" else (difference * difference).sum().sqrt()
        return config.gamma - distance

    total, correct = torch.zeros((), dtype=torch.float64), 0
    for i, (head_row, relation, tail_row) in enumerate(drawn.triples.tolist()):
        h, t = read.entity(head_row), read.entity(tail_row)
        conditioned = config.variant == "cond"
        h_r = read.pair(head_row, relation) if conditioned else h
        t_r = read.pair(tail_row, relation) if conditioned else t
        table = head.relation_embeddings
        r = read(read.relation_text(relation)) if table is None else table.weight[relation]
        positive = (score(h_r, r, t) + score(h, r, t_r)) / 2
        rows = zip(false.corrupted_heads[i], false.head_is_false[i], strict=True)
        heads = [score(read.entity(int(row)), r, t_r) for row, is_false in rows if is_false]
        rows = zip(false.corrupted_tails[i], false.tail_is_false[i], strict=True)
        tails = [score(h_r, r, read.entity(int(row))) for row, is_false in rows if is_false]
        sides = [torch.stack(side) for side in (heads, tails) if side]
        total = total + (_log_sigmoid if config.loss == "log_sigmoid" else _softmax)(positive, sides, config)
        total = total + config.l3 * (h.abs() ** 3 + t.abs() ** 3 + r.abs() ** 3).sum()
        correct += all(bool((positive > side).all()) for side in sides)
    return total, correct


def _log_sigmoid(positive: Tensor, sides: list[Tensor], config: KnowledgeEmbeddingConfig) -> Tensor:
    loss = torch.log(1 + torch.exp(-positive))
    if not sides:
        return loss
    negative = torch.cat(sides)
    powers = torch.exp((config.self_adversarial_temperature or 0.0) * negative.detach())
    return loss + (powers / powers.sum() * torch.log(1 + torch.exp(negative))).sum()


def _softmax(positive: Tensor, sides: list[Tensor], config: KnowledgeEmbeddingConfig) -> Tensor:
    losses = [-torch.log(positive.exp() / (positive.exp() + side.exp().sum())) for side in sides]
    return sum(losses, torch.zeros_like(positive)) / 2


@pytest.mark.parametrize("scorer", ["transe_l1", "transe_l2"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"variant": "rel"},
        {"variant": "cond"},
        {"variant": "cond", "loss": "cross_entropy", "negatives": 2},
        {"variant": "rel", "pooling": "mean", "gamma": 9.0},
        {"negatives": 3, "self_adversarial_temperature": 0.7},
        {"negatives": 3, "loss": "cross_entropy"},
        {"negatives_from": "batch", "negatives": 4, "micro_batch_size": 2},  # some corruptions cannot be false
        {"negatives_from": "batch", "sampling": "neighbourhoods", "micro_batch_size": 5},
        {"l3": 0.1},
    ],
    ids=str,
)
def test_loss_and_gradient_are_those_of_the_formulas(
    make: Make, encoder: nn.Module, reader: Reader, settings: dict[str, Any], scorer: str
) -> None:
    objective = make(scorer=scorer, **settings)
    head = head_of(objective, encoder)
    parameters = [*encoder.parameters(), *head.parameters()]
    expected, correct = by_hand(objective, head, reader)
    wanted = torch.autograd.grad(expected, parameters, allow_unused=True)
    found = objective.loss(encoder, head, objective.batch(0))
    gradients = torch.autograd.grad(found.total, parameters, allow_unused=True)
    torch.testing.assert_close(found.total, expected)
    assert int(found.correct) == correct
    for gradient, want in zip(gradients, wanted, strict=True):
        assert (gradient is None) == (want is None)
        if want is not None:
            torch.testing.assert_close(gradient, want, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("scorer", ["transe_l2", "distmult", "complex"])
def test_cross_entropy_against_a_whole_table(make: Make, scorer: str) -> None:
    objective = make(
        entities="table", loss="cross_entropy", negatives_from="all", scorer=scorer, table_size=6, gamma=2.0, l3=0.01
    )
    head = head_of(objective, None)
    assert head.entity_embeddings is not None and head.relation_embeddings is not None
    entities, relations = head.entity_embeddings.weight, head.relation_embeddings.weight

    def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
        if scorer == "transe_l2":
            return -((h + r - t) ** 2).sum().sqrt()
        if scorer == "distmult":
            return (h * r * t).sum()
        first, relation, last = (torch.complex(v[0::2], v[1::2]) for v in (h, r, t))
        return (first * relation * last.conj()).sum().real

    total, correct = torch.zeros((), dtype=torch.float64), 0
    for h, r, t in objective.sampler[0].triples.tolist():
        for gold, scores in (
            (t, [score(entities[h], relations[r], entity) for entity in entities]),
            (h, [score(entity, relations[r], entities[t]) for entity in entities]),
        ):
            powers = torch.stack(scores).exp()
            total = total - torch.log(powers[gold] / powers.sum()) / 2
            correct += int(powers.argmax()) == gold
        total = total + 0.01 * sum((v.abs() ** 3).sum() for v in (entities[h], relations[r], entities[t]))
    batch = objective.batch(0)
    assert not any("input_ids" in key or "corrupted" in key for key in batch)
    found = objective.loss(None, head, batch)
    torch.testing.assert_close(found.total, total)
    assert float(found.correct) == correct / 2
    found.total.backward()
    assert head.entity_embeddings.weight.grad is not None and head.entity_embeddings.weight.grad.all()


class Lookup(nn.Module):
    """Stands for an encoder: the state of token i is row i of a table."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.tensor(rows, dtype=torch.float64))
        self.read = 0

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        self.read += len(input_ids)
        return SimpleNamespace(last_hidden_state=self.rows[input_ids])


def two_triples() -> dict[str, Tensor]:
    """(A, r, B) with the corruptions (D, r, B) and (A, r, C); (C, s, D) with (B, s, D) and (C, s, A); texts of one token."""
    numbers: dict[str, Any] = {
        "input_ids_0": [[0], [1], [2], [3]],
        "attention_mask_0": [[1], [1], [1], [1]],
        "labels": [0, 1],
        "heads": [0, 2],
        "tails": [1, 3],
        "corrupted_heads": [[3], [1]],
        "corrupted_tails": [[2], [0]],
        "head_is_false": [[True], [True]],
        "tail_is_false": [[True], [True]],
    }
    return {key: torch.tensor(value) for key, value in numbers.items()}


def two_triples_head(scorer: str) -> KnowledgeEmbeddingHead:
    head = KnowledgeEmbeddingHead(scorer, 2, 2, gamma=4.0).double()
    assert head.relation_embeddings is not None
    head.relation_embeddings.weight.data = torch.tensor([[0.0, 0.0], [3.0, -1.0]], dtype=torch.float64)
    return head


A, B, C, D = [0.0, 0.0], [3.0, 4.0], [0.0, 1.0], [3.0, 0.0]


@pytest.mark.parametrize(
    ("scorer", "scores"),
    [  # 4 - distance: (A, r, B), (D, r, B), (A, r, C); (C, s, D), (B, s, D), (C, s, A)
        ("transe_l2", [(-1.0, 0.0, 3.0), (4.0, 4 - 18**0.5, 1.0)]),
        ("transe_l1", [(-3.0, 0.0, 3.0), (4.0, -2.0, 1.0)]),
    ],
)
def test_two_triples_by_hand(make: Make, scorer: str, scores: list[tuple[float, float, float]]) -> None:
    objective, head, encoder = make(scorer=scorer), two_triples_head(scorer), Lookup([A, B, C, D])
    found = objective.loss(encoder, head, two_triples())
    expected = sum(
        np.log1p(np.exp(-true)) + (np.log1p(np.exp(false_head)) + np.log1p(np.exp(false_tail))) / 2
        for true, false_head, false_tail in scores
    )
    assert found.total.item() == pytest.approx(expected)
    assert int(found.correct) == 1  # the second
    found.total.backward()
    assert head.relation_embeddings is not None and head.relation_embeddings.weight.grad is not None
    for gradient in (encoder.rows.grad, head.relation_embeddings.weight.grad):
        assert gradient is not None and gradient.isfinite().all() and gradient.any()  # at the distance 0 of (C, s, D) too


@pytest.mark.parametrize("settings", [{}, {"self_adversarial_temperature": 1.0}, {"loss": "cross_entropy"}], ids=str)
def test_a_corruption_that_is_not_false_does_not_count(make: Make, settings: dict[str, Any]) -> None:
    objective, head, encoder = make(scorer="transe_l2", **settings), two_triples_head("transe_l2"), Lookup([A, B, C, D])

    def loss(**changes: list[Any]) -> tuple[float, int, Tensor]:
        batch = two_triples() | {key: torch.tensor(value) for key, value in changes.items()}
        encoder.zero_grad()
        found = objective.loss(encoder, head, batch)
        found.total.backward()
        assert encoder.rows.grad is not None
        return found.total.item(), int(found.correct), encoder.rows.grad.clone()

    masked = {"tail_is_false": [[False], [True]]}
    first, correct, gradient = loss(**masked)
    second, _, other = loss(corrupted_tails=[[1], [0]], **masked)  # B, which is true, in the place of C
    assert first == second and torch.equal(gradient, other) and correct == 1
    assert first != loss()[0]
    none, correct, gradient = loss(head_is_false=[[False], [False]], tail_is_false=[[False], [False]])
    expected = 0.0 if "loss" in settings else np.log1p(np.exp(1.0)) + np.log1p(np.exp(-4.0))
    assert none == pytest.approx(expected) and gradient.isfinite().all() and correct == 2


def texts_of(batch: dict[str, Tensor]) -> list[tuple[int, ...]]:
    """The tokens of every text, in the order that numbers count them."""
    texts = []
    for bucket in range(sum(key.startswith("input_ids") for key in batch)):
        ids, mask = (batch[f"{key}_{bucket}"] for key in ("input_ids", "attention_mask"))
        texts += [tuple(row[kept.bool()].tolist()) for row, kept in zip(ids, mask, strict=True)]
    return texts


@pytest.mark.parametrize("variant", ["wiki", "rel", "cond"])
@pytest.mark.parametrize("sampling", ["triples", "neighbourhoods"])
def test_every_text_is_read_once(make: Make, encoder: nn.Module, reader: Reader, variant: str, sampling: str) -> None:
    objective = make(variant=variant, sampling=sampling, negatives=2, micro_batch_size=8)
    batch = objective.batch(1)
    texts = texts_of(batch)
    drawn = objective.sampler[1]
    triples = drawn.triples
    false = corrupt(drawn, objective.graph.num_entities, 2, objective.true, objective.seed)
    together = (triples[:, [0, 2]], false.corrupted_heads, false.corrupted_tails)
    entities = np.unique(np.concatenate([rows.ravel() for rows in together]))
    pairs = {(row, r) for h, r, t in triples.tolist() for row in (h, t)} if variant == "cond" else set()
    relations = np.unique(triples[:, 1]) if variant == "rel" else []
    assert len(texts) == len(entities) + len(pairs) + len(relations) < 6 * len(triples)
    rows = []
    encoder.register_forward_pre_hook(lambda _, __, inputs: rows.append(len(inputs["input_ids"])), with_kwargs=True)
    objective.loss(encoder, head_of(objective, encoder), batch)
    assert sum(rows) == len(texts)

    def tokens(*given: str) -> tuple[int, ...]:
        return tuple(reader.tokenizer(*given)["input_ids"])

    for i, (h, r, t) in enumerate(triples.tolist()):
        assert texts[batch["heads"][i]] == tokens(reader.text(h))
        assert texts[batch["tails"][i]] == tokens(reader.text(t))
        if variant == "cond":
            assert texts[batch["asking_heads"][i]] == tokens(reader.text(h), reader.relation_text(r))
            assert texts[batch["asking_tails"][i]] == tokens(reader.text(t), reader.relation_text(r))
        if variant == "rel":
            assert texts[batch["relations"][i]] == tokens(reader.relation_text(r))


def test_buckets_change_nothing(make: Make, encoder: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    objective = make(variant="cond", micro_batch_size=8)
    head = head_of(objective, encoder)
    losses, gradients, tokens = [], [], []
    for buckets in (1, 4, 1000):
        monkeypatch.setattr(batches, "_BUCKETS", buckets)
        batch = objective.batch(0)
        tokens.append(sum(value.numel() for key, value in batch.items() if "input_ids" in key))
        encoder.zero_grad()
        found = objective.loss(encoder, head, batch)
        found.total.backward()
        losses.append(found.total.detach())
        gradients.append(encoder.get_parameter("embeddings.word_embeddings.weight").grad.clone())
    assert tokens[0] > tokens[1] > tokens[2] == sum(map(len, texts_of(objective.batch(0))))
    for loss, gradient in zip(losses[1:], gradients[1:], strict=True):
        torch.testing.assert_close(loss, losses[0])
        torch.testing.assert_close(gradient, gradients[0])


def test_a_micro_batch_depends_on_seed_and_number_alone(make: Make, graph_folder: Path, context: RunContext) -> None:
    first, again = make().batch(7), make().batch(7)
    assert first.keys() == again.keys() and all(torch.equal(first[key], again[key]) for key in first)
    text = EntityTextConfig(**TEXT)
    config = KnowledgeEmbeddingConfig(graph=str(graph_folder), micro_batch_size=6, text=text)
    second = SecondKnowledgeEmbedding(config, context).batch(7)
    assert second.keys() == first.keys() and all(torch.equal(second[key], first[key]) for key in first)


def test_scores_are_float32_in_half_precision(make: Make) -> None:
    """bfloat16 has no 257."""
    objective, head = make(scorer="distmult"), KnowledgeEmbeddingHead("distmult", 2, 2)
    assert head.relation_embeddings is not None
    head.relation_embeddings.weight.data.fill_(-1.0)
    encoder = Lookup([[256.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = objective.loss(encoder, head, two_triples())
    assert found.total.dtype == torch.float32
    assert found.total.item() == pytest.approx(257 + 3 * np.log(2), rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"negatives": 0}, "expected 1 or more"),
        ({"negatives_from": "all"}, "needs entities: table or vocabulary, and loss: cross_entropy"),
        ({"loss": "cross_entropy", "self_adversarial_temperature": 1.0}, "expected null for cross_entropy"),
        ({"entities": "table", "variant": "cond"}, "expected wiki with entities: table"),
        ({"sampling": "neighbourhoods", "micro_batch_size": 1}, "expected 2 or more"),
    ],
)
def test_settings_that_do_not_go_together(make: Make, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**settings)


def test_texts_need_an_encoder_and_a_split_to_train_on(make: Make) -> None:
    with pytest.raises(ConfigurationError, match="needs a model"):
        make().head(None)
    with pytest.raises(ConfigurationError, match="no split 'tset'"):
        make(filter_splits=["tset"])
