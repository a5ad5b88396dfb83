"""Models whose answers are known: their heads give the same scores in every place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_tokenizers import write_byte_bpe
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, RobertaConfig, RobertaForMaskedLM, RobertaTokenizer

from loreweave.checkpoints.conversion import load_luke
from loreweave.checkpoints.formats.hugging_face import save
from loreweave.models import LukeForMaskedLM

WORD_SCORES = {"paris": 4.0, "oslo": 3.0, "bank": 2.0, "river": 1.0}
"""All other words have 0."""
SPACED_SCORES = {"ĠPar": 4.0, "Par": 3.0, "ĠBar": 2.0, "Bar": 5.0}
"""Scores of words with and without a space in front; all others have 0."""
ENTITY_SCORES = {"Oslo": 1.0, "Paris": 2.0, "[MASK]": 9.0, "[UNK]": 8.0}


@pytest.fixture(scope="session")
def known_bert(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uncased BERT whose masked-word head prefers paris to oslo, oslo to bank, and bank to river, whatever is asked."""
    folder = tmp_path_factory.mktemp("known-bert")
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    model = BertForMaskedLM(BertConfig.from_pretrained(tiny_bert))
    with torch.no_grad():
        model.cls.predictions.transform.LayerNorm.weight.zero_()
        model.cls.predictions.transform.LayerNorm.bias.zero_()
        for word, score in WORD_SCORES.items():
            model.cls.predictions.bias[tokenizer.convert_tokens_to_ids(word)] = score
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def known_roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RoBERTa, for which `Par` and ` Par` are two tokens, that prefers Par after a space, and Bar elsewhere."""
    folder = write_byte_bpe(tmp_path_factory.mktemp("known-roberta"))
    tokenizer = RobertaTokenizer.from_pretrained(folder, model_max_length=64)
    config = RobertaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=66, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    model = RobertaForMaskedLM(config)
    with torch.no_grad():
        model.lm_head.layer_norm.weight.zero_()
        model.lm_head.layer_norm.bias.zero_()
        for word, score in SPACED_SCORES.items():
            model.lm_head.bias[tokenizer.convert_tokens_to_ids(word)] = score
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def known_luke(tiny_luke: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LUKE whose entity head prefers Paris to Oslo, and special entities, which are no answers, to both."""
    loaded = load_luke(tiny_luke, LukeForMaskedLM)
    assert loaded.vocabulary is not None and loaded.tokenizer is not None
    with torch.no_grad():
        norm = loaded.model.get_submodule("entity_predictions.transform.LayerNorm")
        norm.get_parameter("weight").zero_()
        norm.get_parameter("bias").zero_()
        for title, score in ENTITY_SCORES.items():
            loaded.model.get_parameter("entity_predictions.bias")[loaded.vocabulary.id_of(title)] = score
    folder = tmp_path_factory.mktemp("known-luke") / "model"
    save(loaded.model, loaded.tokenizer, folder)
    return folder


Write = Callable[[Sequence[Mapping[str, Any]]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes rows to `facts.jsonl`."""

    def written(rows: Sequence[Mapping[str, Any]]) -> Path:
        path = tmp_path / "facts.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return path

    return written
