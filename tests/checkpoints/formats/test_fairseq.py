"""fairseq's RoBERTa: every layout in, equal numbers out, and back; nothing of a file is run or left out in silence."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import fairseq_roberta as original
import pytest
import tiny_fairseq as tiny
import torch
from fairseq_roberta import REAL, TOKENS, close
from transformers import AutoModel, RobertaForMaskedLM, RobertaForSequenceClassification

from loreweave.checkpoints import convert
from loreweave.checkpoints.formats import fairseq
from loreweave.checkpoints.formats.fairseq_layout import GENERATIONS
from loreweave.checkpoints.unpickling import read_torch_file
from loreweave.errors import CheckpointError, ConfigurationError


@pytest.fixture(params=original.VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_layout_computes_what_fairseq_computes(tmp_path: Path, version: str) -> None:
    file = original.write(tmp_path / "in", version, zipped=version == "0.12")
    report = convert(file, tmp_path / "out")
    model = RobertaForMaskedLM.from_pretrained(tmp_path / "out").eval()
    with torch.no_grad():
        output = model(TOKENS, attention_mask=REAL.long(), output_hidden_states=True)
    state = original.tensors(version)
    assert close(output.logits[REAL], original.logits(state, TOKENS)[REAL])
    assert close(output.hidden_states[-1][:, 0], original.states(state, TOKENS)[:, 0])
    assert set(report.dropped) == ({"encoder.sentence_encoder.version"} if version == "0.12" else set())
    assert any("training state (extra_state, optimizer_history)" in note for note in report.notes)
    assert not any(name.startswith("roberta.pooler") for name in model.state_dict())


PROGRAM = """
import json, sys, torch
from transformers import AutoModelForMaskedLM, AutoTokenizer
model, report = AutoModelForMaskedLM.from_pretrained(sys.argv[1], output_loading_info=True)
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
inputs = tokenizer(["of the city", "a river"], padding=True, return_tensors="pt")
with torch.no_grad():
    logits = model.eval()(**inputs).logits
print(json.dumps({"class": type(model).__name__, "missing": sorted(report["missing_keys"]),
                  "unexpected": sorted(report["unexpected_keys"]), "ids": inputs["input_ids"].tolist(),
                  "logits": logits.tolist(), "tokenizer": type(tokenizer).__name__, "mask": tokenizer.mask_token_id,
                  "max": tokenizer.model_max_length, "loreweave": "loreweave" in sys.modules}))
"""


def test_plain_transformers_loads_it_as_roberta(tmp_path: Path) -> None:
    convert(original.write(tmp_path / "in", "0.8"), tmp_path / "out")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "out")]
    found = json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert found["class"] == "RobertaForMaskedLM" and not found["missing"] and not found["unexpected"]
    assert "Roberta" in found["tokenizer"] and found["mask"] == original.VOCABULARY - 1 and found["max"] == 32
    pieces = ("of", "Ġthe", "Ġcity", "a", "Ġriver")
    id_of = {piece: tiny.SYMBOLS.index(str(tiny.GPT2.ids[piece])) for piece in pieces}
    # "of" begins the text without a space before it; "o f" is a merge
    assert found["ids"] == [[0, id_of["of"], id_of["Ġthe"], id_of["Ġcity"], 2], [0, id_of["a"], id_of["Ġriver"], 2, 1]]
    assert found["loreweave"] is False
    tokens = torch.tensor(found["ids"])
    real = tokens != 1
    assert close(torch.tensor(found["logits"])[real], original.logits(original.tensors("0.8"), tokens)[real])


def test_classification_heads_are_named_or_chosen(tmp_path: Path) -> None:
    heads = original.classification_head("mnli") | original.classification_head("other", 2)
    file = original.write(tmp_path / "in", "0.9", model=original.tensors("0.9") | heads)
    report = convert(file, tmp_path / "words")
    assert {name for name in report.dropped if name.startswith("classification_heads")} == set(heads)
    report = convert(file, tmp_path / "classes", classification_head="mnli")
    model = RobertaForSequenceClassification.from_pretrained(tmp_path / "classes").eval()
    with torch.no_grad():
        scores = model(TOKENS, attention_mask=REAL.long()).logits
    assert close(scores, original.class_scores(original.tensors("0.9"), heads, "mnli", TOKENS))
    assert "lm_head.bias" in report.dropped and "classification_heads.other.dense.bias" in report.dropped
    with pytest.raises(CheckpointError, match="no classification head 'rte'; the file has mnli, other"):
        convert(file, tmp_path / "none", classification_head="rte")


def test_newer_files_say_their_settings_in_cfg(tmp_path: Path) -> None:
    settings = vars(original.namespace())
    length = settings.pop("tokens_per_sample") // 2
    for name, model in (("namespace", argparse.Namespace(**settings)), ("dictionary", settings)):
        cfg = {"model": model, "task": {"tokens_per_sample": length}, "common": None}
        loaded = fairseq.load(original.write(tmp_path / name, "0.12", args=None, cfg=cfg))
        assert loaded.model.config.num_attention_heads == original.HEADS and loaded.text.max_length == length


def test_numbers_come_from_tensors_and_args(tmp_path: Path) -> None:
    args = original.namespace(encoder_layers=12, dropout=0.25, attention_dropout=0.0)
    loaded = fairseq.load(original.write(tmp_path, "0.8", args=args))
    config = loaded.model.config
    assert (config.num_hidden_layers, config.hidden_size, config.intermediate_size) == (2, 16, 24)
    assert (config.max_position_embeddings, config.vocab_size, config.type_vocab_size) == (34, original.VOCABULARY, 1)
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob, config.layer_norm_eps) == (0.25, 0.0, 1e-5)
    assert (config.bos_token_id, config.pad_token_id, config.eos_token_id) == (0, 1, 2)
    assert "encoder_layers: args has 12, the tensors have 2, which is used" in loaded.report.notes


def test_an_untied_head_keeps_its_table(tmp_path: Path) -> None:
    state = original.tensors("0.10")
    state["encoder.lm_head.weight"] = state["encoder.lm_head.weight"] * 2
    convert(original.write(tmp_path / "in", "0.10", model=state), tmp_path / "out")
    model = RobertaForMaskedLM.from_pretrained(tmp_path / "out").eval()
    with torch.no_grad():
        assert close(model(TOKENS, attention_mask=REAL.long()).logits[REAL], original.logits(state, TOKENS)[REAL])
    convert(tmp_path / "out", tmp_path / "back", to="fairseq")
    assert read_torch_file(tmp_path / "back" / "model.pt")["args"].untie_weights_roberta is True
    with pytest.raises(CheckpointError, match="0.8 ties it"):
        convert(tmp_path / "out", tmp_path / "old", to="fairseq", fairseq_version="0.8")


# ---- what is refused -------------------------------------------------------------------------------------------------


class Attack:
    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.victim}",)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["extra_state", "args", "model"])
def test_malicious_files_are_refused(tmp_path: Path, place: str, zipped: bool) -> None:
    attack = {"train_meters": Attack(tmp_path / "victim")}
    file = original.write(tmp_path / "in", "0.8", zipped=zipped, **{place: attack})
    with pytest.raises(CheckpointError, match=r"model\.pt: found (posix|nt)\.system in the pickle.*not run"):
        convert(file, tmp_path / "out")
    assert not (tmp_path / "victim").exists() and not (tmp_path / "out").exists()


def test_classes_of_fairseq_are_stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        state = {"train_iterator": {"epoch": 1}, "train_meters": original.meters(patch)}
        file = original.write(tmp_path / "in", "0.8", extra_state=state)
    convert(file, tmp_path / "out")
    assert "fairseq" not in sys.modules and (tmp_path / "out" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation_fn": "relu"}, "activation_fn 'relu' in args, expected 'gelu'"),
        ({"bert": True}, "bert True in args, expected False"),
        ({"no_scale_embedding": False}, "no_scale_embedding False"),
        ({"encoder_attention_heads": 3}, "found 3 as encoder_attention_heads in args, expected a divisor of 16"),
        ({"encoder_attention_heads": None, "arch": "mine"}, "found null as encoder_attention_heads"),
    ],
)
def test_models_that_roberta_cannot_be_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    file = original.write(tmp_path, "0.8", args=original.namespace(**changes))
    with pytest.raises(CheckpointError, match=message):
        fairseq.load(file)


def test_files_that_are_no_checkpoint_are_named(tmp_path: Path) -> None:
    torch.save({"weights": 1}, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=r"model\.pt: found no 'model' of named tensors"):
        fairseq.load(tmp_path)
    with pytest.raises(CheckpointError, match="found no .pt file"):
        fairseq.load(tmp_path / "nothing")


# ---- back to fairseq -------------------------------------------------------------------------------------------------


def test_there_and_back_changes_nothing(tmp_path: Path, version: str) -> None:
    heads = original.knowledge_head("wikiData") | original.knowledge_head("wordnet")
    file = original.write(tmp_path / "in", version, model=original.tensors(version) | heads)
    convert(file, tmp_path / "hugging-face")
    report = convert(tmp_path / "hugging-face", tmp_path / "back", to="fairseq", fairseq_version=version)
    state = read_torch_file(tmp_path / "back" / "model.pt")["model"]
    expected = original.tensors(version) | (heads if version == "0.8" else {})
    assert set(state) == set(expected) and all(torch.equal(state[name], expected[name]) for name in expected)
    for name in ("dict.txt", "encoder.json", "vocab.bpe"):
        assert (tmp_path / "back" / name).is_file()
    dictionary = [line.split()[0] for line in (tmp_path / "back" / "dict.txt").read_text().splitlines()]
    assert dictionary == list(tiny.SYMBOLS[4:])
    left_out = [note for note in report.notes if "only KEPLER's fork of fairseq 0.8" in note]
    assert len(left_out) == (0 if version == "0.8" else 2)
    convert(tmp_path / "back", tmp_path / "again")
    names = ["model.safetensors", "config.json"]
    assert all((tmp_path / "again" / n).read_bytes() == (tmp_path / "hugging-face" / n).read_bytes() for n in names)


def test_a_head_that_was_never_trained_is_named(tmp_path: Path) -> None:
    convert(original.write(tmp_path / "in", "0.10"), tmp_path / "hugging-face")
    config = tmp_path / "hugging-face" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"untrained_modules": ["lm_head"]}))
    report = convert(tmp_path / "hugging-face", tmp_path / "back", to="fairseq")
    assert "lm_head was never trained, which a file of fairseq cannot say" in report.notes


def test_what_fairseq_reads_besides_the_tensors(tmp_path: Path) -> None:
    state = original.tensors("0.8") | original.knowledge_head("wikiData", gamma=9.0)
    convert(original.write(tmp_path / "in", "0.8", model=state), tmp_path / "hugging-face")
    convert(tmp_path / "hugging-face", tmp_path / "back", to="fairseq", fairseq_version="0.8")
    content = torch.load(tmp_path / "back" / "model.pt", weights_only=False)  # as fairseq does; the file is our own
    args = content["args"]
    assert type(args).__name__ == "Namespace" and args.arch == "roberta" and args.max_positions == 32
    sizes = (args.encoder_layers, args.encoder_embed_dim, args.encoder_ffn_embed_dim, args.encoder_attention_heads)
    assert sizes == (2, 16, 24, 4)
    assert (args.task, args.ke_head_name, args.gamma, args.nrelation) == ("MLMetKE", "wikiData", 9.0, 5)
    # what fairseq's own upgrade of old files looks for
    assert {"optimizer_name", "lr_scheduler_state", "num_updates"} <= set(content["optimizer_history"][-1])
    assert content["extra_state"]["train_iterator"]["epoch"] == 1
    model = content["model"]
    shared = model["decoder.lm_head.weight"], model["decoder.sentence_encoder.embed_tokens.weight"]
    assert shared[0].data_ptr() == shared[1].data_ptr()


def test_models_that_fairseq_lacks_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(CheckpointError, match="found a model of the type bert, expected the folder of a RoBERTa"):
        convert(tmp_path / "bert", tmp_path / "out", to="fairseq")
    convert(original.write(tmp_path / "in", "0.8"), tmp_path / "words")
    AutoModel.from_pretrained(tmp_path / "words", add_pooling_layer=False).save_pretrained(tmp_path / "bare")
    with pytest.raises(CheckpointError, match=r"the weights lack lm_head\."):
        convert(tmp_path / "bare", tmp_path / "out", to="fairseq", base=tmp_path / "words")


def test_wrong_use_is_named(tmp_path: Path) -> None:
    file = original.write(tmp_path / "in", "0.8")
    with pytest.raises(ConfigurationError, match="fairseq version '0.7', expected one of 0.8, 0.9, 0.10, 0.12"):
        convert(file, tmp_path / "out")
        convert(tmp_path / "out", tmp_path / "back", to="fairseq", fairseq_version="0.7")
    for options in ({"lite": True}, {"entity_aware_attention": True}, {"to": "paddle"}):
        with pytest.raises(ConfigurationError, match="fairseq is for RoBERTas without entities"):
            convert(file, tmp_path / "other", **options)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="not empty"):
        convert(file, tmp_path / "out")
    assert tuple(GENERATIONS) == original.VERSIONS
