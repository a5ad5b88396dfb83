"""Heads over graphs beside an encoder: what comes back, whose rows they are, and what plain transformers makes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny_tokenizers
import torch
from torch import nn
from transformers import BertConfig, BertModel, LukeConfig, RobertaConfig, RobertaForMaskedLM, RobertaModel, RobertaTokenizer

from loreweave.checkpoints.encoders import load_encoder
from loreweave.checkpoints.formats import hugging_face
from loreweave.checkpoints.knowledge_embedding import describe, load, load_head, names, save
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.encoding.graph_texts import EntityTextConfig
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models import LukeForMaskedLM, LukeModel
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead
from loreweave.models.knowledge_scorers import SCORERS

TINY = {
    "vocab_size": 401,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
IDS, MASK = torch.tensor([[0, 5, 6, 7, 2], [0, 8, 2, 1, 1]]), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
TEXT = EntityTextConfig(text="label_description", max_length=50)


def graph_of(entities: str, relations: str) -> KnowledgeGraph:
    """One letter, one id."""
    return KnowledgeGraph.from_parts(
        [GraphEntity(f"Q{id}") for id in entities], [GraphRelation(f"P{id}") for id in relations], {}
    )


GRAPH = graph_of("abcde", "xyz")


def write(
    folder: Path,
    head: KnowledgeEmbeddingHead,
    graph: KnowledgeGraph | None = GRAPH,
    encoder: nn.Module | None = None,
    **more: Any,
) -> Path:
    folder.mkdir(exist_ok=True)
    if isinstance(encoder, RobertaForMaskedLM | RobertaModel | BertModel):
        encoder.save_pretrained(folder)
    save(folder, head, graph, **{"variant": "wiki", "pooling": "first", "text": TEXT, **more})
    return folder


def roberta(cls: type[RobertaModel] | type[RobertaForMaskedLM] = RobertaForMaskedLM) -> Any:
    torch.manual_seed(0)
    return cls(RobertaConfig(**TINY, pad_token_id=1)).eval()


@pytest.mark.parametrize("scorer", SCORERS)
def test_round_trip_beside_an_encoder(scorer: str, tmp_path: Path) -> None:
    encoder, head = roberta(), KnowledgeEmbeddingHead(scorer, 16, 3, gamma=9.0)
    write(tmp_path, head, encoder=encoder, pooling="mean", variant="cond")
    model = load(tmp_path, GRAPH)
    assert torch.equal(model.head.relation_embeddings.weight, head.relation_embeddings.weight)
    assert (model.head.scorer.name, model.head.gamma, model.pooling, model.normalize) == (scorer, 9.0, "mean", False)
    states = encoder.roberta(input_ids=IDS, attention_mask=MASK).last_hidden_state
    torch.testing.assert_close(model.embed(IDS, MASK)[1], states[1, :3].mean(0))
    assert not model.training and not model.encoder.training
    described = describe(tmp_path)
    assert (described.name, described.variant, described.text) == ("knowledge_embedding", "cond", TEXT)
    assert described.relation_ids == ["Px", "Py", "Pz"] and described.num_entities == 0
    assert described.graph == {"fingerprint": GRAPH.fingerprint, "entities": 5, "relations": 3}


def test_a_loaded_head_learns(tmp_path: Path) -> None:
    write(tmp_path, KnowledgeEmbeddingHead("transe_l2", 16, 3, temperature=0.05), encoder=roberta())
    model = load(tmp_path)
    relation = model.head.relation_vectors(torch.tensor([0, 2]))
    vectors = model.embed(IDS, MASK)
    (model.head.score(vectors, relation, vectors.flip(0)).sum() * model.head.inverse_temperature).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.head.parameters())
    assert model.head.inverse_temperature.item() == pytest.approx(20.0)


def test_a_contrastive_head_has_no_table(tmp_path: Path) -> None:
    head = KnowledgeEmbeddingHead("distmult", 16, 0, temperature=0.05)
    head.register_buffer("queue", torch.ones(2, 16))
    write(tmp_path, head, encoder=roberta(), variant="contrastive", normalize=True, pooling="mean")
    other = graph_of("mnop", "q")
    model = load(tmp_path, other)
    assert model.head.relation_embeddings is None and model.head.inverse_temperature.item() == pytest.approx(20.0)
    torch.testing.assert_close(model.embed(IDS, MASK).norm(dim=1), torch.ones(2))


def test_luke_is_loaded_as_ours(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = LukeConfig(**TINY, pad_token_id=1, entity_vocab_size=5, entity_emb_size=8, use_entity_aware_attention=False)
    luke = LukeForMaskedLM(config).eval()
    hugging_face.save(luke, None, tmp_path / "model")
    write(tmp_path / "model", KnowledgeEmbeddingHead("transe_l1", 16, 3))
    model = load(tmp_path / "model", GRAPH)
    assert type(model.encoder) is LukeModel
    expected = luke.luke(input_ids=IDS, attention_mask=MASK).last_hidden_state[:, 0]
    torch.testing.assert_close(model.embed(IDS, MASK), expected)


# ---- whose rows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relations", ["zxy", "xyz", "y", "zy"])
def test_relation_rows_follow_the_graph(relations: str, tmp_path: Path) -> None:
    """Entities are read from texts: other ones are welcome."""
    head = KnowledgeEmbeddingHead("transe_l2", 16, 3)
    write(tmp_path, head, encoder=roberta())
    table = load(tmp_path, graph_of("ghi", relations)).head.relation_embeddings.weight
    expected = head.relation_embeddings.weight[["xyz".index(id) for id in relations]]
    assert torch.equal(table, expected)


def test_a_relation_without_a_row_is_named(tmp_path: Path) -> None:
    write(tmp_path, KnowledgeEmbeddingHead("transe_l2", 16, 3), encoder=roberta())
    other = graph_of("abcd", "xwv")
    with pytest.raises(CheckpointError) as error:
        load(tmp_path, other)
    message = str(error.value)
    assert "no row for the relation 'Pw' (2 of the graph's 3 have none)" in message
    assert f"{GRAPH.fingerprint[:12]} (5 entities, 3 relations)" in message
    assert f"{other.fingerprint[:12]} (4 entities, 3 relations)" in message


@pytest.mark.parametrize("entities", ["edcba", "abcde", "c", "db"])
def test_entity_rows_follow_the_graph(entities: str, tmp_path: Path) -> None:
    head = KnowledgeEmbeddingHead("complex", 6, 3, num_entities=5)
    write(tmp_path, head)
    model = load(tmp_path, graph_of(entities, "yx"))
    assert model.encoder is None
    rows = ["abcde".index(id) for id in entities]
    assert torch.equal(model.embed_rows(torch.arange(len(rows))), head.entity_embeddings.weight[rows])
    assert torch.equal(model.head.relation_embeddings.weight, head.relation_embeddings.weight[[1, 0]])


def test_an_entity_without_a_row_is_named(tmp_path: Path) -> None:
    write(tmp_path, KnowledgeEmbeddingHead("complex", 6, 3, num_entities=5))
    with pytest.raises(CheckpointError, match=r"no row for the entity 'Qf' \(1 of the graph's 3 have none\)"):
        load(tmp_path, graph_of("afc", "xyz"))


def test_weights_that_came_without_a_graph(tmp_path: Path) -> None:
    """A converted KEPLER does not say which relation is which."""
    head = KnowledgeEmbeddingHead("transe_l2", 16, 3)
    write(tmp_path / "unknown", head, None, roberta())
    assert load(tmp_path / "unknown").head.relation_embeddings.weight.shape == (3, 16)
    with pytest.raises(CheckpointError, match="ids of the relation table's rows are not known; .* an unknown graph, the given"):
        load(tmp_path / "unknown", GRAPH)
    write(tmp_path / "known", head, None, roberta(), relation_ids=["Pz", "Py", "Px"])
    table = load(tmp_path / "known", GRAPH).head.relation_embeddings.weight
    assert torch.equal(table, head.relation_embeddings.weight.flip(0))


def test_tables_must_be_the_graphs(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="found 4 rows of relation_embeddings.weight, expected 3"):
        write(tmp_path, KnowledgeEmbeddingHead("distmult", 4, 4))
    with pytest.raises(ConfigurationError, match="found 9 rows of entity_embeddings.weight, expected 5"):
        write(tmp_path, KnowledgeEmbeddingHead("distmult", 4, 3, num_entities=9))
    with pytest.raises(ConfigurationError, match="variant 'other', expected one of wiki, rel"):
        write(tmp_path, KnowledgeEmbeddingHead("distmult", 4, 3), variant="other")
    assert names(tmp_path) == []


# ---- several heads, and broken files ---------------------------------------------------------------------------------


def test_several_heads_in_a_folder(tmp_path: Path) -> None:
    first, second = KnowledgeEmbeddingHead("transe_l2", 16, 3), KnowledgeEmbeddingHead("transe_l1", 16, 2, gamma=1.0)
    write(tmp_path, first, encoder=roberta())
    write(tmp_path, second, graph_of("mn", "vw"), name="second_knowledge_embedding")
    assert names(tmp_path) == ["knowledge_embedding", "second_knowledge_embedding"]
    with pytest.raises(CheckpointError, match="heads knowledge_embedding, second_knowledge_embedding; name one"):
        load(tmp_path)
    with pytest.raises(CheckpointError, match="no head 'third', but knowledge_embedding, second"):
        load(tmp_path, name="third")
    assert load(tmp_path, name="second_knowledge_embedding").head.gamma == 1.0
    assert load_head(tmp_path, GRAPH, "knowledge_embedding").scorer.name == "transe_l2"


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="found no knowledge_embedding.json"):
        load(tmp_path)
    write(tmp_path, KnowledgeEmbeddingHead("transe_l2", 16, 3))
    with pytest.raises(CheckpointError, match="found no encoder, expected a config.json"):
        load(tmp_path)
    (tmp_path / "knowledge_embedding.safetensors").unlink()
    with pytest.raises(CheckpointError, match="knowledge_embedding.safetensors: file not found"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "expected 'loreweave knowledge embedding'"),
        ({"version": 2}, "found 2, expected 1"),
        ({"gamma": None, "margin": 4}, "the fields gamma, margin are missing or unknown"),
        ({"scorer": "transe"}, "scorer 'transe', expected one of transe_l1"),
        ({"variant": "wikia"}, "variant 'wikia', expected one of wiki"),
        ({"text": {"max_len": 5}}, "field 'text'"),
        ({"text": {"max_length": 5}}, "max_length: found 5"),
        ({"relation_ids": ["Px"]}, "found 3 rows of relation_embeddings.weight, expected 1"),
        ({"num_entities": 7}, "found no entity_embeddings.weight, expected a table of 7 entities"),
        ({"size": 8}, "size mismatch"),
    ],
)
def test_descriptions_that_do_not_fit(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    write(tmp_path, KnowledgeEmbeddingHead("transe_l2", 16, 3), encoder=roberta())
    path = tmp_path / "knowledge_embedding.json"
    content = json.loads(path.read_text())
    content = {name: value for name, value in (content | changes).items() if value is not None or name not in changes}
    path.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=message):
        load(tmp_path)


def test_an_encoder_that_lacks_weights_is_no_encoder(tmp_path: Path) -> None:
    """transformers would start them at random, with a warning."""
    BertModel(BertConfig(**TINY)).save_pretrained(tmp_path, state_dict={"embeddings.LayerNorm.bias": torch.zeros(16)})
    with pytest.raises(CheckpointError, match="the weights lack embeddings.* and 31 more, which the encoder needs"):
        load_encoder(tmp_path)


# ---- plain transformers ----------------------------------------------------------------------------------------------

_PLAIN = """
import json, sys
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer
folder = sys.argv[1]
tokenizer = AutoTokenizer.from_pretrained(folder)
model, report = AutoModelForMaskedLM.from_pretrained(folder, output_loading_info=True)
inputs = tokenizer("Tokyo is the capital", return_tensors="pt")
states = AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state
assert "loreweave" not in sys.modules
print(json.dumps([sorted(map(len, (report["missing_keys"], report["unexpected_keys"]))), states[0, 0].tolist()]))
"""


def test_plain_transformers_loads_the_folder(tmp_path: Path) -> None:
    vocabulary = tiny_tokenizers.write_byte_bpe(tmp_path / "vocabulary")
    folder = write(tmp_path / "model", KnowledgeEmbeddingHead("transe_l2", 16, 3), encoder=roberta())
    tokenizer = RobertaTokenizer.from_pretrained(vocabulary)
    tokenizer.save_pretrained(folder)
    command = [sys.executable, "-c", _PLAIN, str(folder)]
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert found.returncode == 0, found.stderr
    differences, first_state = json.loads(found.stdout.splitlines()[-1])
    assert differences == [0, 0]
    inputs = tokenizer("Tokyo is the capital", return_tensors="pt")
    torch.testing.assert_close(torch.tensor(first_state), load(folder).embed(**inputs)[0], rtol=1e-4, atol=1e-5)
