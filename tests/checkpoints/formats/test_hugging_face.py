"""Hugging Face folders: of transformers 4 and 5 in, of both out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import layouts
import pytest
import torch
import transformers
from safetensors.torch import load_file

from loreweave import models
from loreweave.checkpoints import convert, load_luke, recognise
from loreweave.checkpoints.formats import hugging_face
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.errors import CheckpointError, ConfigurationError, DataError

HEADS: dict[str, dict[str, Any]] = {
    "LukeModel": {},
    "LukeForEntityClassification": {"num_labels": 3},
    "LukeForEntityPairClassification": {"num_labels": 3},
    "LukeForEntitySpanClassification": {"num_labels": 3},
    "LukeForSequenceClassification": {"num_labels": 3},
    "LukeForTokenClassification": {"num_labels": 3},
    "LukeForQuestionAnswering": {},
}
SPANS = {
    "entity_start_positions": torch.tensor([[1, 4], [1, 0]]),
    "entity_end_positions": torch.tensor([[2, 4], [3, 0]]),
}


@pytest.mark.parametrize("tied", [False, True])
def test_a_folder_of_transformers_4(tmp_path: Path, tied: bool) -> None:
    reference = layouts.reference(extra_queries=True)
    folder = layouts.write_v4_folder(tmp_path / "luke", reference, tied)
    assert recognise(folder) == "hugging-face"
    loaded = load_luke(folder)
    assert type(loaded.model) is models.LukeForMaskedLM and not loaded.model.training
    layouts.assert_same(loaded.model, reference, *layouts.MASKED_LM)
    assert loaded.vocabulary is not None and loaded.vocabulary.mask2_id == 6
    assert loaded.tokenizer is not None and loaded.tokenizer.word_vocabulary_size == layouts.WORDS + 2
    assert list(loaded.report.dropped) == ["luke.embeddings.position_ids"] and not loaded.report.new_modules


def test_a_folder_of_transformers_5(tmp_path: Path) -> None:
    reference = layouts.reference(extra_queries=True)
    untied = {name: tensor.clone() for name, tensor in reference.state_dict().items()}
    reference.save_pretrained(tmp_path, state_dict=untied)
    (tmp_path / "entity_vocab.json").write_text(json.dumps({t: i for i, t in enumerate([*layouts.TITLES, "[MASK2]"])}))
    loaded = load_luke(tmp_path)
    layouts.assert_same(loaded.model, reference, *layouts.MASKED_LM)
    assert loaded.tokenizer is None and loaded.vocabulary is not None
    assert any("no tokenizer files" in note for note in loaded.report.notes)


def test_the_base_has_the_tokenizer_that_a_checkpoint_lacks(tmp_path: Path) -> None:
    """As a checkpoint in a run, which has weights and a configuration only."""
    whole = layouts.write_v4_folder(tmp_path / "luke", layouts.reference())
    bare = tmp_path / "checkpoint-1"
    hugging_face.save(load_luke(whole).model, None, bare)
    loaded = load_luke(bare, base=whole)
    assert loaded.tokenizer is not None and loaded.tokenizer.word_vocabulary_size == layouts.WORDS + 2
    assert loaded.vocabulary is not None and loaded.vocabulary.mask2_id == 6
    assert not any("no tokenizer" in note for note in loaded.report.notes)
    convert(bare, tmp_path / "out", base=whole)
    assert load_luke(tmp_path / "out").tokenizer is not None


def test_a_base_of_other_entities_is_refused(tmp_path: Path) -> None:
    whole = layouts.write_v4_folder(tmp_path / "luke", layouts.reference())
    loaded, bare = load_luke(whole), tmp_path / "bare"
    other = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2, "Oslo": 3}
    hugging_face.save(loaded.model, None, bare, vocabulary=EntityVocabulary(other))
    with pytest.raises(CheckpointError, match=r"--base: found other words or entities in .*luke .* than in .*bare"):
        load_luke(bare, base=whole)
    small = tmp_path / "small"
    hugging_face.save(models.LukeModel(layouts.config(vocab_size=7)), None, small)
    with pytest.raises(CheckpointError, match=r"than in .*small \(7 words and"):
        load_luke(small, base=whole)


@pytest.mark.parametrize("name", HEADS)
def test_every_head_in_and_out(tmp_path: Path, name: str) -> None:
    torch.manual_seed(3)
    reference = getattr(transformers, name)(layouts.config(**HEADS[name])).eval()
    reference.save_pretrained(tmp_path / "in")
    loaded = load_luke(tmp_path / "in")
    assert type(loaded.model).__name__ == name and not loaded.report.new_modules
    hugging_face.save(loaded.model, None, tmp_path / "out")
    again = getattr(transformers, name).from_pretrained(tmp_path / "out").eval()
    outputs = ("start_logits", "end_logits") if "Question" in name else ("logits",)
    outputs = ("last_hidden_state", "entity_last_hidden_state") if name == "LukeModel" else outputs
    more = SPANS if "Span" in name else {}
    layouts.assert_same(loaded.model, reference, *outputs, **more)
    layouts.assert_same(again, reference, *outputs, **more)


def test_a_pair_classifier_with_a_bias(tmp_path: Path) -> None:
    cls = models.LukeForEntityPairClassification
    model = cls(layouts.config(num_labels=3, classifier_bias=True)).eval()
    torch.nn.init.normal_(model.classifier.bias)
    hugging_face.save(model, None, tmp_path / "out")
    layouts.assert_same(load_luke(tmp_path / "out").model, model, "logits")


def test_a_pretrained_folder_as_a_task_model(tmp_path: Path) -> None:
    folder = layouts.write_v4_folder(tmp_path / "luke", layouts.reference())
    loaded = load_luke(folder, models.LukeForEntityClassification, seed=3)
    assert loaded.report.new_modules == ("classifier",)
    assert any(name.startswith("lm_head") for name in loaded.report.dropped)


def test_entity_aware_attention_can_be_switched(tmp_path: Path) -> None:
    folder = layouts.write_v4_folder(tmp_path / "luke", layouts.reference())
    off = load_luke(folder, entity_aware_attention=False)
    assert not off.model.config.use_entity_aware_attention and "entity-aware attention is off" in set(
        off.report.dropped.values()
    )
    hugging_face.save(off.model, off.tokenizer, tmp_path / "off")
    on = load_luke(tmp_path / "off", entity_aware_attention=True)
    assert set(on.report.copied.values()) == {"copy of query"}
    layouts.assert_same(on.model, layouts.reference(), *layouts.MASKED_LM)


def test_a_saved_folder_has_the_files_of_both_generations(tmp_path: Path) -> None:
    loaded = load_luke(layouts.write_v4_folder(tmp_path / "luke", layouts.reference()))
    hugging_face.save(loaded.model, loaded.tokenizer, tmp_path / "out")
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names >= {
        "config.json",
        "model.safetensors",
        "entity_vocab.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
        "merges.txt",
    }
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["torch_dtype"] == "float32" and config["architectures"] == ["LukeForMaskedLM"]
    assert config["layer_norm_eps"] == 1e-5 and config["type_vocab_size"] == 1 and config["pad_token_id"] == 1
    assert not {"dtype", "_name_or_path"} & set(config)
    tensors = load_file(tmp_path / "out" / "model.safetensors")
    assert tensors["lm_head.decoder.weight"].equal(tensors["luke.embeddings.word_embeddings.weight"])
    assert tensors["entity_predictions.decoder.weight"].equal(tensors["luke.entity_embeddings.entity_embeddings.weight"])


def test_nothing_is_overwritten_unasked_and_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = models.LukeModel(layouts.config())
    hugging_face.save(model, None, tmp_path / "out")
    before = (tmp_path / "out" / "config.json").read_text()
    with pytest.raises(ConfigurationError, match="not empty"):
        hugging_face.save(model, None, tmp_path / "out")
    monkeypatch.setattr(hugging_face, "config_for_both", lambda model: 1 / 0)
    for target in ("out", "new"):
        with pytest.raises(ZeroDivisionError):
            hugging_face.save(model, None, tmp_path / target, overwrite=True)
    assert (tmp_path / "out" / "config.json").read_text() == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["out"]


def test_the_vocabulary_is_written_without_a_tokenizer(tmp_path: Path) -> None:
    vocabulary = EntityVocabulary({title: id for id, title in enumerate(layouts.TITLES)})
    hugging_face.save(models.LukeModel(layouts.config()), None, tmp_path / "out", vocabulary=vocabulary)
    assert json.loads((tmp_path / "out" / "entity_vocab.json").read_text())["Tokyo"] == 3


def test_a_broken_vocabulary_is_not_taken_for_none(tmp_path: Path) -> None:
    transformers.LukeModel(layouts.config()).save_pretrained(tmp_path)
    assert "no entity vocabulary in the folder" in load_luke(tmp_path).report.notes
    (tmp_path / "entity_vocab.json").write_text('{"[PAD]": 0,')
    with pytest.raises(DataError, match=r"entity_vocab\.json, line 1: found broken JSON"):
        load_luke(tmp_path)


def test_a_vocabulary_larger_than_the_table(tmp_path: Path) -> None:
    transformers.LukeModel(layouts.config(entity_vocab_size=5)).save_pretrained(tmp_path)
    (tmp_path / "entity_vocab.json").write_text(json.dumps({t: i for i, t in enumerate(layouts.TITLES)}))
    with pytest.raises(CheckpointError, match="table has 5 rows, the vocabulary has ids up to 5"):
        load_luke(tmp_path)


def test_an_unknown_architecture(tmp_path: Path) -> None:
    folder = layouts.write_v4_folder(tmp_path / "luke", layouts.reference())
    config = json.loads((folder / "config.json").read_text()) | {"architectures": ["LukeForMagic"]}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="LukeForMagic, expected LukeModel or one of LukeForMaskedLM"):
        load_luke(folder)


READER = """
import sys, json, torch, transformers
assert "loreweave" not in sys.modules
folder, batch, out, want = sys.argv[1:5]
assert transformers.__version__.startswith(want), transformers.__version__
model, info = transformers.LukeForMaskedLM.from_pretrained(folder, output_loading_info=True)
assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
text = "Tokyo is a city in Japan"
encoded = tokenizer(text, entity_spans=[(0, 5), (19, 24)], entities=["Tokyo", "Nowhere"])
with torch.no_grad():
    output = model.eval()(**torch.load(batch))
torch.save({"logits": output.logits, "entity_logits": output.entity_logits}, out)
print(json.dumps({name: encoded[name] for name in ("input_ids", "entity_ids", "entity_position_ids")}))
"""


def check_in_plain_transformers(python: str, version: str, tmp_path: Path, environment: dict[str, str]) -> None:
    """Save here, load in another process that knows transformers only, compare tokens and outputs."""
    reference = layouts.reference(extra_queries=True)
    loaded = load_luke(layouts.write_v4_folder(tmp_path / "luke", reference))
    assert loaded.tokenizer is not None
    hugging_face.save(loaded.model, loaded.tokenizer, tmp_path / "out")
    torch.save(layouts.inputs(), tmp_path / "batch.pt")
    (tmp_path / "reader.py").write_text(READER)
    command = [python, "reader.py", "out", "batch.pt", "output.pt", version]
    run = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    found = torch.load(tmp_path / "output.pt")
    layouts.assert_same(loaded.model, lambda **batch: found, *layouts.MASKED_LM)
    theirs = json.loads(run.stdout.splitlines()[-1])
    ours = loaded.tokenizer.encode("Tokyo is a city in Japan", [(0, 5), (19, 24)], ["Tokyo", "Nowhere"])
    assert ours.input_ids == theirs["input_ids"] and ours.entity_ids == theirs["entity_ids"] == [3, 1]
    assert [[p for p in row if p >= 0] for row in theirs["entity_position_ids"]] == ours.entity_position_ids


def test_what_is_saved_loads_in_the_installed_transformers(tmp_path: Path) -> None:
    check_in_plain_transformers(sys.executable, transformers.__version__, tmp_path, {})


@pytest.mark.slow
def test_what_is_saved_loads_in_transformers_4(tmp_path: Path) -> None:
    """In a virtual environment with transformers 4.57.1, which borrows torch from this one."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "transformers==4.57.1", "numpy"]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"transformers 4.57.1 could not be installed: {done.stderr.strip().splitlines()[-1]}")
    theirs = next((environment / "lib").glob("python*/site-packages"))
    (theirs / "torch_of_the_tests.pth").write_text(f"{Path(torch.__file__).parents[1]}\n")  # read after their own packages
    check_in_plain_transformers(str(python), "4.57.1", tmp_path, {"PYTHONPATH": ""})
