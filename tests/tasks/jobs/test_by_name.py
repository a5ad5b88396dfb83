"""`loreweave.finetune`, `evaluate` and `score` give what the commands give, and say what is wrong in their words."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import layouts
import pytest
from task_jobs import silent
from tiny_encoders import TYPING_ROWS, make_tiny_bert

import loreweave
from loreweave import checkpoints
from loreweave.cli.main import main
from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.tasks.registry import all_tasks

SHELL = ["epochs=2", "batch_size=4", "gradient_accumulation_steps=1", "optimizer.learning_rate=0.01"]
PYTHON = {"epochs": 2, "batch_size": 4, "gradient_accumulation_steps": 1, "optimizer": {"learning_rate": 0.01}}
NOT_EQUAL = ("seconds", "used", "examples_per_second")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Two training files, dev and test data."""
    parts = {"train": TYPING_ROWS[:10], "more": TYPING_ROWS[10:], "dev": TYPING_ROWS, "test": TYPING_ROWS[:8]}
    for name, rows in parts.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    return {name: tmp_path / f"{name}.json" for name in parts}


def settled(folder: Path) -> Any:
    """The results of a run without what a clock says."""

    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without(item) for key, item in value.items() if "second" not in key}
        return [without(item) for item in value] if isinstance(value, list) else value

    return without(json.loads((folder / "results.json").read_text()))


def test_both_train_the_same_model(
    encoder: Path, files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = [str(files["train"]), "--train", str(files["more"])]
    command = ["finetune", "entity-typing", "--model", str(encoder), "--train", *train, "--dev", str(files["dev"])]
    assert main([*command, "--test", str(files["test"]), "--output", str(tmp_path / "shell"), "--device", "cpu", *SHELL]) == 0
    told: list[str] = []
    run = loreweave.finetune(
        "entity-typing", encoder, train=[files["train"], str(files["more"])], dev=files["dev"], test=str(files["test"]),
        output=tmp_path / "python", device="cpu", report=told.append, **PYTHON,
    )  # fmt: skip
    assert "records: 16 train, 16 dev, 8 test" in told
    assert run.path == tmp_path / "python" and run.results == json.loads((run.path / "results.json").read_text())
    assert settled(run.path) == settled(tmp_path / "shell")
    asked = [json.loads((folder / "config.json").read_text()) for folder in (run.path, tmp_path / "shell")]
    assert asked[0] == asked[1]
    row = TYPING_ROWS[0]
    ((answer,),) = run.predictor(device="cpu").predict([row["sent"]], mentions=[[(row["start"], row["end"])]])
    assert set(answer["probabilities"]) == {"city", "person", "place"}

    evaluation = loreweave.evaluate(
        "entity-typing", run.path, data=files["test"], output=tmp_path / "scores", device="cpu", batch_size=4, report=silent
    )
    assert evaluation.metrics == run.results["test"]
    assert len(evaluation.predictions) == 8
    capsys.readouterr()
    command = ["evaluate", "entity-typing", "--model", str(run.path), "--data", str(files["test"]), "--device", "cpu", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out) == evaluation.results
    assert json.loads((tmp_path / "scores" / "results.json").read_text()) == evaluation.results


def mistakes(files: dict[str, Path]) -> list[tuple[list[str], dict[str, Any]]]:
    """Options of the command, and of the function."""
    train = str(files["train"])
    return [
        ([], {}),
        (["--train", train, "epoch=3"], {"train": train, "epoch": 3}),
        (["--train", train, "optimizer.lr=3"], {"train": train, "optimizer": {"lr": 3}}),
        (["--train", train, "--recipe", "no/such"], {"train": train, "recipe": "no/such"}),
        (["--train", train, "--recipe", "luke-base/pretraining-1"], {"train": train, "recipe": "luke-base/pretraining-1"}),
        (["--train", train, "--overwrite", "--resume"], {"train": train, "overwrite": True, "resume": True}),
        (["--train", train, "--format", "csv"], {"train": train, "format": "csv"}),
        (["--train", train, "--tag-names", train], {"train": train, "tag_names": Path(train)}),
        (["--data", "no/folder"], {"data": "no/folder"}),
    ]


@pytest.mark.parametrize("number", range(9))
def test_mistakes_have_the_same_words(
    number: int, encoder: Path, files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options, named = mistakes(files)[number]
    assert main(["finetune", "entity-typing", "--model", str(encoder), "--output", str(tmp_path / "run"), *options]) != 0
    said = capsys.readouterr().err.rpartition("Error: ")[2].strip()
    with pytest.raises(LoreweaveError) as raised:
        loreweave.finetune("entity-typing", encoder, output=tmp_path / "run", report=silent, **named)
    assert str(raised.value) == said


def test_mistakes_of_evaluations(tmp_path: Path) -> None:
    for named, message in (
        ({"bootstrap": 3}, "unknown setting 'bootstrap'; known: threshold"),
        ({"recipe": "luke-base/open-entity"}, "has no evaluation settings for entity-typing"),
        ({"batch_size": 0}, "--batch-size: found 0, expected at least 1"),
        ({"tag_names": ["a", "b"]}, "entity-typing has no --tag-names"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            loreweave.evaluate("entity-typing", tmp_path, data=tmp_path, report=silent, **named)
        assert message in str(raised.value)


def test_predictions_are_scored_as_by_the_command(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = tmp_path / "answers.jsonl"
    answers.write_text("".join(json.dumps({"predicted": ["city"]}) + "\n" for _ in TYPING_ROWS[:8]))
    asked = {"gold": files["test"], "predictions": answers}
    found = loreweave.score("entity-typing", **asked, output=tmp_path / "scores", report=silent)
    command = ["score", "entity-typing", "--gold", str(files["test"]), "--predictions", str(answers), "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out) == found.results
    assert json.loads((tmp_path / "scores" / "results.json").read_text()) == found.results
    assert found.metrics["micro_recall"] > 0 and len(found.predictions) == 8
    for named, message in (
        (asked | {"threshold": 3}, "score entity-typing has no settings, found threshold=3"),
        (asked | {"gold": TYPING_ROWS}, "gold: found a list, expected the path of a file"),
        (asked | {"output": tmp_path / "scores"}, "scores"),
    ):
        with pytest.raises(LoreweaveError, match=message):
            loreweave.score("entity-typing", **named, report=silent)


@pytest.mark.parametrize("gold", [".", "../gold/."])
def test_the_working_folder_as_data_has_its_name(gold: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gold").mkdir()
    (tmp_path / "gold" / "a.conll").write_text("Mia B-PER\nleft O\n")
    (tmp_path / "answers.jsonl").write_text('{"id": "a:1", "predicted": []}\n')
    monkeypatch.chdir(tmp_path / "gold")
    loreweave.score("ner", gold=gold, predictions="../answers.jsonl", output=tmp_path / "scores", report=silent)
    assert (tmp_path / "scores" / "predictions" / "gold.jsonl").is_file()


def test_records_in_place_of_a_file_are_named(encoder: Path, files: dict[str, Path], tmp_path: Path) -> None:
    rows: Any = [{"text": "Ann"}]
    with pytest.raises(ConfigurationError, match="data: found a list, expected the path of a file; write the records as"):
        loreweave.evaluate("entity-typing", tmp_path, data=rows, report=silent)
    for named in ({"train": rows}, {"train": files["train"], "dev": rows[0]}):
        name = list(named)[-1]
        with pytest.raises(ConfigurationError, match=f"{name}: found an object, expected the path of a file"):
            loreweave.finetune("entity-typing", encoder, output=tmp_path / "run", report=silent, **named)


def test_no_setting_has_the_name_of_an_option() -> None:
    """An option of a function would hide it; the device of training is both."""
    for function, kinds in (
        (loreweave.finetune, {task.name: task.training.config for task in all_tasks() if task.training}),
        (loreweave.evaluate, {task.name: task.evaluation for task in all_tasks()}),
        (loreweave.score, {task.name: task.scoring for task in all_tasks()}),
    ):
        options = set(inspect.signature(function).parameters) - {"device"}
        for name, kind in kinds.items():
            assert not options & {field.name for field in fields(kind)}, name


def test_a_folder_of_paddlenlp_is_fine_tuned_and_goes_back(files: dict[str, Path], tmp_path: Path) -> None:
    """As PaddleNLP's script for Open Entity: its weights in, the fine-tuned model in its layout out, with the same scores."""
    checkpoints.convert(layouts.write_v4_folder(tmp_path / "luke", layouts.reference()), tmp_path / "in", to="paddle")
    run = loreweave.finetune(
        "entity-typing", tmp_path / "in", train=files["train"], dev=files["dev"], test=files["test"],
        recipe="paddlenlp-luke-base/open-entity", output=tmp_path / "run", device="cpu", report=silent,
        gradient_accumulation_steps=1, epochs=1, optimizer__learning_rate=1e-2,
    )  # fmt: skip
    checkpoints.convert(run.path, tmp_path / "out", to="paddle")
    found = loreweave.evaluate("entity-typing", tmp_path / "out", data=files["test"], device="cpu", report=silent)
    assert found.metrics == run.results["test"]
    before = [json.loads(line) for line in (run.path / "predictions" / "test.jsonl").read_text().splitlines()]
    assert [row["predicted"] for row in found.predictions] == [row["predicted"] for row in before]
