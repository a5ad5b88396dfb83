"""The registry, recognition, conversion, lite models, names on the Hub."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import layouts
import pytest
import torch
import transformers

from loreweave.checkpoints import FORMATS, WRITABLE, convert, load_luke, recognise
from loreweave.checkpoints.formats import fairseq, sparse_lt
from loreweave.checkpoints.formats.registry import WITHOUT_ENTITIES
from loreweave.encoding import hub
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models import LukeForMaskedLM


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return layouts.write_v4_folder(tmp_path_factory.mktemp("luke") / "luke", layouts.reference(extra_queries=True))


def test_every_format_has_its_functions_and_its_tests() -> None:
    here = Path(__file__).parent / "formats"
    for name, module in FORMATS.items():
        assert name == module.NAME and callable(module.recognises) and callable(module.load)
        assert (here / f"test_{module.__name__.rpartition('.')[2]}.py").is_file()
    assert list(WRITABLE) == [name for name, module in FORMATS.items() if hasattr(module, "save")]
    assert {fairseq.NAME, sparse_lt.NAME, sparse_lt.ENCODER} == set(WITHOUT_ENTITIES)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "a folder with nothing in it"),
        ({"notes.txt": "x"}, "a folder with notes.txt"),
        ({"config.json": '{"model_type": "bert"}'}, "type bert, which is not a LUKE: a Hugging Face folder is the only format"),
        ({"config.json": '{"model_type": "roberta"}'}, "type roberta, which is not a LUKE: .* fairseq's"),
        ({"config.json": '{"model_type": "luke"}'}, "a LUKE without weights"),
    ],
)
def test_what_is_not_recognised_is_described(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(CheckpointError, match=message):
        recognise(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file or folder"):
        recognise(tmp_path / "gone")
    with pytest.raises(CheckpointError, match="no such file or folder"):
        load_luke(tmp_path / "gone")


def test_a_single_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(CheckpointError, match="not a checkpoint of a LUKE"):
        recognise(tmp_path / "a.txt")


def test_conversion_by_names_in_any_spelling(tmp_path: Path, folder: Path) -> None:
    report = convert(folder, tmp_path / "out", to="huggingface", from_="Hugging_Face")
    assert report.format == "hugging-face" and report.lines()[0].endswith(": hugging-face")
    layouts.assert_same(load_luke(tmp_path / "out").model, layouts.reference(extra_queries=True), *layouts.MASKED_LM)


@pytest.mark.parametrize(("to", "message"), [("deepspeed", "only read"), ("onnx", "'onnx', expected one of")])
def test_formats_that_cannot_be_written(tmp_path: Path, folder: Path, to: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        convert(folder, tmp_path / "out", to=to)


def test_a_target_in_use_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="not empty"):
        convert(tmp_path / "missing source", tmp_path)
    with pytest.raises(ConfigurationError, match="the file exists"):
        convert(tmp_path / "missing source", tmp_path / "file")


@pytest.mark.parametrize("to", ["hugging-face", "paddle"])
def test_lite_keeps_the_special_entities(tmp_path: Path, folder: Path, to: str) -> None:
    report = convert(folder, tmp_path / "lite", to=to, lite=True)
    assert any("4 of 7" in note for note in report.notes)
    lite = load_luke(tmp_path / "lite", LukeForMaskedLM)
    assert lite.vocabulary is not None and lite.vocabulary.to_hugging_face() == {
        "[PAD]": 0,
        "[UNK]": 1,
        "[MASK]": 2,
        "[MASK2]": 3,
    }
    assert lite.model.config.entity_vocab_size == 4 and lite.model.entity_predictions.bias.shape == (4,)
    full = load_luke(folder)
    here = layouts.inputs() | {"entity_ids": torch.tensor([[2, 3], [2, 0]])}
    there = layouts.inputs() | {"entity_ids": torch.tensor([[2, 6], [2, 0]])}
    with torch.no_grad():
        small, large = lite.model(**here), full.model(**there)
    assert torch.allclose(small.logits, large.logits, atol=1e-5)
    assert torch.allclose(small.entity_logits, large.entity_logits[..., [0, 1, 2, 6]], atol=1e-5)
    assert lite.tokenizer is not None
    assert lite.tokenizer.encode("Tokyo", [(0, 5)], ["Tokyo"]).entity_ids == [1], "titles are unknown now"


def test_lite_follows_ids_in_any_order(tmp_path: Path) -> None:
    """Vocabularies number the special entities as they like."""
    reference = layouts.reference()
    folder = layouts.write_v4_folder(tmp_path / "luke", reference)
    titles = ["[MASK]", "Tokyo", "[UNK]", "[PAD]", "Kyoto", "[MASK2]", "Japan"]
    (folder / "entity_vocab.json").write_text(json.dumps({title: id for id, title in enumerate(titles)}))
    convert(folder, tmp_path / "lite", lite=True)
    lite = load_luke(tmp_path / "lite")
    assert lite.vocabulary is not None
    old = reference.luke.entity_embeddings.entity_embeddings.weight
    new = lite.model.luke.entity_embeddings.entity_embeddings.weight
    for title, id in lite.vocabulary.to_hugging_face().items():
        assert new[id].equal(old[titles.index(title)])


def test_lite_needs_a_vocabulary(tmp_path: Path) -> None:
    transformers.LukeModel(layouts.config()).save_pretrained(tmp_path / "luke")
    with pytest.raises(CheckpointError, match="needs the entity vocabulary"):
        convert(tmp_path / "luke", tmp_path / "out", lite=True)


@pytest.mark.parametrize("option", [{"classification_head": "mnli"}, {"fairseq_version": "0.9"}])
@pytest.mark.parametrize("to", ["hugging-face", "luke-original"])
def test_options_of_fairseq_are_refused_for_a_luke(tmp_path: Path, folder: Path, to: str, option: dict[str, Any]) -> None:
    (name,) = option
    with pytest.raises(ConfigurationError, match=f"^--{name.replace(chr(95), chr(45))}: "):
        convert(folder, tmp_path / "out", to, **option)


def test_a_run_and_a_packaged_encoder_are_known_by_name(tmp_path: Path, folder: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(folder, run / "model")
    (run / "status.json").write_text("{}")
    assert convert(run, tmp_path / "out", base=run).format == "hugging-face"
    with pytest.raises(CheckpointError, match="found a model of the type bert, which is not a LUKE"):
        convert("minilm", tmp_path / "other")


def test_the_working_folder_is_refused_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="the working folder"):
        convert("missing source", ".", overwrite=True)


def test_the_report_groups_equal_facts(folder: Path) -> None:
    lines = load_luke(folder, entity_aware_attention=False).report.lines()
    assert any("and 9 more (entity-aware attention is off)" in line for line in lines)


def test_names_on_the_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def download(name: str, allow_patterns: list[str]) -> str:
        asked.append((name, "pytorch_model*" in allow_patterns))
        return str(folder)

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert load_luke("studio-ousia/luke-tiny").format == "hugging-face"
    assert asked == [("studio-ousia/luke-tiny", False), ("studio-ousia/luke-tiny", True)], "pickles only where nothing else is"

    def fail(name: str, allow_patterns: list[str]) -> str:
        raise OSError("no connection")

    monkeypatch.setattr(hub, "snapshot_download", fail)
    with pytest.raises(CheckpointError, match="no model of this name among those downloaded .* \\(no connection\\)"):
        load_luke("studio-ousia/luke-tiny")
