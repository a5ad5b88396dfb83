"""Encoders with fewer positions than what a run lets them read."""

from __future__ import annotations

from pathlib import Path

import pytest
from pretraining_runs import settings
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedConfig, PreTrainedModel, RobertaConfig, RobertaModel

from loreweave.build.pretraining_set import open_pretraining_set
from loreweave.corpus.graphs.knowledge_graph import GraphEntity, GraphRelation, KnowledgeGraph
from loreweave.errors import ConfigurationError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.run import run
from loreweave.training.settings.configuration import fill

SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


def encoder(world: Path, folder: Path, rows: int, *, counts_padding: bool) -> Path:
    """An encoder with a table of so many positions; RoBERTa's lose the one of padding (0 here) and those before it."""
    tokenizer = AutoTokenizer.from_pretrained(world / "encoder")
    config: PreTrainedConfig = (RobertaConfig if counts_padding else BertConfig)(
        **SIZES, max_position_embeddings=rows, vocab_size=len(tokenizer), pad_token_id=0
    )
    model: PreTrainedModel = (RobertaModel if counts_padding else BertModel)(config, add_pooling_layer=False)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def refused(config: dict[str, object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        run(fill(PretrainingConfig, config))
    return str(caught.value)


@pytest.mark.parametrize("counts_padding", [False, True])
def test_windows_fit_the_positions(counts_padding: bool, world: Path, tmp_path: Path) -> None:
    rows = open_pretraining_set(world / "data").dataset["word_ids"]
    longest = max(len(row) for row in rows) + 2
    assert 20 < longest < 64, "the set says 64, and its windows are shorter"
    small = encoder(world, tmp_path / "encoder", longest, counts_padding=counts_padding)
    config = settings(world, tmp_path / "run", model=str(small), word_only=True, steps=1, objectives={"masked_words": {}})
    usable = longest - counts_padding
    if counts_padding:
        message = refused(config)
        assert f"max_words: found 512, and {world / 'data'} has windows of {longest} sub-words" in message
        assert f"{small} has positions for {usable}: expected max_words={usable}" in message
        config |= {"max_words": usable, "output": str(tmp_path / "again")}
    assert run(fill(PretrainingConfig, config)).results["steps"] == 1


@pytest.mark.parametrize(
    ("objective", "changes"),
    [
        ("contrastive_knowledge", {}),
        ("knowledge_embedding", {"variant": "cond"}),
        ("knowledge_embedding", {"variant": "rel", "text": {"text": "label"}}),
    ],
)
def test_graph_texts_fit_the_positions(objective: str, changes: dict[str, object], world: Path, tmp_path: Path) -> None:
    """`[CLS] a b c [SEP] near to it by the old road [SEP]` is 13 long, the relation alone 9; 8 of 9 rows are usable."""
    graph = KnowledgeGraph.from_parts(
        [GraphEntity("Q1", "a", "a b c"), GraphEntity("Q2", "b", "b c")],
        [GraphRelation("P1", "near", "near to it by the old road")],
        {"train": [[0, 0, 1], [1, 0, 0]]},
    )
    graph.save(tmp_path / "graph")
    small = encoder(world, tmp_path / "encoder", 9, counts_padding=True)
    asked = {"graph": str(tmp_path / "graph"), **changes}
    config = settings(
        world, tmp_path / "run", model=str(small), data=[], objectives={objective: asked, "masked_words": None,
        "masked_entities": None}, steps=1,
    )  # fmt: skip
    longest = 9 if changes.get("variant") == "rel" else 13 if changes else 14  # the inverse relation has a word more
    message = refused(config)
    assert message.startswith(f"objectives.{objective}.text.max_length: its texts have up to {longest} sub-words"), message
    assert f"{small} has positions for 8: expected objectives.{objective}.text.max_length=8 or less" in message
