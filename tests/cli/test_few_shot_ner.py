"""`loreweave finetune`, `evaluate` and `predict` for few-shot-ner."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_encoders import make_tiny_bert

from loreweave.cli.main import main
from loreweave.tasks.jobs.predictor import load

COLUMNS = "ann B-person\nlives O\nin O\noslo B-place\n\nbob B-person\nworks O\nat O\na O\nbank B-group\n\n"
HALF = {"word": [["ann", "lives"], ["oslo"]], "label": [["x", "O"], ["y"]]}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """An encoder, a source in two files, and episodes."""
    (tmp_path / "bert").mkdir()
    make_tiny_bert(tmp_path / "bert")
    (tmp_path / "train.txt").write_text(COLUMNS * 3)
    (tmp_path / "more.txt").write_text("paris B-town\n\n")
    (tmp_path / "episodes.jsonl").write_text(json.dumps({"support": HALF, "query": HALF, "types": ["x", "y"]}))
    return tmp_path


def test_train_on_a_source_and_score_episodes(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = files / "run"
    train = ["finetune", "few-shot-ner", "--model", str(files / "bert"), "--train", str(files / "train.txt")]
    train += ["--train", str(files / "more.txt"), "--output", str(run), "--device", "cpu", "batch_size=4"]
    assert main([*train, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["updates"] == 2 and "records: 7 train" in err and "O, group, person, place, town" in err
    config = json.loads((run / "config.json").read_text())
    assert config["data"]["train_2"].startswith("more.txt sha256:")
    evaluate = ["evaluate", "few-shot-ner", "--model", str(run), "--data", str(files / "episodes.jsonl"), "--device", "cpu"]
    assert main([*evaluate, "viterbi=true", "fine_tune=true", "--output", str(files / "scores"), "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["trained"] and results["records"] == 1 and results["settings"]["fine_tune"] is True
    gold, found = str(files / "episodes.jsonl"), str(files / "scores" / "predictions" / "episodes.jsonl")
    assert main(["score", "few-shot-ner", "--gold", gold, "--predictions", found, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["micro_f1"] == results["micro_f1"]
    assert main(["score", "few-shot-ner", "--gold", gold, "--predictions", found]) == 0
    assert "few-shot-ner, 1 episode\n" in capsys.readouterr().out
    assert main([*evaluate]) == 0
    assert "few-shot-ner, 1 episode\n" in capsys.readouterr().out
    assert main(["evaluate", "few-shot-ner", "--model", str(run), "--data", str(files / "episodes.jsonl"), "vitrbi=1"]) == 2
    assert "did you mean 'viterbi'" in capsys.readouterr().err
    predictor = load(run, data=files / "train.txt", device="cpu")  # the checkpoint says its task
    assert predictor.task.name == "few-shot-ner"


def test_prediction_by_a_support_file(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "queries.jsonl").write_text(json.dumps({"text": "bob works"}))
    command = ["predict", "few-shot-ner", "--model", str(files / "bert"), "--data", str(files / "train.txt")]
    assert main([*command, str(files / "queries.jsonl"), "--device", "cpu"]) == 0
    (answer,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert answer["text"] == "bob works" and isinstance(answer["predicted"], list)


@pytest.mark.parametrize("extra", [["--dev", "train.txt"], ["dev_fraction=0.5"], ["keep=best"], ["metric=micro_f1"]])
def test_training_on_a_source_scores_nothing(files: Path, capsys: pytest.CaptureFixture[str], extra: list[str]) -> None:
    extra = [str(files / part) if part.endswith(".txt") else part for part in extra]
    command = ["finetune", "few-shot-ner", "--model", str(files / "bert"), "--train", str(files / "train.txt")]
    assert main([*command, "--output", str(files / "run"), *extra]) == 2
    err = capsys.readouterr().err
    assert ("without scoring it" in err or "training on a source is not scored" in err) and not (files / "run").exists()


def test_a_recipe_says_how_to_evaluate(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "few-shot-ner", "--model", str(files / "bert"), "--data", str(files / "episodes.jsonl"), "--json"]
    settings = [f"transitions={files / 'train.txt'}", "fine_tuning.max_steps=2"]
    assert main([*command, "--recipe", "container/few-nerd-intra", *settings]) == 0
    found = json.loads(capsys.readouterr().out)["settings"]
    assert found["fine_tune"] and found["viterbi"] and found["fine_tuning"]["max_steps"] == 2
    assert main([*command, "--recipe", "luke-base/open-entity"]) == 2
    assert "has no evaluation settings for few-shot-ner" in capsys.readouterr().err


def test_bad_episodes_can_be_skipped(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = {"support": HALF, "query": {"word": [["ann"]], "label": [["z"]]}, "types": ["x", "y"]}
    good = {"support": HALF, "query": HALF, "types": ["x", "y"]}
    (files / "episodes.jsonl").write_text("\n".join(json.dumps(row) for row in (good, bad)))
    command = ["evaluate", "few-shot-ner", "--model", str(files / "bert"), "--data", str(files / "episodes.jsonl"), "--json"]
    assert main(command) == 1
    assert "episodes.jsonl, line 2, field 'query.label': found the label 'z'" in capsys.readouterr().err
    assert main([*command, "--skip-bad"]) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == {"bad query.label": 1}
