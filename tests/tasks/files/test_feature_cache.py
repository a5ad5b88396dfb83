"""Encoded records that are kept for other runs."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from other_values import other_value
from tiny_encoders import TYPING_ROWS
from transformers import AutoModel

from loreweave.cli.main import main
from loreweave.corpus.annotated_text import Mention
from loreweave.corpus.files.reading import read_json
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.tasks.cloze_qa.record import ClozeRecord
from loreweave.tasks.entity_typing.reader import TypingRecord
from loreweave.tasks.few_shot_ner.model import FewShotNerConfig
from loreweave.tasks.few_shot_ner.model import build as build_few_shot
from loreweave.tasks.files.feature_cache import encode_cached
from loreweave.tasks.ner.record import NerRecord, Sentence, joined
from loreweave.tasks.registry import load_training
from loreweave.tasks.relations.record import RelationRecord
from loreweave.training.settings.conditions import is_read
from loreweave.training.settings.configuration import fill
from loreweave.training.settings.fields import types_of
from loreweave.training.settings.finetuning import FinetuningConfig, LukeSettings, encoded_settings

NER = "Ann B-PER\nlives O\nin O\nOslo B-LOC\n\n" * 3 + "the O\nriver B-LOC\n\n"
TASKS = ("entity-typing", "ner")


def encoded(tmp_path: Path, source: Path, name: str, said: list[str], **settings: Any) -> tuple[list[Any], str]:
    """The examples of a task's file by the cache in `tmp_path`, and what the encoding reports."""
    task = load_training(name)
    file = tmp_path / f"{name}.txt"
    file.write_text(json.dumps(TYPING_ROWS) if name == "entity-typing" else NER, encoding="utf-8")
    read = task.read(file, None, False)
    config = replace(task.config(max_length=9 if name == "entity-typing" else 64), **settings)
    built = task.build(str(source), task.labels(read.records), config)
    by_hash = {"data": {"train": str(len(read.records))}}
    labels = task.labels(read.records)
    found = encode_cached(built.encoding, read.records, labels, tmp_path / "cache", config, by_hash, said.append)
    return found, built.encoding.report()


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("encoder", ["tiny_bert", "tiny_luke"])
def test_a_second_run_reads_what_the_first_wrote(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, encoder: str
) -> None:
    source, said = request.getfixturevalue(encoder), list[str]()
    first, counted = encoded(tmp_path, source, name, said)
    second, again = encoded(tmp_path, source, name, said, epochs=9, seed=4)
    assert said[0].startswith(f"wrote {len(first)} ") and said[1].startswith(f"read {len(first)} ")
    assert repr(first) == repr(second) and len(first) > 3
    assert counted == again and (counted or name == "ner"), "what was cut is said again"


def test_how_types_are_decided_makes_no_difference(tiny_luke: Path, tmp_path: Path) -> None:
    said: list[str] = []
    encoded(tmp_path, tiny_luke, "entity-typing", said)
    encoded(tmp_path, tiny_luke, "entity-typing", said, threshold=0.3)
    assert said[1].startswith("read ") and len(list((tmp_path / "cache").iterdir())) == 1


def test_an_encoder_with_fewer_positions_finds_nothing(tiny_bert: Path, tmp_path: Path) -> None:
    """The tokenizers' files are the same, but its inputs must be shorter."""
    shutil.copytree(tiny_bert, tmp_path / "short")
    short = AutoModel.from_pretrained(tiny_bert, max_position_embeddings=8, ignore_mismatched_sizes=True)
    short.save_pretrained(tmp_path / "short")
    said: list[str] = []
    long, _ = encoded(tmp_path, tiny_bert, "entity-typing", said, max_length=None)
    shorter, _ = encoded(tmp_path, tmp_path / "short", "entity-typing", said, max_length=None)
    assert max(example.length for example in long) > 8 >= max(example.length for example in shorter)


HEADS: list[tuple[str, str, str]] = [
    ("entity-typing", "tiny_luke", "luke"), ("entity-typing", "tiny_bert", "markers"), ("entity-typing", "tiny_bert", "kepler"),
    ("ner", "tiny_luke", "luke"), ("ner", "tiny_luke", "tags"), ("ner", "tiny_bert", "tags"),
    ("relation-classification", "tiny_luke", "luke"), ("relation-classification", "tiny_bert", "markers"),
    ("relation-classification", "tiny_bert", "kepler"),
    ("cloze-qa", "tiny_luke", "luke"), ("cloze-qa", "tiny_bert", "markers"),
]  # fmt: skip


def variants() -> list[tuple[str, str, str, str]]:
    """(task, encoder, head, name of a setting that such a model reads), without what the engine and the choice of data read."""
    found = []
    for task, encoder, head in HEADS:
        cls = load_training(task).config
        config = fill(cls, {"head": head} | ({"multi_label": False} if task == "relation-classification" else {}))
        own = [name for name in types_of(cls) if name not in types_of(FinetuningConfig) or name in types_of(LukeSettings)]
        kind = "luke" if encoder == "tiny_luke" else "plain"
        found += [(task, encoder, head, name) for name in own if is_read(config, name, encoder=kind)]
    return [case for case in found if case[1:] not in (("tiny_bert", "tags", "head"), ("tiny_bert", "kepler", "head"))]


CASES: dict[str, Any] = {
    "multi_label": False, "max_length": 40, "max_mention_length": 1, "mention_unit": "words",
    "max_entity_length": 2, "base": None, "no_label": "no_relation", "typed_markers": "punctuation",
    "max_query_length": 8, "doc_stride": 5,
}  # fmt: skip
"""Values that make a difference to the records of `long_records`, where any does."""


def long_records(task: str) -> list[Any]:
    text = "Ann lives in Oslo , and the long river Paris is at the bank . "
    long = text * 6
    place = long.rindex("the long river")
    if task == "entity-typing":
        return [TypingRecord("0", long, place, place + 14, ("place",))]
    if task == "cloze-qa":
        passage = f"Ann, a bank@highlight {long}"
        return [ClozeRecord("0", passage, f"@placeholder is {text}", ((0, 3), (place, place + 14)), ("Ann",), (0,))]
    if task == "relation-classification":
        types = {"head_type": "river", "tail_type": "city"}
        return [RelationRecord("0", long, (place, place + 14), (place + 15, place + 20), "lives", **types)]
    parts, mentions = (text, long, text), (Mention(0, 3, label="PER"),)
    return joined([NerRecord(str(n), Sentence.of(part), mentions, metadata={"doc": 1}) for n, part in enumerate(parts)])


@pytest.mark.parametrize(("task", "encoder", "head", "name"), variants())
def test_the_key_has_the_settings_that_change_the_encoded_records(
    request: pytest.FixtureRequest, task: str, encoder: str, head: str, name: str
) -> None:
    cls, records, labels = load_training(task).config, long_records(task), {"ner": ["PER"], "entity-typing": ["place"]}
    source, names = str(request.getfixturevalue(encoder)), labels.get(task, ["no_relation", "lives"])
    usual = fill(cls, {"head": head})
    others = {"luke": "tags" if task == "ner" else "markers", "tags": "luke", "markers": "kepler"}
    value = others[head] if name == "head" else CASES.get(name, other_value(cls, name))
    other = replace(usual, **{name: value})
    examples = [load_training(task).build(source, names, config).encoding.encode(records, names) for config in (usual, other)]
    changed = repr(examples[0]) != repr(examples[1])
    in_key = encoded_settings(usual) != encoded_settings(other)
    assert in_key or not changed, "another run would read records that are not its own"
    if name != "head" and (task, name) != ("relation-classification", "multi_label"):  # two heads may encode alike
        assert changed or not in_key, "another run would encode the same again"


@pytest.mark.parametrize("name", types_of(FinetuningConfig))
def test_settings_of_training_are_not_in_the_key(name: str) -> None:
    choose_records = ("train_fraction", "train_balance", "dev_fraction", "dev_split_by", "max_length")
    usual = FinetuningConfig()
    other = replace(usual, **{name: other_value(FinetuningConfig, name)})
    assert (encoded_settings(usual) != encoded_settings(other)) == (name in choose_records)
    drawn = [replace(config, train_fraction=0.5) for config in (usual, other)]
    if name != "train_fraction":
        assert (encoded_settings(drawn[0]) != encoded_settings(drawn[1])) == (name in (*choose_records, "seed", "data_seed"))


@pytest.mark.parametrize("settings", [{"max_length": 11}, {"max_mention_length": 2}, {"train_fraction": 0.5}])
def test_other_settings_find_nothing(tiny_luke: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    said: list[str] = []
    encoded(tmp_path, tiny_luke, "entity-typing", said)
    encoded(tmp_path, tiny_luke, "entity-typing", said, **settings)
    assert all(line.startswith("wrote") for line in said) and len(list((tmp_path / "cache").iterdir())) == 2


def test_a_file_that_holds_something_else_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    said: list[str] = []
    encoded(tmp_path, tiny_bert, "ner", said)
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(pickle.dumps(([print], {})))
    with pytest.raises(CheckpointError, match="found builtins.print in the pickle.*it was not run"):
        encoded(tmp_path, tiny_bert, "ner", said)


def test_examples_that_are_more_than_records_have_no_cache(tiny_bert: Path, tmp_path: Path) -> None:
    config = FewShotNerConfig(objective="protobert")
    built = build_few_shot(str(tiny_bert), ["O"], config)
    with pytest.raises(ConfigurationError, match="cannot be stored"):
        encode_cached(built.encoding, [], [], tmp_path, config, {}, print)


def test_the_command_trains_alike_with_and_without(tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "train.conll"
    data.write_text(NER)
    command = ["finetune", "ner", "--model", str(tiny_bert), "--train", str(data), "--test", str(data), "--device", "cpu"]
    results = []
    for number, more in enumerate([[], ["cache"], ["cache"]]):
        settings = [f"feature_cache={tmp_path / name}" for name in more]
        assert main([*command, "--output", str(tmp_path / f"run{number}"), "epochs=1", "leftover=flush", *settings]) == 0
        results.append(read_json(tmp_path / f"run{number}" / "results.json"))
    assert results[0] == results[1] == results[2]
    assert "read 4 encoded inputs" in capsys.readouterr().err
