from pathlib import Path

import pytest
import torch
from transformers import FNetConfig, FNetModel, LongformerConfig, LongformerModel

from loreweave.attention.capture.encoders import open_encoder
from loreweave.attention.capture.observation import observed
from loreweave.errors import ConfigurationError

IDS = torch.tensor([[5, 6, 7, 8]])
SIZE = {"vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


def test_the_model_is_as_before_even_after_an_error(tiny_bert: Path) -> None:
    model = open_encoder(tiny_bert).model.train()
    with pytest.raises(IndexError), observed(model):
        model(input_ids=torch.tensor([[10**6]]))
    assert model.training and model.config._attn_implementation == "sdpa"
    with torch.no_grad():
        assert not model(input_ids=IDS).attentions
    assert not model._forward_hooks and not model._forward_pre_hooks


def test_dropout_is_off_and_inputs_have_names(tiny_bert: Path) -> None:
    model = open_encoder(tiny_bert).model.train()
    with observed(model) as calls:
        model(IDS, torch.ones_like(IDS))
        model(input_ids=IDS)
    first, second = (call.attentions["self"][0] for call in calls)
    assert torch.equal(first, second) and set(calls[0].inputs) >= {"input_ids", "attention_mask"}
    assert torch.equal(calls[0].of_model["input_ids"], IDS)


def test_models_without_weights_of_pairs_of_tokens_are_refused() -> None:
    unmixed = FNetModel(FNetConfig(**SIZE))
    with pytest.raises(ConfigurationError, match="FNetModel returns no attention weights"), observed(unmixed):
        unmixed(input_ids=IDS)
    config = LongformerConfig(**SIZE, attention_window=4, pad_token_id=1, max_position_embeddings=16)
    windowed, said = LongformerModel(config), r"LongformerModel returns attention weights of shape \[1, 2, 4, 5\]"
    with pytest.raises(ConfigurationError, match=said), observed(windowed):
        windowed(input_ids=IDS)
