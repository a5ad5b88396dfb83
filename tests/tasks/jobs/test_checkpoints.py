"""Classes of other people's models: each has a name of its own, or the user gives the names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from loreweave.checkpoints.formats.hugging_face import save
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models import (
    LukeForEntityClassification,
    LukeForEntityPairClassification,
    LukeForEntitySpanClassification,
)
from loreweave.tasks.jobs.checkpoints import load_checkpoint_of
from loreweave.tasks.jobs.records import outputs_of
from loreweave.tasks.ner import PARTS
from loreweave.tasks.ner.decoding import decode_tags
from loreweave.tasks.registry import load_training
from loreweave.tasks.starting_points import read_luke

TAGS = ["O", "B-PER", "I-PER"]


def tagger(bert: Path, folder: Path, id2label: Any, classes: int | None = None) -> Path:
    """A model of token classification whose configuration has this `id2label`, as it stands."""
    count = classes or len(id2label)
    torch.manual_seed(0)
    config = transformers.AutoConfig.from_pretrained(bert, num_labels=count)
    transformers.BertForTokenClassification(config).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(bert).save_pretrained(folder)
    written = json.loads((folder / "config.json").read_text())
    written.pop("label2id", None)
    (folder / "config.json").write_text(json.dumps(written | {"id2label": id2label}))
    return folder


def luke(source: Path, folder: Path, cls: type, names: list[str], id2label: Any = None) -> Path:
    """A LUKE with a head, as transformers keeps it."""
    loaded = read_luke(str(source), cls, None)
    model: Any = loaded.model
    model.config.id2label = dict(enumerate(names))
    model.classifier = torch.nn.Linear(model.classifier.in_features, len(names), bias=model.classifier.bias is not None)
    save(model, loaded.tokenizer, folder)
    if id2label is not None:
        written = json.loads((folder / "config.json").read_text())
        written.pop("label2id", None)
        (folder / "config.json").write_text(json.dumps(written | {"id2label": id2label}))
    return folder


@pytest.mark.parametrize("names", [["LABEL_0", "LABEL_1", "LABEL_2"], ["0", "1", "2"]])
def test_numbers_are_no_tags(tiny_bert: Path, tmp_path: Path, names: list[str]) -> None:
    folder = tagger(tiny_bert, tmp_path / "model", dict(enumerate(names)))
    with pytest.raises(
        CheckpointError,
        match=f"model: the classes are numbered .{names[0]}, .*no mention'; give .*--labels FILE",
    ):
        load_checkpoint_of(load_training("ner"), folder)
    loaded = load_checkpoint_of(load_training("ner"), folder, labels=TAGS)
    assert loaded.labels == ["PER"] and loaded.encoding.classes == TAGS  # type: ignore[attr-defined]  # of tags


def test_a_base_is_for_a_luke(tiny_bert: Path, tmp_path: Path) -> None:
    folder = tagger(tiny_bert, tmp_path / "model", dict(enumerate(TAGS)))
    with pytest.raises(ConfigurationError, match=r"--base is for a LUKE in an older format, found another encoder in .*model"):
        load_checkpoint_of(load_training("ner"), folder, base=str(tiny_bert))


@pytest.mark.parametrize(
    ("id2label", "message"),
    [
        ({"1": "O", "2": "B-PER", "3": "I-PER"}, r"numbers the classes 1, 2, 3, expected 0 to 2"),
        ({"0": "O", "1": "B-PER", "3": "I-PER"}, r"numbers the classes 0, 1, 3, expected 0 to 2"),
        ({"0": "O", "1": "B-PER", "2": "B-PER"}, r"gives the classes 1, 2 one name, 'B-PER'"),
        ({"0": "O", "1": "", "2": "I-PER"}, r"gives the class 1 no name"),
        ({"0": "O", "1": None, "2": "I-PER"}, r"gives the class 1 no name"),
        (["O", "B-PER", "I-PER"], r"model: found no readable model"),
        ({"a": "O", "b": "B-PER"}, r"model: found no readable model"),
    ],
)
def test_each_class_has_a_name_of_its_own(tiny_bert: Path, tmp_path: Path, id2label: Any, message: str) -> None:
    folder = tagger(tiny_bert, tmp_path / "model", id2label)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint_of(load_training("ner"), folder)


def test_fewer_names_than_classes(tiny_bert: Path, tmp_path: Path) -> None:
    folder = tagger(tiny_bert, tmp_path / "model", {"0": "O", "1": "B-PER"}, classes=3)
    with pytest.raises(
        CheckpointError,
        match=r"classifier\.\w+ has the shape \[3.*the 2 classes that are named; give .*--labels",
    ):
        load_checkpoint_of(load_training("ner"), folder)
    assert load_checkpoint_of(load_training("ner"), folder, labels=TAGS).labels == ["PER"]


@pytest.mark.parametrize(
    ("names", "types"),
    [
        (["O", "B-PER", "I-PER", "PAD"], ["PER"]),
        (["[PAD]", "[CLS]", "[SEP]", "O", "B-PER", "I-PER", "X"], ["PER"]),
        (["<pad>", "O", "B-PER"], ["PER"]),
        (["O", "PER", "LOC"], ["PER", "LOC"]),
    ],
)
def test_classes_of_special_tokens_are_no_mentions(tiny_bert: Path, tmp_path: Path, names: list[str], types: list[str]) -> None:
    loaded = load_checkpoint_of(load_training("ner"), tagger(tiny_bert, tmp_path / "model", dict(enumerate(names))))
    assert loaded.labels == types
    special = next(number for number, name in enumerate(names) if name not in ("O", *types) and "-" not in name or name == "O")
    model: Any = loaded.model
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.fill_(0.0)[special] = 9.0
    records = PARTS.query({"text": "ann lives in oslo ."}, "a")
    assert PARTS.answer(records, outputs_of(loaded, records), loaded.labels)[0]["predicted"] == []


@pytest.mark.parametrize(
    "names",
    [
        ["O", "B_PER", "I_PER", "B_LOC", "I_LOC"],
        ["o", "b-PER", "i-PER", "b-LOC", "i-LOC"],
        ["O", "PER-B", "PER-I", "LOC-B", "LOC-I"],
        ["O", "B-PER", "M-PER", "E-PER", "S-PER", "B-LOC", "M-LOC", "E-LOC", "S-LOC"],
        ["[PAD]", "O", "B-PER", "I-PER", "L-PER", "U-PER", "U-LOC"],
    ],
)
def test_tags_in_other_spellings(tiny_bert: Path, tmp_path: Path, names: list[str]) -> None:
    loaded = load_checkpoint_of(load_training("ner"), tagger(tiny_bert, tmp_path / "model", dict(enumerate(names))))
    assert loaded.labels == ["PER", "LOC"]
    path = [names.index(next(name for name in names if "PER" in name)), names.index(names[-1])]
    logits = np.zeros((2, len(names)), np.float32)
    logits[[0, 1], path] = 9
    encoding: Any = loaded.encoding
    found = decode_tags(logits, encoding.classes, encoding.types, encoding.settings.tags)
    assert [row[:3].tolist() for row in found] == [[0, 1, 0], [1, 2, 1]]


@pytest.mark.parametrize(
    ("names", "message"), [(["PER", "LOC"], "no class for words outside"), (["O", "B-PER", "LOC"], "not tags")]
)
def test_names_that_are_no_tags(tiny_bert: Path, tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint_of(load_training("ner"), tagger(tiny_bert, tmp_path / "model", dict(enumerate(names))))


def test_spans_know_the_class_of_no_mention(tiny_luke: Path, tmp_path: Path) -> None:
    task = load_training("ner")
    named = luke(tiny_luke, tmp_path / "named", LukeForEntitySpanClassification, ["PER", "None", "LOC"])
    assert load_checkpoint_of(task, named).labels == ["PER", "LOC"]
    five = [f"LABEL_{n}" for n in range(5)]
    numbered = luke(tiny_luke, tmp_path / "numbered", LukeForEntitySpanClassification, five)
    with pytest.raises(CheckpointError, match="numbered: the classes are numbered"):
        load_checkpoint_of(task, numbered)  # and not the names of CoNLL-2003, because there are five
    assert load_checkpoint_of(task, numbered, labels=["A", "B", "O", "C", "D"]).labels == ["A", "B", "C", "D"]
    without = luke(tiny_luke, tmp_path / "without", LukeForEntitySpanClassification, ["PER", "LOC"])
    with pytest.raises(CheckpointError, match="no class for spans that are not mentions among PER, LOC"):
        load_checkpoint_of(task, without)


@pytest.mark.parametrize(
    ("name", "cls"),
    [("entity-typing", LukeForEntityClassification), ("relation-classification", LukeForEntityPairClassification)],
)
def test_typing_and_relations(tiny_luke: Path, tmp_path: Path, name: str, cls: type) -> None:
    task = load_training(name)
    for id2label, message in (({"0": "a", "1": "a"}, "0, 1 one name, 'a'"), ({"1": "a", "2": "b"}, "numbers the classes 1, 2")):
        folder = luke(tiny_luke, tmp_path / message[:4], cls, ["a", "b"], id2label)
        with pytest.raises(CheckpointError, match=message):
            load_checkpoint_of(task, folder)
        assert load_checkpoint_of(task, folder, labels=["x", "y"]).labels == ["x", "y"]
        with pytest.raises(CheckpointError, match="found 2 classes, expected 3 as in --labels"):
            load_checkpoint_of(task, folder, labels=["x", "y", "z"])
