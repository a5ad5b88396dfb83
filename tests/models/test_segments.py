"""Second texts, numbered 1, for encoders that have one row of types."""

from __future__ import annotations

import pytest
import torch
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, LukeConfig, PreTrainedModel

from loreweave.models import LukeModel
from loreweave.models.knowledge_embedding import read_texts
from loreweave.models.segments import reads_segments

SIZES = {"vocab_size": 30, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
WORDS = {"input_ids": torch.tensor([[2, 5, 3, 6, 3]]), "attention_mask": torch.ones(1, 5, dtype=torch.long)}
SEGMENTS = {"token_type_ids": torch.tensor([[0, 0, 0, 1, 1]])}


def bert(types: int) -> PreTrainedModel:
    torch.manual_seed(0)
    return BertModel(BertConfig(**SIZES, type_vocab_size=types)).eval()


def test_which_encoders_read_them() -> None:
    assert reads_segments(bert(2)) and not reads_segments(bert(1))
    assert not reads_segments(DistilBertModel(DistilBertConfig(vocab_size=30, dim=16, n_layers=1, n_heads=2, hidden_dim=16)))


@pytest.mark.parametrize("types", [1, 2])
def test_a_graphs_pairs_of_texts(types: int) -> None:
    encoder = bert(types)
    found, plain = (read_texts(encoder, inputs, "mean") for inputs in (WORDS | SEGMENTS, WORDS))
    assert torch.equal(found, plain) == (types == 1)


@pytest.mark.parametrize("types", [1, 2])
def test_a_luke(types: int) -> None:
    torch.manual_seed(0)
    config = LukeConfig(**SIZES, entity_vocab_size=4, entity_emb_size=8, type_vocab_size=types, pad_token_id=0)
    model = LukeModel(config, add_pooling_layer=False).eval()
    entities = {"entity_ids": torch.tensor([[1]]), "entity_attention_mask": torch.tensor([[1]])}
    entities |= {"entity_position_ids": torch.tensor([[[3, -1]]])}
    others = SEGMENTS | {"entity_token_type_ids": torch.tensor([[1]])}
    found, plain = (model(**WORDS, **entities, **more).entity_last_hidden_state for more in (others, {}))
    assert torch.equal(found, plain) == (types == 1)
