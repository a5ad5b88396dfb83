"""Full models of the released Sparse Latent Typing code, made key by key: in, out, and the bare encoder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tiny_encoders import make_tiny_bert
from torch import Tensor
from transformers import AutoModelForMaskedLM, BertForMaskedLM

from loreweave.checkpoints import convert, latent_typing, type_head
from loreweave.checkpoints.formats import sparse_lt
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models.sparse_typing import SparseTypingHead
from loreweave.models.type_head import TypeHead

TYPES = 6


def released(folder: Path, *, drop: str | None = None, change: dict[str, Tensor] | None = None) -> Path:
    """A folder as the released code saves it: names written out by hand, dead rows filled, buffers of transformers 4.21."""
    make_tiny_bert(folder)
    torch.manual_seed(2)
    model = AutoModelForMaskedLM.from_pretrained(folder)
    d, inner, state = model.config.hidden_size, 24, model.state_dict()
    tensors = {f"model.{name}": tensor.clone() for name, tensor in state.items()}
    for part in ("self_attn", "encoder_attn"):
        for kind in "kvq":
            tensors[f"decoder.layers.0.{part}.{kind}_proj.weight"] = torch.randn(d, d)
            tensors[f"decoder.layers.0.{part}.{kind}_proj.bias"] = torch.randn(d)
        tensors[f"decoder.layers.0.{part}.out_proj.weight"] = torch.randn(d, d)
        tensors[f"decoder.layers.0.{part}.out_proj.bias"] = torch.randn(d)
    for norm in ("layers.0.self_attn_layer_norm", "layers.0.encoder_attn_layer_norm", "layers.0.final_layer_norm"):
        tensors[f"decoder.{norm}.weight"], tensors[f"decoder.{norm}.bias"] = torch.randn(d), torch.randn(d)
    tensors["decoder.layernorm_embedding.weight"], tensors["decoder.layernorm_embedding.bias"] = torch.randn(d), torch.randn(d)
    tensors["decoder.layers.0.fc1.weight"], tensors["decoder.layers.0.fc1.bias"] = torch.randn(inner, d), torch.randn(inner)
    tensors["decoder.layers.0.fc2.weight"], tensors["decoder.layers.0.fc2.bias"] = torch.randn(d, inner), torch.randn(d)
    tensors |= {f"decoder.{n.removeprefix('bert.')}": state[n].clone() for n in state if n.startswith("bert.embeddings.")}
    tensors["sa_pm.vars"], tensors["sa_pm.weight_proj.weight"] = torch.randn(TYPES, d), torch.randn(TYPES, d)
    tensors["glm_head.weight"] = state["bert.embeddings.word_embeddings.weight"].clone()
    tensors["glm_head.bias"] = torch.randn(model.config.vocab_size)
    tensors["decoder.embeddings.position_ids"] = torch.arange(model.config.max_position_embeddings)[None]
    tensors |= change or {}
    tensors.pop(drop or "", None)
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    content = json.loads((folder / "config.json").read_text())
    content |= {"decoder_layers": 1, "decoder_ffn_dim": inner, "activation_function": "gelu", "init_std": 0.02}
    (folder / "config.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return released(tmp_path / "source")


def test_a_released_folder_is_loaded_as_the_released_code_behaves(source: Path) -> None:
    assert sparse_lt.recognises(source)
    model, head, report = sparse_lt.load(source)
    tensors = torch.load(source / "pytorch_model.bin")
    config = head.config
    assert (config.types, config.inner_size, config.double_embedding, config.mask_unselected) == (TYPES, 24, True, False)
    assert config.layer_drop == config.dropout == model.config.hidden_dropout_prob
    assert torch.equal(head.typer.vars, tensors["sa_pm.vars"][1:])
    states = torch.randn(1, 5, config.hidden_size)
    logits = states @ tensors["sa_pm.weight_proj.weight"].T
    logits[..., 0] = 0
    assert torch.allclose(head.typer(states).logits, logits, atol=1e-5)
    assert report.dropped["glm_head.weight"] == "tied to the encoder's"
    assert report.dropped["decoder.embeddings.position_ids"] == "a buffer"


def test_there_and_back(source: Path, tmp_path: Path) -> None:
    """Every live number comes back; the dead rows of the typer come back as zeros."""
    convert(source, tmp_path / "ours")
    assert latent_typing.load(tmp_path / "ours").head.config.types == TYPES
    convert(tmp_path / "ours", tmp_path / "again", to="sparse-lt")
    before, after = (torch.load(folder / "pytorch_model.bin") for folder in (source, tmp_path / "again"))
    assert set(after) == set(before) - {"decoder.embeddings.position_ids"}
    for name, tensor in after.items():
        if name in ("sa_pm.vars", "sa_pm.weight_proj.weight"):
            assert not tensor[0].any() and torch.equal(tensor[1:], before[name][1:])
        else:
            assert torch.equal(tensor, before[name]), name
    assert json.loads((tmp_path / "again" / "config.json").read_text())["decoder_ffn_dim"] == 24
    assert sparse_lt.recognises(tmp_path / "again")


@pytest.mark.parametrize("first", ["hugging-face", None])
def test_the_encoder_alone_is_a_plain_bert(source: Path, tmp_path: Path, first: str | None) -> None:
    """From the released folder, and from ours."""
    origin = source
    if first:
        convert(source, tmp_path / "ours", to=first)
        origin = tmp_path / "ours"
        type_head.save(origin, TypeHead(torch.eye(3), 0.1), ["a", "b", "c"], {})
    report = convert(origin, tmp_path / "bert", to="encoder")
    assert not [*(tmp_path / "bert").glob("latent_typing*"), *(tmp_path / "bert").glob("entity_types*")]
    assert (tmp_path / "bert" / "tokenizer.json").is_file()
    bert, info = BertForMaskedLM.from_pretrained(tmp_path / "bert", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    wanted = torch.load(source / "pytorch_model.bin")["model.bert.encoder.layer.0.output.dense.weight"]
    assert torch.equal(bert.bert.encoder.layer[0].output.dense.weight, wanted)
    assert ({"latent_typing.json", "entity_types.json"} <= set(report.dropped)) == (first is not None)


@pytest.mark.parametrize(
    ("drop", "change", "message"),
    [
        ("sa_pm.vars", None, r"found no sa_pm\.vars"),
        ("model.bert.encoder.layer.0.output.dense.bias", None, r"found no model\.bert\.encoder\.layer\.0\.output\.dense\.bias"),
        ("decoder.layers.0.fc1.bias", None, r"fc1\.bias"),
        (None, {"decoder.more": torch.zeros(1)}, "more"),
        (None, {"more": torch.zeros(1)}, "found more"),
        (None, {"glm_head.weight": torch.zeros(3, 3)}, "is not equal to"),
        (None, {"model.bert.more": torch.zeros(1)}, r"found model\.bert\.more"),
    ],
)
def test_files_with_gaps_and_leftovers_are_refused(
    tmp_path: Path, drop: str | None, change: dict[str, Tensor] | None, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        sparse_lt.load(released(tmp_path, drop=drop, change=change))


@pytest.mark.parametrize("part", ["weight", "bias"])
def test_copies_of_tied_tensors_must_be_equal(source: Path, part: str) -> None:
    tensors = torch.load(source / "pytorch_model.bin")
    tensors[f"model.cls.predictions.decoder.{part}"] += 1
    torch.save(tensors, source / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=rf"model\.cls\.predictions\.decoder\.{part} is not equal to"):
        sparse_lt.load(source)


def test_one_name_of_the_masked_word_bias_is_enough_and_needed(source: Path) -> None:
    tensors = torch.load(source / "pytorch_model.bin")
    del tensors["model.cls.predictions.bias"]
    torch.save(tensors, source / "pytorch_model.bin")
    model, _, _ = sparse_lt.load(source)
    assert torch.equal(model.cls.predictions.bias, tensors["model.cls.predictions.decoder.bias"])
    del tensors["model.cls.predictions.decoder.bias"]
    torch.save(tensors, source / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"found no model\.cls\.predictions\.bias"):
        sparse_lt.load(source)


def test_what_the_released_code_would_read_otherwise_is_not_written(source: Path, tmp_path: Path) -> None:
    model, _, _ = sparse_lt.load(source)
    for settings in ({"double_embedding": False}, {"mask_unselected": True}):
        with pytest.raises(CheckpointError, match="the released behaviour"):
            sparse_lt.save(model, SparseTypingHead.of(model.bert, types=TYPES, **settings), tmp_path)


def test_rates_that_the_layout_has_no_place_for_are_said(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "ours")
    assert not convert(tmp_path / "ours", tmp_path / "same", to="sparse-lt").notes
    settings = tmp_path / "ours" / "latent_typing.json"
    content = json.loads(settings.read_text())
    (place,) = [part for part in (content, *content.values()) if isinstance(part, dict) and "layer_drop" in part]
    place["layer_drop"] = 0.0
    settings.write_text(json.dumps(content))
    (note,) = convert(tmp_path / "ours", tmp_path / "other", to="sparse-lt").notes
    assert note == "the head was trained with layer_drop 0; the released code would train it on with 0.1"


@pytest.mark.parametrize("to", ["hugging-face", "sparse-lt"])
def test_a_head_that_answers_otherwise_is_not_written(
    to: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if rows of the typer were lost on the way."""
    origin = source
    if to == "sparse-lt":
        convert(source, origin := tmp_path / "ours")
    module, name = (latent_typing, "load_head") if to == "hugging-face" else (sparse_lt, "_head")
    read, calls = getattr(module, name), []

    def damaged(*args: object) -> SparseTypingHead:
        calls.append(args)
        head: SparseTypingHead = read(*args)
        with torch.no_grad():
            head.typer.weight_proj[1] *= 2.0
            head.bias[3] += 1.0
        return head

    monkeypatch.setattr(module, name, damaged)
    with pytest.raises(CheckpointError, match=r"scores of latent types off by up to .*rebuilt words off by up to"):
        convert(origin, tmp_path / "out", to=to)
    assert calls and not (tmp_path / "out").exists()
    lost = convert(origin, tmp_path / "out", to=to, lossy=True).lost
    assert [line.split(" off")[0] for line in lost] == ["scores of latent types", "rebuilt words"]


def test_options_and_targets_that_do_not_fit_are_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LUKE options do not apply"):
        convert(source, tmp_path / "out", lite=True)
    with pytest.raises(ConfigurationError, match="found the format 'paddle', expected one of hugging-face, sparse-lt, encoder"):
        convert(source, tmp_path / "out", to="paddle")
    (tmp_path / "empty").mkdir()
    for target in ("encoder", "sparse-lt"):
        with pytest.raises(CheckpointError, match=r"found no config\.json with weights"):
            convert(tmp_path / "empty", tmp_path / "out", to=target)


def test_the_encoder_of_a_checkpoint_has_no_state_of_the_training(tmp_path: Path) -> None:
    """The tokenizer, which a checkpoint in a run lacks, is that of the base."""
    base = tmp_path / "base"
    base.mkdir()
    make_tiny_bert(base)
    origin = tmp_path / "checkpoint-3"
    BertForMaskedLM.from_pretrained(base).save_pretrained(origin)
    state = {"complete.json", "optimizer.pt", "rng_state_0.pth", "scheduler.pt", "trainer_state.json"}
    for name in (*state, "objective_heads.safetensors"):
        (origin / name).write_text("{}")
    report = convert(origin, tmp_path / "out", to="encoder", base=base)
    left_out = {name for name, reason in report.dropped.items() if reason == "the state of the training"}
    assert left_out == state and not report.notes
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert written >= {"config.json", "model.safetensors", "tokenizer.json"} and not written & set(report.dropped)
    assert any("give --base" in note for note in convert(origin, tmp_path / "bare", to="encoder").notes)
