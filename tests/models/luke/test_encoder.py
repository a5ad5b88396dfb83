"""LUKE models: what parity with transformers cannot show."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import LukeConfig

from loreweave import models
from loreweave.models import LukeForEntityPairClassification, LukeForMaskedLM, LukeModel
from loreweave.models.luke.attention import _on_doubled_heads, attention_by_key_type
from loreweave.models.luke.embeddings import mean_of_rows


def config(**changes: Any) -> LukeConfig:
    settings = {
        "vocab_size": 50,
        "entity_vocab_size": 20,
        "hidden_size": 32,
        "entity_emb_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 20,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-5,
    }
    return LukeConfig(**(settings | changes))


def batch(words: int = 7, entities: int = 3) -> dict[str, Tensor]:
    torch.manual_seed(1)
    inputs = {
        "input_ids": torch.randint(2, 50, (2, words)),
        "attention_mask": torch.ones(2, words, dtype=torch.long),
        "entity_ids": torch.randint(1, 20, (2, entities)),
        "entity_attention_mask": torch.ones(2, entities, dtype=torch.long),
        "entity_position_ids": torch.randint(0, words, (2, entities, 4)),
    }
    inputs["attention_mask"][1, 4:] = 0
    inputs["entity_attention_mask"][1, 1:] = 0
    return inputs


def scramble(model: torch.nn.Module) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.2)


def assert_tied(model: LukeForMaskedLM) -> None:
    assert model.lm_head.decoder.weight is model.luke.embeddings.word_embeddings.weight
    assert model.entity_predictions.decoder.weight is model.luke.entity_embeddings.entity_embeddings.weight
    assert model.lm_head.bias is model.lm_head.decoder.bias


def test_importing_models_does_not_import_torch() -> None:
    code = "import sys, loreweave.models; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_exist() -> None:
    assert all(getattr(models, name).__name__ == name for name in models.__all__)
    with pytest.raises(AttributeError, match="LukeForNothing"):
        models.LukeForNothing  # noqa: B018  # the access is the test


def test_new_model_answers_the_same_with_and_without_entity_aware_attention(tmp_path: Path) -> None:
    """Pre-training has no extra queries: a checkpoint without them must not change when the switch is turned on."""
    plain = LukeModel(config(use_entity_aware_attention=False)).eval()
    plain.save_pretrained(tmp_path)
    aware, report = LukeModel.from_pretrained(tmp_path, use_entity_aware_attention=True, output_loading_info=True)
    assert not report["missing_keys"]
    layer = aware.encoder.layer[1].attention.self
    assert torch.equal(layer.w2e_query.weight, layer.query.weight)
    assert layer.w2e_query.weight is not layer.query.weight
    for found, expected in zip(aware.eval()(**batch()).to_tuple(), plain(**batch()).to_tuple(), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_loaded_extra_queries_are_kept(tmp_path: Path) -> None:
    model = LukeModel(config())
    scramble(model)
    model.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["encoder.layer.0.attention.self.e2e_query.weight"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    again = LukeModel.from_pretrained(tmp_path)
    first, second = (layer.attention.self for layer in again.encoder.layer)
    assert torch.equal(first.e2e_query.weight, first.query.weight)
    assert torch.equal(first.e2e_query.bias, model.encoder.layer[0].attention.self.e2e_query.bias)
    assert torch.equal(second.e2e_query.weight, model.encoder.layer[1].attention.self.e2e_query.weight)


def test_initialisation() -> None:
    model = LukeForMaskedLM(config(hidden_size=64, initializer_range=0.02))
    weight = model.luke.encoder.layer[0].intermediate.dense.weight
    assert weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not model.luke.encoder.layer[0].intermediate.dense.bias.any()
    assert not model.luke.entity_embeddings.entity_embeddings.weight[0].any()
    assert not model.luke.embeddings.word_embeddings.weight[1].any()


@pytest.mark.parametrize("tie", [True, False])
def test_heads_share_the_tables_always(tie: bool, tmp_path: Path) -> None:
    model = LukeForMaskedLM(config(tie_word_embeddings=tie))
    assert_tied(model)
    model.resize_token_embeddings(53)
    assert_tied(model)
    assert model.lm_head.bias.shape == (53,)
    model.resize_entity_embeddings(23)
    assert_tied(model)
    scramble(model)
    model.save_pretrained(tmp_path)
    again = LukeForMaskedLM.from_pretrained(tmp_path)
    assert_tied(again)
    assert again.config.vocab_size == 53 and again.config.entity_vocab_size == 23
    expected = model.eval()(**batch())
    found = again.eval()(**batch())
    assert torch.equal(found.logits, expected.logits) and torch.equal(found.entity_logits, expected.entity_logits)


def test_the_word_heads_shared_tensors_are_written(tmp_path: Path) -> None:
    model = LukeForMaskedLM(config())
    scramble(model)
    model.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    table = tensors["luke.embeddings.word_embeddings.weight"]
    assert torch.equal(tensors["lm_head.decoder.weight"], table)
    assert torch.equal(tensors["lm_head.bias"], tensors["lm_head.decoder.bias"])


@pytest.mark.parametrize("absent", [("lm_head.decoder.weight", "lm_head.decoder.bias"), ("lm_head.bias",)])
def test_files_without_the_shared_tensors_load(absent: tuple[str, ...], tmp_path: Path) -> None:
    """transformers 4 wrote no `lm_head.decoder.*`."""
    model = LukeForMaskedLM(config())
    scramble(model)
    model.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if name not in absent}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    again, report = LukeForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert_tied(again)
    assert torch.equal(again.lm_head.bias, model.lm_head.bias)


def test_a_decoder_that_differs_from_the_word_table_gives_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = LukeForMaskedLM(config())
    model.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["lm_head.decoder.weight"] = torch.randn(50, 32)
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    again = LukeForMaskedLM.from_pretrained(tmp_path)
    assert_tied(again)
    assert torch.equal(again.lm_head.decoder.weight, model.lm_head.decoder.weight)
    assert "lm_head.decoder.weight differs" in caplog.text


@pytest.mark.parametrize("size", [5, 31])
def test_resized_entity_table(size: int) -> None:
    model = LukeForMaskedLM(config())
    scramble(model)
    old, bias = model.get_entity_embeddings().weight.detach().clone(), model.entity_predictions.bias.detach().clone()
    table = model.resize_entity_embeddings(size)
    kept = min(size, 20)
    assert table.weight.shape == (size, 16) and model.config.entity_vocab_size == size
    assert torch.equal(table.weight[:kept], old[:kept])
    assert torch.equal(model.entity_predictions.bias[:kept], bias[:kept])
    assert not model.entity_predictions.bias[kept:].any()
    inputs = batch()
    inputs["entity_ids"] = inputs["entity_ids"].clamp(max=size - 1)
    assert model(**inputs).entity_logits.shape == (2, 3, size)
    with pytest.raises(ValueError, match="at least one"):
        model.resize_entity_embeddings(0)


def test_pair_classifier_bias_is_honoured() -> None:
    assert LukeForEntityPairClassification(config()).classifier.bias is None
    assert LukeForEntityPairClassification(config(classifier_bias=True)).classifier.bias is not None


def test_only_labelled_positions_are_scored() -> None:
    model = LukeForMaskedLM(config())
    sizes: list[int] = []
    for head in (model.lm_head, model.entity_predictions):
        head.register_forward_hook(lambda _, inputs, __: sizes.append(inputs[0].shape[0]))
    labels, entity_labels = torch.full((2, 7), -100), torch.full((2, 3), -100)
    labels[0, 1] = labels[1, 2] = labels[1, 3] = 7
    entity_labels[0, 2] = 4
    output = model(**batch(), labels=labels, entity_labels=entity_labels)
    assert sizes == [3, 1] and output.logits is None and output.entity_logits is None
    torch.testing.assert_close(output.loss, output.mlm_loss + output.mep_loss)


def test_no_labelled_position_is_a_loss_of_zero() -> None:
    model = LukeForMaskedLM(config())
    nothing = torch.full((2, 7), -100)
    output = model(**batch(), labels=nothing, entity_labels=nothing[:, :3])
    output.loss.backward()
    assert output.loss.item() == 0.0


@pytest.mark.parametrize("with_bias", [False, True])
def test_doubled_heads_equal_the_two_calls(with_bias: bool) -> None:
    """What a GPU computes against what a CPU computes, outputs and gradients."""
    torch.manual_seed(0)
    shape = (2, 3, 9, 8)
    one = [torch.randn(shape, requires_grad=True) for _ in range(4)]
    other = [tensor.detach().clone().requires_grad_() for tensor in one]
    bias = torch.zeros(2, 1, 1, 9).masked_fill(torch.rand(2, 1, 1, 9) < 0.3, torch.finfo(torch.float32).min)
    bias[0, ..., 6:] = torch.finfo(torch.float32).min  # a text without entities
    chosen = bias if with_bias else None
    found = attention_by_key_type(*one, 6, chosen, 0.0)
    expected = _on_doubled_heads(*other, 6, chosen, 0.0)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    weights = torch.randn(shape)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    for first, second in zip(one, other, strict=True):
        torch.testing.assert_close(first.grad, second.grad, atol=1e-6, rtol=1e-5)


def test_gradient_checkpointing_changes_nothing() -> None:
    model = LukeForMaskedLM(config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)).train()
    scramble(model)
    other = copy.deepcopy(model)
    other.gradient_checkpointing_enable()
    labels = torch.randint(0, 50, (2, 7))
    for each in (model, other):
        each(**batch(), labels=labels).loss.backward()
    for (name, parameter), twin in zip(model.named_parameters(), other.parameters(), strict=True):
        if parameter.grad is not None:
            torch.testing.assert_close(twin.grad, parameter.grad, atol=1e-6, rtol=1e-5, msg=name)


@pytest.mark.parametrize("entity_aware", [False, True])
def test_dropout_is_applied_in_training_only(entity_aware: bool) -> None:
    model = LukeModel(
        config(use_entity_aware_attention=entity_aware, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.5)
    )
    scramble(model)
    inputs = batch()
    first, second = (model.train()(**inputs).last_hidden_state for _ in range(2))
    assert not torch.equal(first, second)
    first, second = (model.eval()(**inputs).last_hidden_state for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("entity_aware", [False, True])
def test_dropout_in_blocks_is_that_of_the_plain_kernel(entity_aware: bool, shared: bool) -> None:
    """A batch that fits one block draws the masks of the plain kernel, in the same order."""
    model = LukeForMaskedLM(config(use_entity_aware_attention=entity_aware, shared_words=shared)).train()
    scramble(model)
    plain, again = copy.deepcopy(model), copy.deepcopy(model)
    plain.set_attn_implementation("eager")
    again.gradient_checkpointing_enable()
    labels = torch.randint(0, 50, (2, 7))
    for each in (model, plain, again):
        torch.manual_seed(0)
        each(**batch(), labels=labels).loss.backward()
    for (name, parameter), twin, recomputed in zip(
        model.named_parameters(), plain.parameters(), again.parameters(), strict=True
    ):
        if parameter.grad is not None:
            torch.testing.assert_close(parameter.grad, twin.grad, atol=1e-6, rtol=1e-5, msg=name)
            assert torch.equal(parameter.grad, recomputed.grad), name


@pytest.mark.parametrize("shape", [(2, 0), (2, 0, 4)])
def test_no_entities_at_all(shape: tuple[int, ...]) -> None:
    """Tokenizers give a batch without entities as [batch, 0], with or without the positions' last axis."""
    model = LukeModel(config()).eval()
    inputs = {name: tensor for name, tensor in batch().items() if "entity" not in name}
    empty = torch.zeros(2, 0, dtype=torch.long)
    output = model(**inputs, entity_ids=empty, entity_position_ids=torch.zeros(shape, dtype=torch.long))
    assert output.entity_last_hidden_state.shape == (2, 0, 32)
    torch.testing.assert_close(output.last_hidden_state, model(**inputs).last_hidden_state)


def test_a_masked_entity_changes_nothing() -> None:
    """No dummy entity is needed, and one does no harm."""
    model = LukeModel(config()).eval()
    inputs = batch(entities=1)
    inputs["entity_attention_mask"][:] = 1
    more = inputs | {
        "entity_ids": torch.cat([inputs["entity_ids"], torch.zeros(2, 1, dtype=torch.long)], 1),
        "entity_attention_mask": torch.tensor([[1, 0], [1, 0]]),
        "entity_position_ids": torch.cat([inputs["entity_position_ids"], torch.full((2, 1, 4), -1)], 1),
    }
    found, expected = model(**more).entity_last_hidden_state[:, :1], model(**inputs).entity_last_hidden_state
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("entity_aware", [False, True])
def test_skipped_padding_changes_nothing_that_is_not_padding(entity_aware: bool) -> None:
    settings = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    model = LukeForMaskedLM(config(use_entity_aware_attention=entity_aware, **settings))
    scramble(model)
    other = copy.deepcopy(model)
    other.luke.skip_padding = True
    inputs = batch()
    labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
    outputs = [each(**inputs, labels=labels, output_hidden_states=True) for each in (model, other)]
    for states, skipped in zip(*(output.hidden_states[1:] for output in outputs), strict=True):
        seen = inputs["attention_mask"].bool()
        torch.testing.assert_close(skipped[seen], states[seen], atol=1e-5, rtol=1e-5)
        assert not skipped[~seen].any()
    for output in outputs:
        output.loss.backward()
    for (name, parameter), twin in zip(model.named_parameters(), other.parameters(), strict=True):
        if parameter.grad is not None:
            torch.testing.assert_close(twin.grad, parameter.grad, atol=1e-5, rtol=1e-4, msg=name)


def test_a_text_that_is_masked_whole_stays_finite() -> None:
    model = LukeModel(config())
    inputs = batch()
    inputs["attention_mask"][1] = 0
    inputs["entity_attention_mask"][1] = 0
    output = model(**inputs)
    output.last_hidden_state.sum().backward()
    assert torch.isfinite(output.last_hidden_state).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"entity_position_ids": None}, "entity_position_ids"),
        ({"input_ids": None}, "exactly one"),
        ({"inputs_embeds": torch.zeros(2, 7, 32)}, "exactly one"),
        ({"attention_mask": torch.ones(2, 6)}, r"\(2, 6\), expected \(2, 7\)"),
        ({"entity_ids": None}, r"\(2, 3\), expected \(2, 0\)"),
    ],
)
def test_wrong_inputs_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LukeModel(config())(**(batch() | changes))


def test_too_long_a_text_is_named() -> None:
    model = LukeModel(config())
    ids = torch.full((1, 19), 5)
    ids[0, -1] = 1  # padding takes no position
    assert model(input_ids=ids).last_hidden_state.shape == (1, 19, 32)
    with pytest.raises(ValueError, match="found 19 words, but there are positions for 18"):
        model(input_ids=torch.full((1, 19), 5))


def test_mean_of_rows_by_hand() -> None:
    table = torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    rows = torch.tensor([[[0, 1, -1], [-1, 2, 2]], [[-1, -1, -1], [0, 1, 2]]])
    expected = torch.tensor([[[1.0, 2.0], [4.0, 5.0]], [[0.0, 0.0], [2.0, 3.0]]])
    torch.testing.assert_close(mean_of_rows(table, rows), expected)
