"""Encoded records that are kept for other runs."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_encoders import TYPING_ROWS

from loreweave.cli.main import main
from loreweave.corpus.files.reading import read_json
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.tasks.few_shot_ner.model import FewShotNerConfig
from loreweave.tasks.few_shot_ner.model import build as build_few_shot
from loreweave.tasks.files.feature_cache import encode_cached
from loreweave.tasks.registry import load_task

NER = "Ann B-PER\nlives O\nin O\nOslo B-LOC\n\n" * 3 + "the O\nriver B-LOC\n\n"
TASKS = ("entity-typing", "ner")


def encoded(tmp_path: Path, source: Path, name: str, said: list[str], **settings: Any) -> tuple[list[Any], str]:
    """The examples of a task's file by the cache in `tmp_path`, and what the encoding reports."""
    task = load_task(name)
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
    with pytest.raises(ConfigurationError, match="cannot be kept"):
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
