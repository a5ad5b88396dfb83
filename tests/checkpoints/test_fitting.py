"""Tensors into models: what is tolerated, and what each error says."""

from __future__ import annotations

from typing import Any

import layouts
import pytest
import torch
import transformers
from torch import Tensor

from loreweave.checkpoints import fit_state_dict
from loreweave.checkpoints.fitting import build
from loreweave.errors import CheckpointError
from loreweave.models import LukeForEntityClassification, LukeForMaskedLM, LukeModel


def _model(cls: Any = LukeForMaskedLM, **changes: Any) -> Any:
    return build(cls, layouts.config(**changes), seed=0)


def _state(**changes: Any) -> dict[str, Tensor]:
    return dict(layouts.reference(**changes).state_dict())


def test_a_wrong_shape_names_the_tensor_and_both_shapes() -> None:
    state = _state() | {"lm_head.dense.weight": torch.zeros(32, 31)}
    with pytest.raises(
        CheckpointError, match=r"x\.bin: lm_head\.dense\.weight has the shape \[32, 31\], the model expects \[32, 32\]"
    ):
        fit_state_dict(_model(), state, "x.bin")


def test_missing_encoder_tensors_are_listed() -> None:
    state = _state()
    for name in ("luke.encoder.layer.1.output.dense.bias", "luke.embeddings.LayerNorm.weight"):
        del state[name]
    with pytest.raises(CheckpointError, match=r"lacks .*embeddings\.LayerNorm\.weight.*layer\.1\.output\.dense\.bias"):
        fit_state_dict(_model(), state, "x.bin")


def test_a_head_with_a_missing_part_is_no_new_head() -> None:
    state = _state()
    del state["lm_head.layer_norm.bias"]
    with pytest.raises(CheckpointError, match=r"lacks lm_head\.layer_norm\.bias"):
        fit_state_dict(_model(), state, "x.bin")


def test_unknown_tensors_are_listed() -> None:
    with pytest.raises(CheckpointError, match=r"does not have: adapter\.weight"):
        fit_state_dict(_model(), _state() | {"adapter.weight": torch.zeros(1)}, "x.bin")


def test_what_is_tolerated_is_reported() -> None:
    state = {name: tensor for name, tensor in _state().items() if ".w2e_query." not in name and "pooler" not in name}
    del state["lm_head.decoder.weight"], state["lm_head.decoder.bias"], state["entity_predictions.decoder.weight"]
    state |= {"luke.embeddings.position_ids": torch.zeros(1, 40), "cls.seq_relationship.bias": torch.zeros(2)}
    model = _model()
    report = fit_state_dict(model, state, "x.bin")
    assert set(report.copied.values()) == {"copy of query"} and len(report.copied) == 2 * layouts.LAYERS
    assert set(report.dropped) == {"luke.embeddings.position_ids", "cls.seq_relationship.bias"}
    assert report.new_modules == ("luke.pooler",)
    layouts.assert_same(model, layouts.reference(), *layouts.MASKED_LM)


def test_heads_that_the_file_lacks_are_new_modules_from_the_seed() -> None:
    state = {name: tensor for name, tensor in _state().items() if name.startswith("luke.")}
    models = [build(LukeForEntityClassification, layouts.config(num_labels=3), seed) for seed in (1, 1, 2)]
    reports = [fit_state_dict(model, state, "x.bin") for model in models]
    assert reports[0].new_modules == ("classifier",)
    first, same, other = (model.classifier.weight for model in models)
    assert first.equal(same) and not first.equal(other)


def test_building_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    _model()
    assert torch.get_rng_state().equal(before)


def test_the_bare_encoder_of_a_head_model() -> None:
    model = _model(LukeModel)
    report = fit_state_dict(model, _state(), "x.bin")
    assert any(name.startswith("lm_head.") for name in report.dropped)
    layouts.assert_same(model, layouts.reference().luke, "last_hidden_state", "entity_last_hidden_state", "pooler_output")


def test_extra_queries_are_left_out_when_attention_is_ordinary() -> None:
    model = _model(use_entity_aware_attention=False)
    report = fit_state_dict(model, _state(), "x.bin")
    assert set(report.dropped.values()) == {"entity-aware attention is off"}
    layouts.assert_same(model, layouts.reference(), *layouts.MASKED_LM)


def test_a_decoder_that_differs_from_its_table_is_reported() -> None:
    state = _state()
    state["lm_head.decoder.weight"] = state["lm_head.decoder.weight"] + 0.5
    model = _model()
    report = fit_state_dict(model, state, "x.bin")
    assert "by up to 0.5" in report.dropped["lm_head.decoder.weight"]
    assert model.lm_head.decoder.weight is model.luke.embeddings.word_embeddings.weight
    assert transformers.LukeConfig is type(model.config)
