"""PaddleNLP's files, in and out."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import layouts
import numpy as np
import pytest
import safetensors.numpy
import torch
import transformers

from loreweave import models
from loreweave.checkpoints import convert, load_luke, recognise
from loreweave.checkpoints.formats import paddle
from loreweave.errors import CheckpointError

EPS = 1e-6


def _reference(name: str = "LukeForMaskedLM", **changes: Any) -> Any:
    return layouts.reference(getattr(transformers, name), extra_queries=True, layer_norm_eps=EPS, **changes)


def _write(folder: Path, arrays: dict[str, Any], protocol: int = 4, config: bool = True, tokenizer: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    names = {"StructuredToParameterName@@": {name: f"linear_{n}.w_0" for n, name in enumerate(arrays)}}
    (folder / "model_state.pdparams").write_bytes(pickle.dumps(arrays | names, protocol=protocol))
    inner = layouts.metadata()["model_config"] | {"init_class": "LukeModel", "vocab_size": layouts.WORDS + 2}
    for name in ("layer_norm_eps", "bert_model_name"):
        del inner[name]
    if config:
        (folder / "model_config.json").write_text(json.dumps({"init_args": [inner], "init_class": "LukeForMaskedLM"}))
    if tokenizer:
        layouts.write_roberta_tokenizer(folder)
        (folder / "entity_vocab.json").write_text(json.dumps({t: i for i, t in enumerate([*layouts.TITLES, "[MASK2]"])}))
        added = {"<ent>": layouts.WORDS, "<ent2>": layouts.WORDS + 1}
        (folder / "added_tokens.json").write_text(json.dumps(added))
    return folder


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("place", ["", "model_state.pdparams"])
def test_masked_lm(tmp_path: Path, protocol: int, place: str) -> None:
    reference = _reference()
    path = _write(tmp_path, layouts.paddle_arrays(reference), protocol) / place
    assert recognise(path) == "paddle"
    loaded = load_luke(path)
    assert type(loaded.model) is models.LukeForMaskedLM and loaded.model.config.layer_norm_eps == EPS
    layouts.assert_same(loaded.model, reference, *layouts.MASKED_LM)
    assert loaded.tokenizer is not None and loaded.vocabulary is not None and "Tokyo" in loaded.vocabulary
    assert not loaded.report.dropped and not loaded.report.new_modules


@pytest.mark.parametrize(
    "name",
    [
        "LukeForEntityClassification",
        "LukeForEntityPairClassification",
        "LukeForEntitySpanClassification",
        "LukeForQuestionAnswering",
    ],
)
def test_task_heads(tmp_path: Path, name: str) -> None:
    reference = _reference(name, **({} if "Question" in name else {"num_labels": 3}))
    loaded = load_luke(_write(tmp_path, layouts.paddle_arrays(reference)))
    assert type(loaded.model).__name__ == name
    outputs = ("start_logits", "end_logits") if "Question" in name else ("logits",)
    spans = {
        "entity_start_positions": torch.tensor([[1, 4], [1, 0]]),
        "entity_end_positions": torch.tensor([[2, 4], [3, 0]]),
    }
    layouts.assert_same(loaded.model, reference, *outputs, **(spans if "Span" in name else {}))


@pytest.mark.parametrize("prefix", ["", "luke."])
def test_the_bare_encoder_with_and_without_prefix(tmp_path: Path, prefix: str) -> None:
    reference = _reference()
    arrays = layouts.paddle_arrays(reference)
    arrays = {prefix + name.removeprefix("luke."): array for name, array in arrays.items() if name.startswith("luke.")}
    loaded = load_luke(_write(tmp_path, arrays))
    assert type(loaded.model) is models.LukeModel
    layouts.assert_same(loaded.model, reference.luke, "last_hidden_state", "entity_last_hidden_state")


def test_tables_cut_in_pieces_are_joined(tmp_path: Path) -> None:
    reference = _reference()
    arrays = layouts.paddle_arrays(reference)
    name = "luke.embeddings.word_embeddings.weight"
    table = arrays.pop(name)
    parts = {f"{name}@@.{n}": part for n, part in enumerate(np.array_split(table.flatten(), 3))}
    arrays |= parts | {"UnpackBigParamInfor@@": {name: {"OriginShape": table.shape, "slices": list(parts)}}}
    layouts.assert_same(load_luke(_write(tmp_path, arrays, protocol=2)).model, reference, *layouts.MASKED_LM)


def test_a_training_checkpoint_stands_for_its_model(tmp_path: Path) -> None:
    """Inside other containers, `paddle.save` writes a tensor as a pair of its name and the array."""
    reference = _reference()
    state = {name: (f"linear_{n}.w_0", array) for n, (name, array) in enumerate(layouts.paddle_arrays(reference).items())}
    file = _write(tmp_path, layouts.paddle_arrays(reference)) / "model_state.pdparams"
    file.write_bytes(pickle.dumps({"epoch": 3, "model": state, "optimizer": {"linear_0.w_0_moment1_0": np.ones(2)}}))
    layouts.assert_same(load_luke(file).model, reference, *layouts.MASKED_LM)
    file.write_bytes(pickle.dumps({"model": state, "average": state}))
    with pytest.raises(CheckpointError, match="found 2 models"):
        load_luke(file)


def test_bfloat16_is_what_paddle_stores_as_uint16(tmp_path: Path) -> None:
    arrays = layouts.paddle_arrays(_reference())
    halves = {name: torch.from_numpy(array).bfloat16() for name, array in arrays.items()}
    found = load_luke(_write(tmp_path, {name: half.view(torch.uint16).numpy() for name, half in halves.items()}))
    wanted = {name: half.float() for name, half in halves.items()}
    written = paddle.names_to_paddle(found.model.state_dict())
    assert all(torch.equal(written[name].float(), tensor) for name, tensor in wanted.items() if "decoder" not in name)


def test_safetensors_of_paddle_3(tmp_path: Path) -> None:
    reference = _reference()
    folder = _write(tmp_path, arrays := layouts.paddle_arrays(reference))
    safetensors.numpy.save_file(arrays, folder / "model_state.pdparams")
    layouts.assert_same(load_luke(folder).model, reference, *layouts.MASKED_LM)


def test_the_head_of_paddles_own_script_for_open_entity(tmp_path: Path) -> None:
    """Its class of 2021 calls the classifier `typing`."""
    reference = _reference("LukeForEntityClassification", num_labels=3)
    arrays = {name.replace("classifier.", "typing."): array for name, array in layouts.paddle_arrays(reference).items()}
    loaded = load_luke(_write(tmp_path, arrays))
    assert type(loaded.model) is models.LukeForEntityClassification
    layouts.assert_same(loaded.model, reference, "logits")


def test_an_entity_decoder_trained_apart_is_reported(tmp_path: Path) -> None:
    arrays = layouts.paddle_arrays(_reference())
    arrays["entity_predictions.decoder.weight"] += 0.25
    loaded = load_luke(_write(tmp_path, arrays))
    assert "by up to 0.25" in loaded.report.dropped["entity_predictions.decoder.weight"]


def test_without_configuration_the_base_says_the_rest(tmp_path: Path) -> None:
    reference = _reference()
    base = layouts.write_v4_folder(tmp_path / "luke", layouts.reference())
    loaded = load_luke(_write(tmp_path / "paddle", layouts.paddle_arrays(reference), config=False, tokenizer=False), base=base)
    assert loaded.model.config.layer_norm_eps == EPS and loaded.tokenizer is not None
    layouts.assert_same(loaded.model, reference, *layouts.MASKED_LM)


@pytest.mark.parametrize("words_in", ["folder", "base"])
def test_the_entity_vocabulary_of_early_versions_is_a_table(tmp_path: Path, words_in: str) -> None:
    """With the word tokenizer beside it, or in the encoder that --base names, which has no entities."""
    folder = _write(tmp_path / "paddle", layouts.paddle_arrays(_reference()), tokenizer=False)
    layouts.write_tsv(folder, [*layouts.TITLES, "[MASK2]"])
    words = layouts.write_roberta_tokenizer(folder if words_in == "folder" else tmp_path / "roberta")
    loaded = load_luke(folder, base=words)
    assert loaded.tokenizer is not None and loaded.vocabulary is not None
    assert list(loaded.tokenizer.encode("Ann saw Kyoto.", [(8, 13)], ["Kyoto"]).entity_ids) == [layouts.TITLES.index("Kyoto")]


def test_out_are_the_arrays_that_paddle_expects(tmp_path: Path) -> None:
    reference = layouts.reference(extra_queries=True)
    folder = layouts.write_v4_folder(tmp_path / "hf", reference)
    report = convert(folder, tmp_path / "out", to="paddle")
    assert any("1e-06" in note for note in report.notes)
    with (tmp_path / "out" / "model_state.pdparams").open("rb") as file:
        found = pickle.load(file)
    wanted = layouts.paddle_arrays(reference)
    table = found.pop("StructuredToParameterName@@")
    assert set(found) == set(table) == set(wanted), "paddle.load makes tensors only of what the table names"
    assert all(np.array_equal(found[name], array) and found[name].shape == array.shape for name, array in wanted.items())
    assert b"_core" not in (tmp_path / "out" / "model_state.pdparams").read_bytes()[:2000], "NumPy 1 must find the names"
    assert {"vocab.json", "merges.txt", "entity_vocab.json", "model_config.json"} <= {
        f.name for f in (tmp_path / "out").iterdir()
    }


def test_there_and_back(tmp_path: Path) -> None:
    reference = layouts.reference(extra_queries=True)
    convert(layouts.write_v4_folder(tmp_path / "hf", reference), tmp_path / "paddle", to="paddle")
    back = load_luke(tmp_path / "paddle")
    assert back.model.config.layer_norm_eps == 1e-5, "our file says what the model was trained with"
    layouts.assert_same(back.model, reference, *layouts.MASKED_LM)


def test_ordinary_attention_gets_copies_for_paddle(tmp_path: Path) -> None:
    reference = layouts.reference(use_entity_aware_attention=False)
    report = convert(layouts.write_v4_folder(tmp_path / "hf", reference), tmp_path / "paddle", to="paddle")
    assert any("copies of query" in note for note in report.notes)
    back = load_luke(tmp_path / "paddle")
    assert not back.model.config.use_entity_aware_attention
    aware = load_luke(tmp_path / "paddle", entity_aware_attention=True)
    for loaded in (back, aware):
        layouts.assert_same(loaded.model, reference, *layouts.MASKED_LM)


# The arguments of PaddleNLP's LukeModel before version 2.5, which raises a TypeError for any other.
ARGUMENTS = {
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
    "hidden_dropout_prob", "attention_probs_dropout_prob", "max_position_embeddings", "type_vocab_size", "entity_vocab_size",
    "entity_emb_size", "initializer_range", "pad_token_id", "entity_pad_token_id", "init_class",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("LukeForMaskedLM", set()),
        ("LukeForEntityClassification", {"num_classes"}),
        ("LukeForEntityPairClassification", {"num_classes"}),
        ("LukeForEntitySpanClassification", {"num_classes"}),
        ("LukeForQuestionAnswering", set()),
    ],
)
def test_the_configuration_has_only_arguments_of_paddles_classes(tmp_path: Path, name: str, more: set[str]) -> None:
    paddle.save(getattr(models, name)(layouts.config()), None, tmp_path / "out")
    outer = json.loads((tmp_path / "out" / "model_config.json").read_text())
    assert set(outer) == {"init_args", "init_class"} | more and outer["init_class"] == name
    (inner,) = outer["init_args"]
    assert inner["init_class"] == "LukeModel" and set(inner) <= ARGUMENTS
    assert (inner["hidden_size"], inner["vocab_size"], inner["pad_token_id"]) == (layouts.HIDDEN, layouts.WORDS + 2, 1)
    paddle.save(models.LukeModel(layouts.config()), None, tmp_path / "bare")
    assert set(json.loads((tmp_path / "bare" / "model_config.json").read_text())) <= ARGUMENTS


def test_label_names_go_with_the_model_in_a_file_of_our_own(tmp_path: Path) -> None:
    model = models.LukeForEntityClassification(layouts.config(id2label={0: "city", 1: "person"}))
    assert any("the names of 2 labels stand in loreweave.json" in note for note in paddle.save(model, None, tmp_path / "named"))
    found = load_luke(tmp_path / "named").model.config
    assert found.id2label == {0: "city", 1: "person"} and found.label2id == {"city": 0, "person": 1}
    numbered = models.LukeForEntityClassification(layouts.config(num_labels=2))
    assert not any("labels" in note for note in paddle.save(numbered, None, tmp_path / "numbered"))
    (tmp_path / "named" / "loreweave.json").write_text("[]")
    with pytest.raises(CheckpointError, match="loreweave.json: found a list, expected an object"):
        load_luke(tmp_path / "named")


def test_the_configuration_of_paddlenlp_since_2_5(tmp_path: Path) -> None:
    """It is in `config.json`, flat, with the names of labels; layer norms still compute with 1e-6."""
    reference = _reference("LukeForEntityClassification", num_labels=2)
    folder = _write(tmp_path, layouts.paddle_arrays(reference), config=False)
    config = layouts.metadata()["model_config"] | {"architectures": ["LukeForEntityClassification"], "model_type": "luke"}
    config |= {"vocab_size": layouts.WORDS + 2, "entity_vocab_size": len(layouts.TITLES) + 1}
    config |= {"layer_norm_eps": 1e-12, "id2label": {"0": "city", "1": "person"}, "paddlenlp_version": None}
    (folder / "config.json").write_text(json.dumps(config))
    loaded = load_luke(folder)
    assert loaded.model.config.id2label == {0: "city", 1: "person"} and loaded.model.config.layer_norm_eps == EPS
    layouts.assert_same(loaded.model, reference, "logits")


def test_a_folder_of_loreweave_0_1_is_still_read(tmp_path: Path) -> None:
    """Its `model_config.json` held what stands in `loreweave.json` today."""
    reference = layouts.reference(extra_queries=True)
    convert(layouts.write_v4_folder(tmp_path / "hf", reference), tmp_path / "paddle", to="paddle")
    ours, file = tmp_path / "paddle" / "loreweave.json", tmp_path / "paddle" / "model_config.json"
    config = json.loads(file.read_text())
    config["init_args"][0] |= json.loads(ours.read_text()) | {"cls_token_id": 0}
    file.write_text(json.dumps(config))
    ours.unlink()
    assert load_luke(tmp_path / "paddle").model.config.layer_norm_eps == 1e-5


def test_a_class_that_paddle_has_not(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="found a LukeForEntityCloze, PaddleNLP has LukeModel"):
        paddle.save(models.LukeForEntityCloze(layouts.config()), None, tmp_path / "out")


def test_what_is_no_dictionary_of_arrays(tmp_path: Path) -> None:
    for content in ([1], {"a": "text"}):
        (tmp_path / "a.pdparams").write_bytes(pickle.dumps(content))
        with pytest.raises(CheckpointError, match="a.pdparams: found a"):
            load_luke(tmp_path / "a.pdparams")
