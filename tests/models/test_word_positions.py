"""The number of words that an encoder reads is found on the encoder, for every way of counting positions."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModel, AutoModelForTokenClassification

from loreweave.models.word_positions import usable_positions

BASE = {
    "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
    "max_position_embeddings": 20, "bos_token_id": 0, "eos_token_id": 2,
}  # fmt: skip
AFTER_PADDING = (
    "roberta", "xlm-roberta", "camembert", "mpnet", "ibert", "roberta-prelayernorm", "xlm-roberta-xl", "data2vec-text", "esm",
    "longformer", "xmod", "luke",
)  # fmt: skip
FROM_ZERO = ("bert", "electra", "distilbert", "albert", "deberta", "fnet", "convbert")
OF_KIND: dict[str, dict[str, Any]] = {
    "longformer": {"attention_window": [4]},
    "esm": {"mask_token_id": 4},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    "luke": {"entity_vocab_size": 5, "entity_emb_size": 4},
    "distilbert": {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16},
    "modernbert": {"global_attn_every_n_layers": 1, "cls_token_id": 0, "sep_token_id": 2},
}


def _encoder(kind: str, cls: Any = AutoModel, **changes: Any) -> Any:
    return cls.from_config(CONFIG_MAPPING[kind](**(BASE | {"pad_token_id": 1} | OF_KIND.get(kind, {}) | changes)))


@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("kind", AFTER_PADDING)
def test_words_after_the_padding_index(kind: str, padding: int) -> None:
    changes = {"mask_token_id": 3} if kind == "esm" else {}
    model = _encoder(kind, pad_token_id=padding, **changes)
    if kind == "mpnet":  # its class counts from 2 whatever its configuration says
        padding = 1
    assert usable_positions(model) == 20 - padding - 1
    words = torch.full((1, 20 - padding - 1), 7)
    with torch.no_grad():
        assert model.eval()(input_ids=words).last_hidden_state.isfinite().all(), "so many words are read"


@pytest.mark.parametrize("kind", FROM_ZERO)
def test_words_from_the_first_row(kind: str) -> None:
    assert usable_positions(_encoder(kind)) == 20


def test_a_table_with_more_rows_than_the_configuration_says() -> None:
    assert usable_positions(_encoder("nystromformer")) == 20, "22 rows, words from row 2"
    model = _encoder("bert")
    model.embeddings.position_embeddings = torch.nn.Embedding(31, 16)
    assert usable_positions(model) == 31, "what counts is the table"


@pytest.mark.parametrize("kind", ["modernbert", "roformer"])
def test_without_a_table_the_configuration_says_it(kind: str) -> None:
    assert usable_positions(_encoder(kind)) == 20


def test_nothing_limits_relative_positions() -> None:
    config = CONFIG_MAPPING["xlnet"](vocab_size=50, d_model=16, n_layer=1, n_head=2, d_inner=16)
    assert usable_positions(AutoModel.from_config(config)) is None


def test_under_a_head_and_without_a_trace() -> None:
    model = _encoder("mpnet", AutoModelForTokenClassification).train()
    state = torch.get_rng_state()
    assert usable_positions(model) == 18
    assert model.training and model.mpnet.training and torch.get_rng_state().equal(state)
    assert not any(module._forward_pre_hooks for module in model.modules())
