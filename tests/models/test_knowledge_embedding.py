"""The head and the model: starting values, margins, pooling, tables, and what an encoder must be."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import BertConfig, BertModel, LukeConfig, RobertaConfig, RobertaModel

from loreweave.errors import ConfigurationError
from loreweave.models import KnowledgeEmbeddingModel, LukeModel
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead, pool
from loreweave.models.knowledge_scorers import SCORERS

TINY = {
    "vocab_size": 30,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 20,
}
INPUT_IDS = torch.tensor([[0, 5, 6, 7, 2], [0, 8, 2, 1, 1]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


def roberta() -> RobertaModel:
    torch.manual_seed(0)
    return RobertaModel(RobertaConfig(**TINY, pad_token_id=1)).eval()


@pytest.mark.parametrize(("gamma", "limit"), [(4.0, 0.0078125), (9.0, 11 / 768), (1.0, 0.00390625)])
def test_relations_start_as_in_the_released_code(gamma: float, limit: float) -> None:
    table = KnowledgeEmbeddingHead("transe_l2", 768, 200, gamma).relation_embeddings.weight
    assert table.abs().max().item() == pytest.approx(limit, rel=1e-3)
    assert table.abs().max().item() <= limit
    assert table.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.01)


def test_phases_start_anywhere_on_the_circle() -> None:
    table = KnowledgeEmbeddingHead("rotate", 32, 500).relation_embeddings.weight
    assert table.shape == (500, 16)
    assert 3.1 < table.abs().max().item() <= math.pi


@pytest.mark.parametrize("name", SCORERS)
def test_the_margin_is_added_to_distances_only(name: str) -> None:
    head = KnowledgeEmbeddingHead(name, 8, 3, gamma=9.0)
    first, last, relation = torch.randn(2, 8), torch.randn(2, 8), head.relation_vectors(torch.tensor([0, 2]))
    margin = 9.0 if name in ("transe_l1", "transe_l2", "rotate") else 0.0
    torch.testing.assert_close(head.score(first, relation, last), margin + head.scorer.score(first, relation, last))


def test_released_transe_positive_and_negative_scores() -> None:
    """KEPLER (Wang et al. 2021, section 3): f = gamma - ||h + r - t||_2 with shapes [B, 1, d] against [B, n, d]."""
    head = KnowledgeEmbeddingHead("transe_l2", 6, 4, gamma=4.0)
    first, last, negatives = torch.randn(3, 1, 6), torch.randn(3, 1, 6), torch.randn(3, 5, 6)
    relation = head.relation_vectors(torch.tensor([1, 0, 3]))[:, None]
    expected = 4.0 - ((first + relation - last) ** 2).sum(-1).sqrt()
    torch.testing.assert_close(head.score(first, relation, last), expected)
    corrupted = head.score(negatives, relation, last)
    assert corrupted.shape == (3, 5)
    torch.testing.assert_close(corrupted[2, 4], 4.0 - (negatives[2, 4] + relation[2, 0] - last[2, 0]).norm())


def test_parts_that_a_head_does_not_have_are_named() -> None:
    head = KnowledgeEmbeddingHead("distmult", 8, 0)
    assert dict(head.named_parameters()) == {}
    for ask, message in (
        (lambda: head.relation_vectors(torch.tensor([0])), "no relation table"),
        (lambda: head.entity_vectors(torch.tensor([0])), "no entity table"),
        (lambda: head.inverse_temperature, "no temperature"),
        (lambda: KnowledgeEmbeddingHead("distmult", 8, 0, temperature=0.0), "temperature 0.0"),
        (lambda: KnowledgeEmbeddingHead("complex", 7, 0), "even size"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            ask()


def test_the_temperature_is_learned_as_the_logarithm_of_its_inverse() -> None:
    head = KnowledgeEmbeddingHead("distmult", 8, 0, temperature=0.05)
    assert head.inverse_temperature.item() == pytest.approx(20.0)
    head.inverse_temperature.backward()
    assert head.log_inverse_temperature.grad.item() == pytest.approx(20.0)


def test_first_state_is_raw_and_mean_leaves_padding_out() -> None:
    encoder = roberta()
    states = encoder(input_ids=INPUT_IDS, attention_mask=MASK).last_hidden_state
    head = KnowledgeEmbeddingHead("transe_l2", 16, 3)
    first = KnowledgeEmbeddingModel(encoder, head).embed(INPUT_IDS, MASK)
    assert torch.equal(first, states[:, 0])
    mean = KnowledgeEmbeddingModel(encoder, head, "mean").embed(INPUT_IDS, MASK)
    torch.testing.assert_close(mean, torch.stack([states[0].mean(0), states[1, :3].mean(0)]))
    unit = KnowledgeEmbeddingModel(encoder, head, "mean", normalize=True)(INPUT_IDS, MASK)
    torch.testing.assert_close(unit, functional.normalize(mean, dim=-1))


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_vectors_do_not_depend_on_padding_and_are_float32(pooling: str) -> None:
    model = KnowledgeEmbeddingModel(roberta(), KnowledgeEmbeddingHead("distmult", 16, 0), pooling)  # type: ignore[arg-type]
    alone = model.embed(INPUT_IDS[1:, :3], MASK[1:, :3])
    torch.testing.assert_close(model.embed(INPUT_IDS, MASK)[1:], alone)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model.embed(INPUT_IDS, MASK).dtype == torch.float32
    assert model.bfloat16().embed(INPUT_IDS, MASK).dtype == torch.float32


def test_mean_of_nothing_is_finite() -> None:
    assert torch.equal(pool(torch.ones(1, 2, 3), torch.zeros(1, 2), "mean"), torch.zeros(1, 3))


def test_segments_reach_a_bert() -> None:
    torch.manual_seed(0)
    model = KnowledgeEmbeddingModel(BertModel(BertConfig(**TINY)).eval(), KnowledgeEmbeddingHead("distmult", 16, 0))
    segments = torch.tensor([[0, 0, 1, 1, 1], [0, 0, 1, 0, 0]])
    assert not torch.allclose(model.embed(INPUT_IDS, MASK, segments), model.embed(INPUT_IDS, MASK))


def test_luke_reads_words_alone() -> None:
    torch.manual_seed(0)
    luke = LukeModel(LukeConfig(**TINY, pad_token_id=1, entity_vocab_size=5, entity_emb_size=8)).eval()
    model = KnowledgeEmbeddingModel(luke, KnowledgeEmbeddingHead("transe_l1", 16, 3))
    found = model.embed(INPUT_IDS, MASK)
    assert torch.equal(found, luke(input_ids=INPUT_IDS, attention_mask=MASK).last_hidden_state[:, 0])


def test_tabled_entities_need_no_encoder() -> None:
    head = KnowledgeEmbeddingHead("complex", 8, 3, num_entities=5)
    model = KnowledgeEmbeddingModel(None, head, normalize=True)
    rows = torch.tensor([[0, 4], [2, 2]])
    torch.testing.assert_close(model.embed_rows(rows), functional.normalize(head.entity_embeddings.weight[rows], dim=-1))
    with pytest.raises(ConfigurationError, match="no encoder"):
        model.embed(INPUT_IDS, MASK)


def test_what_does_not_fit_is_refused() -> None:
    head = KnowledgeEmbeddingHead("distmult", 8, 3)
    with pytest.raises(ConfigurationError, match="neither an encoder nor an entity table"):
        KnowledgeEmbeddingModel(None, head)
    with pytest.raises(ConfigurationError, match="hidden size 16 and a head of size 8"):
        KnowledgeEmbeddingModel(roberta(), head)
    with pytest.raises(ConfigurationError, match="'max', expected one of first, mean"):
        KnowledgeEmbeddingModel(roberta(), KnowledgeEmbeddingHead("distmult", 16, 3), "max")  # type: ignore[arg-type]


def test_every_parameter_of_the_head_learns() -> None:
    head = KnowledgeEmbeddingHead("transe_l2", 16, 3, temperature=0.05)
    model = KnowledgeEmbeddingModel(roberta(), head)
    vectors: Tensor = model.embed(INPUT_IDS, MASK)
    relation = head.relation_vectors(torch.tensor([1]))
    (head.score(vectors[:1], relation, vectors[1:]) * head.inverse_temperature).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in head.parameters())
    assert model.encoder.embeddings.word_embeddings.weight.grad.any()
