"""Options that tasks share: how files are read, and what a task refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loreweave.cli.main import app
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Execution, Reading
from loreweave.tasks.registry import load_task, load_training

ROWS = [{"tokens": ["Mia", "Brandt", "left"], "ner_tags": [1, 2, 0]}, {"tokens": ["Leo"], "ner_tags": [1]}]
NAMES = ("O", "B-PER", "I-PER")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    return path


@pytest.mark.parametrize("name", ["ner", "few-shot-ner"])
def test_numbers_get_the_names_of_the_file(data: Path, name: str) -> None:
    training = load_training(name)
    with pytest.raises(DataError, match="line 1, field 'ner_tags': found the numbers .1, 2, 0., .* --tag-names FILE"):
        training.records(data, Reading())
    labels = training.labels(training.records(data, Reading(tag_names=NAMES)).records)
    assert [label for label in labels if label != "O"] == ["PER"]


def test_a_number_without_a_name_is_named(data: Path) -> None:
    with pytest.raises(DataError, match="found the number 2, expected that of one of 2 names: O, B-PER"):
        load_training("ner").records(data, Reading(tag_names=NAMES[:2]))


def test_tasks_without_tags_have_no_names_of_them(data: Path) -> None:
    with pytest.raises(ConfigurationError, match="entity-typing has no --tag-names"):
        load_training("entity-typing").records(data, Reading(tag_names=NAMES))


@pytest.mark.parametrize(
    ("name", "execution", "option"),
    [
        ("link-prediction", Execution(reading=Reading(tag_names=NAMES)), "--tag-names"),
        ("link-prediction", Execution(reading=Reading(skip_bad=True)), "--skip-bad"),
        ("few-shot-ner", Execution(base="roberta-base"), "--base"),
        ("few-shot-relation", Execution(labels=["a"]), "--labels"),
        ("entity-typing", Execution(reading=Reading(tag_names=NAMES)), "--tag-names"),
    ],
)
def test_options_that_a_task_does_not_take_are_refused(name: str, execution: Execution, option: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} has no {option}"):
        load_task(name).refuse_options(execution)


def test_options_that_a_task_takes_are_not_refused() -> None:
    load_task("ner").refuse_options(Execution(base="a", labels=["b"], reading=Reading(skip_bad=True, tag_names=NAMES)))
    load_task("few-shot-relation").refuse_options(Execution(reading=Reading(format="fewrel", skip_bad=True)))


def test_the_option_of_the_commands(data: Path) -> None:
    names = ["--tag-names", str(data.with_name("names.txt"))]
    found = CliRunner().invoke(app, ["check", "ner", str(data), *names, "--json"])
    assert found.exit_code == 0 and json.loads(found.stdout)["labels"][0]["label"] == "PER"
    predictions = data.with_name("predictions.txt")
    predictions.write_text("Mia B-PER\nBrandt I-PER\nleft O\n\nLeo B-PER\n")
    scored = CliRunner().invoke(app, ["score", "ner", "--gold", str(data), "--predictions", str(predictions), *names, "--json"])
    assert scored.exit_code == 0 and json.loads(scored.stdout)["micro_f1"] == 1.0
