"""Encoders of transformers that train with our masks."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AlbertConfig,
    AutoModel,
    BertConfig,
    BertModel,
    DistilBertConfig,
    PreTrainedModel,
    RobertaConfig,
    XLMRobertaConfig,
)

from loreweave.models import encoder_dropout
from loreweave.models.dropout import Dropout
from loreweave.models.encoder_dropout import BLOCKS, use_attention_in_blocks, use_cheap_masks

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 40}
CONFIGS = [
    BertConfig(**SIZES),
    RobertaConfig(**SIZES),
    XLMRobertaConfig(**SIZES),
    AlbertConfig(**SIZES, embedding_size=8),
    DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=32, vocab_size=40),
]


def encoder(config: Any, hidden: float = 0.0, attention: float = 0.1) -> PreTrainedModel:
    config = copy.deepcopy(config)
    names = {"hidden_dropout_prob": hidden, "attention_probs_dropout_prob": attention, "dropout": hidden}
    for name, value in (names | {"attention_dropout": attention}).items():
        if hasattr(config, name):
            setattr(config, name, value)
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModel.from_config(config)
    return model


def batch(padded: bool = True) -> dict[str, Tensor]:
    torch.manual_seed(1)
    mask = torch.ones(3, 9, dtype=torch.long)
    if padded:
        mask[1, 6:] = 0
    return {"input_ids": torch.randint(3, 40, (3, 9)), "attention_mask": mask}


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.model_type)
def test_attention_is_ours_in_training_with_dropout(config: Any, padded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    kernel = encoder_dropout.attention_with_dropout
    monkeypatch.setattr(encoder_dropout, "attention_with_dropout", lambda *given: calls.append(given) or kernel(*given))
    model = encoder(config)
    use_attention_in_blocks(model)
    first, second = (model.train()(**batch(padded)).last_hidden_state for _ in range(2))
    assert len(calls) == 4 and torch.equal(first, second)  # `batch` sets the seed
    first.square().mean().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters() if parameter.grad is not None)
    model.eval()(**batch(padded))
    assert len(calls) == 4


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.model_type)
def test_without_dropout_nothing_changes(config: Any, padded: bool) -> None:
    model = encoder(config, 0.1, 0.0)
    expected = model.eval()(**batch(padded)).last_hidden_state
    names = list(model.state_dict())
    use_attention_in_blocks(model)
    use_cheap_masks(model)
    assert torch.equal(model.eval()(**batch(padded)).last_hidden_state, expected)
    assert list(model.state_dict()) == names


def test_many_masks_have_the_mean_of_torchs() -> None:
    """Weights of the last layer, which enter its output linearly up to the attention's own answer."""
    ours, theirs = (encoder(BertConfig(**SIZES | {"num_hidden_layers": 1}), 0.0, 0.3).train() for _ in range(2))
    use_attention_in_blocks(ours)
    answers: dict[str, list[Tensor]] = {"ours": [], "theirs": []}
    for name, model in (("ours", ours), ("theirs", theirs)):
        attention = model.get_submodule("encoder.layer.0.attention.self")
        attention.register_forward_hook(lambda module, given, found, name=name: answers[name].append(found[0].detach()))
        inputs = {key: tensor.repeat(500, 1) for key, tensor in batch().items()}
        model(**inputs)
    mine, right = (answers[name][0].unflatten(0, (500, 3)) for name in ("ours", "theirs"))
    deviation = (mine.var(0) / 500 + right.var(0) / 500).sqrt()
    assert ((mine.mean(0) - right.mean(0)).abs() < 4.5 * deviation).all()
    assert torch.allclose(mine.var(0), right.var(0), rtol=0.5)
    assert abs(float((mine.var(0) / right.var(0)).mean()) - 1) < 0.03


def test_bf16_goes_by_plain_products(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    kernel = encoder_dropout.plain_attention
    monkeypatch.setattr(encoder_dropout, "plain_attention", lambda *given: calls.append(given) or kernel(*given))
    model = encoder(BertConfig(**SIZES), 0.0, 0.0).train()
    exact = model(**batch()).last_hidden_state
    use_attention_in_blocks(model)
    with torch.autocast("cpu", torch.bfloat16):
        found = model(**batch()).last_hidden_state
    assert len(calls) == 2
    seen = batch()["attention_mask"].bool()
    assert torch.allclose(found[seen].float(), exact[seen], atol=0.05)


def test_what_is_not_plain_attention_stays_with_the_fused_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_dropout, "attention_with_dropout", lambda *given: pytest.fail("not ours"))
    module = nn.Module()
    query, key = torch.randn(2, 4, 5, 8), torch.randn(2, 2, 5, 8)
    module.num_key_value_groups = 2  # type: ignore[assignment]
    answer, weights = encoder_dropout.attention_in_blocks(module, query, key, key, None, dropout=0.1, is_causal=False)
    assert answer.shape == (2, 5, 4, 8) and weights is None
    encoder_dropout.attention_in_blocks(nn.Module(), query, query, query, None, dropout=0.1, is_causal=True)
    encoder_dropout.attention_in_blocks(nn.Module(), query, query, query, None, dropout=0.1)  # causal unless it is said
    places = torch.randn(1, 4, 5, 5)
    encoder_dropout.attention_in_blocks(
        nn.Module(), query, query, query, None, dropout=0.1, is_causal=False, position_bias=places
    )


def test_hidden_masks_are_ours_and_modules_stay() -> None:
    model = encoder(BertConfig(**SIZES), 0.1, 0.1)
    before = {name: id(module) for name, module in model.named_modules()}
    use_cheap_masks(model)
    assert before == {name: id(module) for name, module in model.named_modules()}
    kinds = {type(module) for module in model.modules() if isinstance(module, nn.Dropout)}
    assert kinds == {Dropout}
    assert all(module.p == 0.1 for module in model.modules() if isinstance(module, Dropout))


def test_dropout_in_place_stays_torchs() -> None:
    model = nn.Sequential(nn.Dropout(0.5, inplace=True), nn.Dropout(0.5))
    use_cheap_masks(model)
    assert [type(module) for module in model] == [nn.Dropout, Dropout]
    states = torch.ones(4, 50)
    model[0](states)
    assert set(states.flatten().tolist()) == {0.0, 2.0}


def test_what_is_saved_says_nothing_of_it(tmp_path: Path) -> None:
    model = encoder(BertConfig(**SIZES))
    use_attention_in_blocks(model)
    use_cheap_masks(model)
    assert model.config._attn_implementation == BLOCKS
    model.save_pretrained(tmp_path)
    assert BLOCKS not in json.dumps(json.loads((tmp_path / "config.json").read_text()))
    assert BertModel.from_pretrained(tmp_path).config._attn_implementation == "sdpa"


def test_an_eager_model_stays_eager() -> None:
    model = encoder(BertConfig(**SIZES))
    model.set_attn_implementation("eager")
    use_attention_in_blocks(model)
    assert model.config._attn_implementation == "eager"
