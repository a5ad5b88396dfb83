"""Options that tasks share: how files are read, and what a task refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from task_jobs import silent
from typer.testing import CliRunner

import loreweave
from loreweave.cli.main import app
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Execution, Reading
from loreweave.tasks.jobs.check import check_files
from loreweave.tasks.jobs.finetune import DataFiles, finetune_task
from loreweave.tasks.ner.settings import NerConfig
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


def test_training_reads_more_than_episodes_do() -> None:
    source = Execution(reading=Reading(format="tokens", skip_bad=True, tag_names=NAMES))
    load_task("few-shot-ner").refuse_options(source, training=True)
    with pytest.raises(ConfigurationError, match="few-shot-ner has no --format"):
        load_task("few-shot-ner").refuse_options(source)
    with pytest.raises(ConfigurationError, match="few-shot-relation has no --tag-names"):
        load_task("few-shot-relation").refuse_options(source, training=True)


def test_training_and_checks_refuse_an_option_before_they_read_anything(data: Path, tmp_path: Path) -> None:
    ner = load_task("ner")
    task = replace(ner, options=("skip_bad",))  # one of the user's own
    where = {"model": "no/such/model", "train": tmp_path / "missing.txt", "output": tmp_path / "run"}
    with pytest.raises(ConfigurationError, match="entity-typing has no --tag-names"):
        loreweave.finetune("entity-typing", **where, tag_names=NAMES, report=silent)
    with pytest.raises(ConfigurationError, match="ner has no --format"):
        check_files(task, [data], reading=Reading(format="tokens"))
    files = DataFiles(train=tmp_path / "missing.txt")
    with pytest.raises(ConfigurationError, match="ner has no --format"):
        finetune_task(
            task, "no/such/model", files, NerConfig(), tmp_path / "run", reading=Reading(format="tokens"), report=silent
        )


@pytest.mark.parametrize(
    ("task", "rows", "used"),
    [
        ("ner", json.dumps({"tokens": ["Mia"], "tags": ["B-PER"]}), False),
        ("ner", json.dumps({"tokens": ["Mia"], "tags": [1]}), True),
        ("ner", json.dumps({"tokens": ["Mia"], "entities": [{"start": 0, "end": 1, "type": "PER"}]}), False),
        ("few-shot-ner", json.dumps({"text": "Mia", "entities": [{"start": 0, "end": 3, "label": "PER"}]}), False),
        ("ner", "Mia B-PER\nleft O", False),
        ("text-classification", json.dumps({"text": "Good.", "label": "good"}), False),
        ("text-classification", json.dumps({"text": "Good.", "label": 1}), True),
        ("text-classification", "text\tlabel\nGood.\t1", True),
        ("text-classification", "text\tlabel\nGood.\tgood", False),
    ],
)
def test_names_of_tags_that_nothing_uses_are_reported(tmp_path: Path, task: str, rows: str, used: bool) -> None:
    path = tmp_path / ("data.jsonl" if rows.startswith("{") else "data.tsv" if "label" in rows else "data.txt")
    path.write_text(rows + "\n")
    found = load_training(task).records(path, Reading(tag_names=NAMES))
    note = "--tag-names is not used: the labels of the file are names already, not numbers"
    assert (note in found.notes) is not used


def test_the_option_of_the_commands(data: Path) -> None:
    names = ["--tag-names", str(data.with_name("names.txt"))]
    found = CliRunner().invoke(app, ["check", "ner", str(data), *names, "--json"])
    assert found.exit_code == 0 and json.loads(found.stdout)["labels"][0]["label"] == "PER"
    predictions = data.with_name("predictions.txt")
    predictions.write_text("Mia B-PER\nBrandt I-PER\nleft O\n\nLeo B-PER\n")
    scored = CliRunner().invoke(app, ["score", "ner", "--gold", str(data), "--predictions", str(predictions), *names, "--json"])
    assert scored.exit_code == 0 and json.loads(scored.stdout)["micro_f1"] == 1.0
