"""Checkpoints for a graph: trained ones of a run or a folder, untrained encoders when asked for, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from tiny_encoders import make_tiny_bert
from tiny_graphs import make_checkpoint

from loreweave.checkpoints import knowledge_embedding as side_files
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.encoding.graph_texts import EntityTextConfig
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead
from loreweave.tasks.link_prediction.model import load, recognises
from loreweave.tasks.link_prediction.settings import ModelSettings
from loreweave.training.settings.configuration import fill


def reordered(graph: KnowledgeGraph, relations: list[GraphRelation]) -> KnowledgeGraph:
    return KnowledgeGraph.from_parts(graph.entities, relations, {"test": [[0, 0, 1]]})


def test_what_a_checkpoint_says(graph: KnowledgeGraph, checkpoints: dict[str, Path]) -> None:
    wiki = load(checkpoints["wiki"], graph, ModelSettings())
    assert (wiki.variant, wiki.similarity, wiki.tabled, wiki.trained_here) == ("wiki", "l2", False, True)
    assert wiki.text.max_length == 16 and wiki.key == {"model": wiki.hash, "pooling": "first", "normalize": False}
    assert not wiki.model.training
    contrastive = load(checkpoints["contrastive"], graph, ModelSettings())
    assert contrastive.similarity == "dot" and "scorer" not in contrastive.describe()
    table = load(checkpoints["table"], graph, ModelSettings())
    assert table.tabled and table.tokenizer is None and table.similarity == "modulus"
    assert table.describe()["entities"] == "table" and "pooling" not in table.describe()


@pytest.mark.parametrize("variant", ["wiki", "table"])
def test_a_run_stands_for_its_model(variant: str, graph: KnowledgeGraph, checkpoints: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(checkpoints[variant], tmp_path / "model")
    (tmp_path / "status.json").write_text(json.dumps({"status": "done"}))
    assert load(tmp_path, graph, ModelSettings()).hash == load(checkpoints[variant], graph, ModelSettings()).hash
    assert recognises(checkpoints[variant]) and not recognises(tmp_path)


def test_one_of_several_heads(graph: KnowledgeGraph, tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "both", graph, "wiki")
    head = KnowledgeEmbeddingHead("distmult", 32, 0)
    text = EntityTextConfig(max_length=16)
    side_files.save(folder, head, graph, variant="contrastive", pooling="mean", text=text, name="contrastive_knowledge")
    assert load(folder, graph, ModelSettings(objective="contrastive_knowledge")).variant == "contrastive"
    assert load(folder, graph, ModelSettings(objective="knowledge_embedding")).variant == "wiki"
    with pytest.raises(CheckpointError, match="heads knowledge_embedding, contrastive_knowledge; choose one with objective"):
        load(folder, graph, ModelSettings())


def test_relations_go_by_their_ids(graph: KnowledgeGraph, checkpoints: dict[str, Path]) -> None:
    """A graph with the same relations in another order gets its own rows; another's relations are refused."""
    turned = reordered(graph, list(graph.relations)[::-1])
    own, other = (load(checkpoints["wiki"], which, ModelSettings()) for which in (graph, turned))
    assert own.trained_here and not other.trained_here
    tables = [each.model.head.relation_embeddings.weight for each in (own, other)]  # type: ignore[union-attr]  # has one
    assert torch.equal(tables[0].flip(0), tables[1])
    with pytest.raises(CheckpointError, match="no row for the relation 'P9'"):
        load(checkpoints["wiki"], reordered(graph, [GraphRelation("P9")]), ModelSettings())
    strangers = KnowledgeGraph.from_parts([GraphEntity("X")], graph.relations, {})
    with pytest.raises(CheckpointError, match="no row for the entity 'X'"):
        load(checkpoints["table"], strangers, ModelSettings())


def test_an_encoder_without_a_head_only_when_asked_for(graph: KnowledgeGraph, tmp_path: Path) -> None:
    bert = make_tiny_bert(tmp_path)
    with pytest.raises(CheckpointError, match="found no head over a graph.*untrained=true"):
        load(bert, graph, ModelSettings())
    found = load(bert, graph, ModelSettings(untrained=True))
    assert (found.variant, found.similarity, found.model.pooling, found.model.head.gamma) == ("rel", "l1", "first", 0)
    assert found.text.max_length == 64  # what the tokenizer says
    assert (found.text.text, found.text.relation_text) == ("description", "description")
    named = load(bert, graph, ModelSettings(untrained=True, text="label_description", relation_text="label"))
    assert (named.text.text, named.text.relation_text) == ("label_description", "label")
    chosen = ModelSettings(untrained=True, scorer="transe_l2", pooling="mean", max_length=12)
    changed = load(bert, graph, chosen)
    assert (changed.similarity, changed.model.pooling, changed.text.max_length) == ("l2", "mean", 12)
    with pytest.raises(CheckpointError, match="no such file or folder"):
        load(tmp_path / "none", graph, ModelSettings())


def test_an_untrained_encoder_ignores_a_head_that_is_there(graph: KnowledgeGraph, checkpoints: dict[str, Path]) -> None:
    """The baseline of a trained checkpoint: its encoder alone."""
    found = load(checkpoints["wiki"], graph, ModelSettings(untrained=True))
    assert found.name == "untrained" and found.model.head.relation_embeddings is None


def test_no_text_is_longer_than_the_encoder_can_read(graph: KnowledgeGraph, tmp_path: Path) -> None:
    """A table of 64 rows; the head beside it was trained with texts of up to 512, all of which were shorter."""
    bert = make_tiny_bert(tmp_path)
    with pytest.raises(ConfigurationError, match="max_length: found 65, expected at most the encoder's 64 positions"):
        load(bert, graph, ModelSettings(untrained=True, max_length=65))
    head = KnowledgeEmbeddingHead("distmult", 32, graph.num_relations)
    side_files.save(bert, head, graph, variant="wiki", pooling="mean", text=EntityTextConfig(max_length=512))
    assert load(bert, graph, ModelSettings()).text == EntityTextConfig(max_length=64)


def test_settings_that_a_trained_checkpoint_says_itself() -> None:
    for wrong in ({"pooling": "mean"}, {"scorer": "transe_l1"}, {"max_length": 20}):
        with pytest.raises(ConfigurationError, match="a trained checkpoint has its own"):
            fill(ModelSettings, wrong)
    with pytest.raises(ConfigurationError, match="objective is read only with untrained=false"):
        fill(ModelSettings, {"objective": "knowledge_embedding", "untrained": True})
    with pytest.raises(ValueError, match="multiple of 8"):
        ModelSettings(block_size=12)
    with pytest.raises(ValueError, match="max_length: found 7, expected 8 or more"):  # as of every text of a graph
        ModelSettings(untrained=True, max_length=7)
