"""Every registered task is declared, tested and whole."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path

import pytest
from other_packages import isolate

from loreweave.corpus.files.read_result import ReadResult
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import OPTIONS, Task
from loreweave.tasks.deferred import Deferred
from loreweave.tasks.entity_typing.reader import TypingRecord
from loreweave.tasks.files.data_folder import split_file
from loreweave.tasks.jobs.known_labels import check_labels
from loreweave.tasks.registry import (
    REGISTRY,
    TASKS,
    load_task,
    load_training,
    register_task,
    task_names,
    trained_task_names,
    training_of,
)
from loreweave.training.settings.finetuning import FinetuningConfig

PARTS = ("settings", "record", "reader", "encoding", "network", "model", "scoring", "evaluation", "prediction")
"""Files of a task folder, as far as it needs them."""


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_the_shape_of_its_family(name: str) -> None:
    task = load_task(name)
    assert task.name == name and task.metric in task.metrics and task.summary and task.asks
    assert set(task.options) <= set(OPTIONS)
    for settings in (task.evaluation, task.prediction, task.scoring):
        assert is_dataclass(settings) and settings() is not None  # every setting has a default
    assert (task.training is not None) == TASKS[name].learns == (name in trained_task_names())


@pytest.mark.parametrize("name", trained_task_names())
def test_a_task_that_learns_has_the_shape_of_its_family(name: str) -> None:
    training = load_training(name)
    assert training.name == name and training.formats
    assert is_dataclass(training.config) and issubclass(training.config, FinetuningConfig)
    assert {field.name for field in fields(FinetuningConfig)} <= {field.name for field in fields(training.config)}
    assert set(training.splits) == {"train", "dev", "test"}
    assert (training.score is None) == (not training.metric)
    assert training.metric in training.metrics or training.score is None


@pytest.mark.parametrize("name", TASKS)
def test_what_a_task_defers_exists(name: str) -> None:
    task = load_task(name)
    declared = [*vars(task).values(), *(vars(task.training).values() if task.training else ())]
    deferred = [value for value in declared if isinstance(value, Deferred)]
    assert deferred
    for function in deferred:
        assert callable(function.function()) and function.place.endswith(f":{function.function().__name__}")


@pytest.mark.parametrize("name", TASKS)
def test_the_files_of_a_task_have_their_tests(name: str) -> None:
    folder = TASKS[name].module.rpartition(".")[2]
    source = Path(__file__).parents[2] / "src" / "loreweave" / "tasks" / folder
    found = [part for part in PARTS if (source / f"{part}.py").is_file()]
    assert {"settings", "reader", "model", "scoring"} <= set(found)
    for part in found:
        assert part in ("settings", "record", "network") or (Path(__file__).parent / folder / f"test_{part}.py").is_file()


def test_a_wrong_name_lists_the_tasks() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'entity-typing'"):
        load_task("entity-typping")
    with pytest.raises(ConfigurationError, match="nothing is fine-tuned for link-prediction: 'loreweave pretrain'"):
        load_training("link-prediction")


def test_a_task_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(REGISTRY, monkeypatch)
    own = Task(
        name="own", summary="nothing", metric="accuracy", metrics=("accuracy",), asks=("text",),
        recognises=lambda folder: False, evaluate=partial(dict), predict=partial(dict), score=partial(dict),
    )  # fmt: skip
    register_task(own)
    register_task(own)  # twice is once
    assert load_task("own") is own and task_names()[-1] == "own" and "own" not in trained_task_names()
    with pytest.raises(ConfigurationError, match="nothing is fine-tuned for own"):
        training_of(own)
    with pytest.raises(ConfigurationError, match="a task named 'ner' already"):
        register_task(Task(**{**vars(own), "name": "ner"}))


def test_split_files(tmp_path: Path) -> None:
    splits = load_training("entity-typing").splits
    for name in ("train.json.xz", "dev.json", "notes.txt"):
        (tmp_path / name).touch()
    assert split_file(splits, tmp_path, "train") == tmp_path / "train.json.xz"
    assert split_file(splits, tmp_path, "test") is None
    (tmp_path / "valid.json").touch()
    with pytest.raises(DataError, match="dev.json, valid.json"):
        split_file(splits, tmp_path, "dev")


def test_splits_that_are_folders_or_parts_of_a_table(tmp_path: Path) -> None:
    splits = load_training("ner").splits
    for name in ("train", "test", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "train" / "state.json").write_text("{}")
    (tmp_path / "test" / "a.ann").touch()
    (tmp_path / "validation-00000-of-00001.parquet").touch()
    found = {split: split_file(splits, tmp_path, split) for split in ("train", "dev", "test")}
    names = ("train", "validation-00000-of-00001.parquet", "test")
    assert [path and path.name for path in found.values()] == list(names)
    (tmp_path / "dev").mkdir()
    assert split_file(splits, tmp_path, "dev") == found["dev"], "a folder without data is none"


def test_labels_that_the_model_lacks(tmp_path: Path) -> None:
    training = load_training("entity-typing")
    records = [TypingRecord("0", "Ann", 0, 3, ("person",)), TypingRecord("1", "Ann", 0, 3, ("person", "poet"))]
    with pytest.raises(DataError, match="record 1, field 'labels': found the label 'poet', expected one of the model's"):
        check_labels(training, ReadResult(records), ["person"], tmp_path, skip_bad=False)
    kept = check_labels(training, ReadResult(records), ["person"], tmp_path, skip_bad=True)
    assert len(kept.records) == 1 and kept.skipped == {"label 'poet' unknown to the model": 1}
    assert kept.notes == ["1 record with labels unknown to the model is left out: the scores are those of the others"]


@pytest.mark.parametrize("name", ["token-classification", "classification", "pos"])
def test_a_task_that_means_something_else_is_not_suggested(name: str) -> None:
    with pytest.raises(ConfigurationError, match="unknown task") as caught:
        load_task(name)
    assert "did you mean" not in str(caught.value) and str(caught.value).count("relation-classification") == 1


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("nr", "ner"), ("NER", "ner"), ("entity_typing", "entity-typing"), ("entitytyping", "entity-typing"),
        ("relations-clasification", "relation-classification"), ("few-shot-relations", "few-shot-relation"),
    ],
)  # fmt: skip
def test_a_misspelt_task_is_suggested(name: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=f"did you mean '{meant}'"):
        load_task(name)
