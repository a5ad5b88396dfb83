"""Tags that are numbers in a file, and the names that a user gives them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loreweave.cli.main import app
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.files.tag_names import with_tag_names
from loreweave.tasks.registry import load_pretrained_task, load_scored, load_training

ROWS = [{"tokens": ["Mia", "Brandt", "left"], "ner_tags": [1, 2, 0]}, {"tokens": ["Leo"], "ner_tags": [1]}]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    (tmp_path / "names.txt").write_text("O\nB-PER\nI-PER\n")
    return path


@pytest.mark.parametrize("name", ["ner", "few-shot-ner"])
def test_numbers_get_the_names_of_the_file(data: Path, name: str) -> None:
    task = load_training(name)
    with pytest.raises(DataError, match="line 1, field 'ner_tags': found the numbers .1, 2, 0., .* --tag-names FILE"):
        task.read(data, None, False)
    named = with_tag_names(task, data.with_name("names.txt"))
    assert named.tag_names == ("O", "B-PER", "I-PER") and with_tag_names(task, None) is task
    labels = named.labels(named.read(data, None, False).records)
    assert [label for label in labels if label != "O"] == ["PER"]


def test_a_number_without_a_name_is_named(data: Path) -> None:
    data.with_name("names.txt").write_text("O\nB-PER\n")
    task = with_tag_names(load_training("ner"), data.with_name("names.txt"))
    with pytest.raises(DataError, match="found the number 2, expected that of one of 2 names: O, B-PER"):
        task.read(data, None, False)


def test_tasks_without_tags_have_no_names_of_them(data: Path) -> None:
    with pytest.raises(ConfigurationError, match="entity-typing has no --tag-names"):
        with_tag_names(load_training("entity-typing"), data)
    with pytest.raises(ConfigurationError, match="link-prediction has no --tag-names"):
        with_tag_names(load_pretrained_task("link-prediction"), data)


def test_the_option_of_the_commands(data: Path) -> None:
    names = ["--tag-names", str(data.with_name("names.txt"))]
    found = CliRunner().invoke(app, ["check", "ner", str(data), *names, "--json"])
    assert found.exit_code == 0 and json.loads(found.stdout)["labels"][0]["label"] == "PER"
    gold = load_scored("ner")
    assert with_tag_names(gold, data.with_name("names.txt")).metrics == gold.metrics
    predictions = data.with_name("predictions.txt")
    predictions.write_text("Mia B-PER\nBrandt I-PER\nleft O\n\nLeo B-PER\n")
    scored = CliRunner().invoke(app, ["score", "ner", "--gold", str(data), "--predictions", str(predictions), *names, "--json"])
    assert scored.exit_code == 0 and json.loads(scored.stdout)["micro_f1"] == 1.0
