"""Latent types as a task: evaluation, its predictions scored again, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import loreweave
from loreweave.cli.main import main
from loreweave.errors import DataError
from loreweave.tasks.contract import Execution, Reading
from loreweave.tasks.jobs.checkpoints import task_of
from loreweave.tasks.jobs.evaluate import evaluate_task, score_task
from loreweave.tasks.latent_types.scoring import METRICS, SCORES
from loreweave.tasks.registry import load_task

TASK = load_task("latent-types")
HOW = Execution(device="cpu", batch_size=2, report=lambda line: None)
COLUMNS = "Ann B-PER\nBrandt I-PER\nlives O\nin O\nOslo B-LOC\n\nBob B-PER\nleft O\nParis B-LOC\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "test.conll").write_text(COLUMNS)
    return tmp_path / "test.conll"


def test_the_folder_says_its_task(folder: Path) -> None:
    assert task_of(folder) == "latent-types"


def test_numbers_by_name_and_scores_of_the_predictions(folder: Path, data: Path, tmp_path: Path) -> None:
    evaluation, results = evaluate_task(TASK, folder, data, execution=HOW, output=tmp_path / "out")
    assert set(evaluation.metrics) <= set(METRICS) and 0 < evaluation.metrics["share_selected"] < 1
    assert "pos_nmi" not in evaluation.metrics and results["records"] == 2 and results["skipped"] == {}
    assert all(row["words"] for row in evaluation.tables["per_type"])
    rows = [json.loads(line) for line in (tmp_path / "out" / "predictions" / "test.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == ["Ann Brandt lives in Oslo", "Bob left Paris"]
    for row in rows:
        assert all(row["text"][word["start"] : word["end"]] == word["text"] and word["type"] > 0 for word in row["predicted"])
    again, facts = score_task(TASK, data, tmp_path / "out" / "predictions" / "test.jsonl", execution=HOW)
    assert facts["records"] == 2
    for name in SCORES:
        assert again.metrics[f"label_{name}"] == pytest.approx(evaluation.metrics[f"label_{name}"])


def test_without_rebuilding(folder: Path, data: Path) -> None:
    evaluation, _ = evaluate_task(TASK, folder, data, settings=["rebuild=false"], execution=HOW)
    assert not any(name.startswith("rebuilt") for name in evaluation.metrics)


def test_sub_words_that_are_not_read_are_said_once(folder: Path, data: Path) -> None:
    """Of six or more sub-words with the special tokens, five are read."""
    said = list[str]()
    how = Execution(device="cpu", batch_size=2, report=said.append)
    _, results = evaluate_task(TASK, folder, data, settings=["rebuild=false", "max_length=5"], execution=how)
    cut = results["left_out"]["sub-words beyond the greatest length"]
    assert cut > 1
    assert [line for line in said if "sub-words" in line] == [f"encoding: sub-words beyond the greatest length ({cut})"]
    evaluate_task(TASK, folder, data, settings=["rebuild=false"], execution=how)
    assert sum("sub-words" in line for line in said) == 1


def test_a_bad_sentence_is_an_error_or_left_out(folder: Path, data: Path) -> None:
    rows = [{"text": "Ann left", "mentions": [[0, 3, "PER"]]}, {"text": "Bob left", "mentions": [[0, 30, "PER"]]}]
    data = data.with_name("data.jsonl")
    data.write_text(
        "\n".join(map(json.dumps, [{"tokens": ["Ann"], "ner_tags": ["B-PER"]}, {"tokens": ["Bob"], "ner_tags": []}]))
    )
    assert rows
    with pytest.raises(DataError, match="line 2"):
        evaluate_task(TASK, folder, data, execution=HOW)
    skipping = Execution(device="cpu", reading=Reading(skip_bad=True), report=lambda line: None)
    results = evaluate_task(TASK, folder, data, execution=skipping)[1]
    assert results["records"] == 1 and sum(results["skipped"].values()) == 1
    predictions = data.with_name("predictions.jsonl")
    predictions.write_text('{"predicted": [{"start": 0, "end": 3, "type": 2}]}')
    results = score_task(TASK, data, predictions, execution=skipping)[1]
    assert results["records"] == 1 and sum(results["skipped"].values()) == 1


def test_from_python_and_from_the_shell(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predictor = loreweave.load(folder, device="cpu", settings={"rebuild": False})
    ((answer,),) = predictor.predict(["Ann lives in Oslo ."])
    assert predictor.task.name == "latent-types" and "reconstruction" not in answer
    (tmp_path / "texts.txt").write_text("Ann lives in Oslo .\n")
    command = [
        "predict",
        "latent-types",
        "--model",
        str(folder),
        str(tmp_path / "texts.txt"),
        "--device",
        "cpu",
        "rebuild=false",
    ]
    assert main(command) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["predicted"] == answer["predicted"] and shown["text"] == "Ann lives in Oslo ."
