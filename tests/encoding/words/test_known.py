"""Tokenizers that know special tokens only are refused; those of bytes, characters and other scripts are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from loreweave.checkpoints.word_tokenizers import read_word_tokenizer
from loreweave.encoding.words.known import check_words
from loreweave.errors import CheckpointError
from loreweave.tasks.model_folders import word_tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def of(*tokens: str) -> PreTrainedTokenizerFast:
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *tokens])}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]")),
        unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
    )  # fmt: skip


@pytest.mark.parametrize("token", ["東", "##a", "Ġthe", "<0x41>", "1", "é", "["])
def test_one_token_of_a_word_is_enough(token: str) -> None:
    check_words(of(token), "model")


@pytest.mark.parametrize("tokens", [[], ["[unused0]", "<ent>"], ["##", "▁", "Ġ"]])
def test_special_tokens_alone_are_refused(tokens: list[str]) -> None:
    size = 5 + len(tokens)
    with pytest.raises(CheckpointError, match=rf"model: found a tokenizer with special tokens only \({size}: \[PAD\], \[UNK\]"):
        check_words(of(*tokens), "model")


def test_a_folder_whose_vocabulary_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
    for read in (lambda: word_tokenizer(str(tmp_path)), lambda: read_word_tokenizer(tmp_path)):
        with pytest.raises(CheckpointError, match="found a tokenizer with special tokens only") as caught:
            read()
        assert str(tmp_path) in str(caught.value)
