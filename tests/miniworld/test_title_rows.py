"""Entities begin as the words of their titles."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from loreweave.checkpoints import luke_from_encoder
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import ConfigurationError
from loreweave.miniworld.title_rows import rows_from_titles

VOCABULARY = EntityVocabulary.from_counts({"New Zealand": 3, "Oslo": 2, "\ue000": 1})
"""The last title has no sub-word of its own, but one for the unknown."""


def test_rows_are_the_mean_of_the_title_s_words_less_the_common_part(minilm_dir: Path) -> None:
    model, tokenizer, *_ = luke_from_encoder(minilm_dir, VOCABULARY, entity_embedding_size=384)
    words = model.luke.embeddings.word_embeddings.weight.detach()
    table = model.luke.entity_embeddings.entity_embeddings.weight
    special = table[:3].clone()
    assert rows_from_titles(model, tokenizer) == 3
    new, zealand = tokenizer.word_tokenizer.convert_tokens_to_ids(["new", "zealand"])
    expected = (words[new] + words[zealand]) / 2 - words.mean(dim=0)
    row = tokenizer.entity_vocabulary.id_of("New Zealand")
    assert row is not None
    torch.testing.assert_close(table[row].detach(), expected)
    assert torch.equal(table[:3], special)
    assert model.entity_predictions.decoder.weight is table, "the head predicts with the same rows"


def test_the_tables_must_be_equally_wide(minilm_dir: Path) -> None:
    model, tokenizer, *_ = luke_from_encoder(minilm_dir, VOCABULARY, entity_embedding_size=16)
    with pytest.raises(ConfigurationError, match="entity_embedding_size=384"):
        rows_from_titles(model, tokenizer)
