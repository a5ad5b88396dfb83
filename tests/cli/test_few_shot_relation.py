"""`loreweave finetune`, `build relation-episodes`, `evaluate` and `predict` for few-shot-relation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_encoders import make_tiny_bert

from loreweave.cli.main import main
from loreweave.tasks.jobs.predictor import load

PATTERNS = {"lives": "{} lives in {} .", "works": "{} works at {} .", "and": "{} and {} .", "is": "{} is the {} ."}
NAMES = (("ann", "oslo"), ("bob", "paris"), ("she", "bank"), ("he", "river"))


def instance(pattern: str, head: str, tail: str) -> dict[str, Any]:
    tokens = pattern.format(head, tail).split()
    return {"tokens": tokens, "h": [head, "Q1", [[tokens.index(head)]]], "t": [tail, "Q2", [[tokens.index(tail)]]]}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """An encoder, a source with three relations, and a target with one of these and one of its own."""
    (tmp_path / "bert").mkdir()
    make_tiny_bert(tmp_path / "bert")
    rows = {label: [instance(pattern, *pair) for pair in NAMES] for label, pattern in PATTERNS.items()}
    (tmp_path / "train.json").write_text(json.dumps({name: rows[name] for name in ("lives", "works", "and")}))
    (tmp_path / "target.json").write_text(json.dumps({name: rows[name] for name in ("is", "and")}))
    return tmp_path


def train(files: Path, run: str, *settings: str) -> list[str]:
    command = ["finetune", "few-shot-relation", "--model", str(files / "bert"), "--train", str(files / "train.json")]
    return [*command, "--output", str(files / run), "--device", "cpu", "way=2", "episodes=6", "batch_size=2", *settings]


@pytest.mark.parametrize("method", ["proto", "pair"])
def test_train_on_a_source_and_answer_about_a_target(files: Path, capsys: pytest.CaptureFixture[str], method: str) -> None:
    assert main([*train(files, "run", f"method={method}"), "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["updates"] == 3 and results["examples"] == 6
    evaluate = ["evaluate", "few-shot-relation", "--model", str(files / "run"), "--data", str(files / "target.json")]
    evaluate += ["--device", "cpu", "way=2", "episodes=5", "--output", str(files / "scores")]
    assert main([*evaluate, "--json"]) == 0
    out, err = capsys.readouterr()
    scored = json.loads(out)
    assert scored["trained"] and scored["records"] == 5 and scored["queries"] == 10 and scored["method"] == method
    assert scored["relations_seen_in_training"] == ["and"] and "1 of these relations was in the source too" in err
    assert 0 <= scored["accuracy"] <= 1 and scored["intervals_95_percent"][0]["metric"] == "accuracy"
    assert len((files / "scores" / "predictions" / "target.jsonl").read_text().splitlines()) == 10

    (files / "episodes.jsonl").unlink(missing_ok=True)
    build = ["build", "relation-episodes", str(files / "target.json"), "--way", "2", "--count", "5", "--output"]
    assert main([*build, str(files / "episodes.jsonl")]) == 0
    evaluate[5] = str(files / "episodes.jsonl")
    # the file has the episodes that were drawn
    assert main([*evaluate[:8], "--output", str(files / "again"), "--overwrite", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out[out.index("{") :])["accuracy"] == scored["accuracy"]
    gold, found = str(files / "episodes.jsonl"), str(files / "again" / "predictions" / "episodes.jsonl")
    assert main(["score", "few-shot-relation", "--gold", gold, "--predictions", found, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == scored["accuracy"]

    query = {"text": "ann is oslo", "head": {"start": 0, "end": 3}, "tail": {"start": 7, "end": 11}}
    (files / "queries.jsonl").write_text(json.dumps(query))
    predict = ["predict", "few-shot-relation", "--model", str(files / "run"), "--data", str(files / "target.json")]
    assert main([*predict, str(files / "queries.jsonl"), "--device", "cpu"]) == 0
    (answer,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert answer["predicted"] in ("is", "and") and set(answer["probabilities"]) == {"is", "and"}
    predictor = load(files / "run", data=files / "target.json", device="cpu")  # the checkpoint says its task
    assert predictor.task.name == "few-shot-relation"


def test_equal_seeds_train_equal_models(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    losses = []
    for run, seed in (("one", 3), ("two", 3), ("three", 4)):
        assert main([*train(files, run, f"seed={seed}", "epochs=2"), "--json"]) == 0
        losses.append([epoch["train_loss"] for epoch in json.loads(capsys.readouterr().out)["epochs"]])
    assert losses[0] == losses[1] != losses[2]


def test_bad_input_is_named(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(train(files, "run", "way=4")) == 1
    assert "found 3 relations with 2 or more sentences (shot 1 + queries 1) and 0 with fewer, expected at least 4" in (
        capsys.readouterr().err
    )
    assert main(train(files, "run2", "relations=[lives,rivers]")) == 2
    assert "the source lacks rivers; it has and, lives, works" in capsys.readouterr().err
    assert main(train(files, "run3", "na_rate=1")) == 2
    assert "or set method=pair" in capsys.readouterr().err
    evaluate = ["evaluate", "few-shot-relation", "--model", str(files / "bert"), "--data"]
    assert main([*evaluate, str(files / "target.json"), "way=5"]) == 1
    assert "target.json: found 2 relations with 2 or more sentences" in capsys.readouterr().err
    assert main([*evaluate, str(files / "target.json"), "way=0"]) == 2
    assert "setting 'way': found 0, expected 2 or more" in capsys.readouterr().err
    (files / "empty.jsonl").write_text("")
    assert main([*evaluate, str(files / "empty.jsonl")]) == 1
    assert "empty.jsonl: found an empty file, expected episodes or annotated sentences" in capsys.readouterr().err


def test_episodes_of_chosen_relations(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = files / "episodes.jsonl"
    command = ["build", "relation-episodes", str(files / "train.json"), str(files / "target.json")]
    command += ["--way", "2", "--count", "4", "--output", str(output), "--json"]
    assert main([*command, "--exclude-relations-of", str(files / "target.json")]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["sentences"], counts["relations"], counts["relations_drawn_from"], counts["episodes"]) == (20, 4, 2, 4)
    labels = {row["label"] for line in output.read_text().splitlines() for row in json.loads(line)["query"]}
    assert labels == {"lives", "works"}
    first = output.read_text()
    assert main(command) == 2 and "the file exists; choose another or use --overwrite" in capsys.readouterr().err
    again = [*command, "--overwrite", "--exclude-relations-of", str(files / "target.json")]
    assert main(again) == 0 and output.read_text() == first
    assert main([*command, "--overwrite", "--relations", "lives,rivers"]) == 2
    assert "lacks rivers" in capsys.readouterr().err


def test_a_recipe_says_how_to_evaluate(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "few-shot-relation", "--model", str(files / "bert"), "--data", str(files / "target.json"), "--json"]
    assert main([*command, "--recipe", "minilm/few-shot-relation", "way=2", "episodes=3"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 3


def test_copies_in_drawn_episodes_are_counted(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {
        label: [instance(PATTERNS[label], *NAMES[0])] * 2 + [instance(PATTERNS[label], *NAMES[1])] for label in ("is", "and")
    }
    (files / "copies.json").write_text(json.dumps(rows))
    command = ["build", "relation-episodes", str(files / "copies.json"), "--way", "2", "--count", "30", "--json", "--output"]
    assert main([*command, str(files / "e.jsonl")]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)["queries_with_a_text_of_the_support"]
    assert 0 < found < 60 and f"{found} of 60 queries, in " in err
    (files / "copies.json").write_text(json.dumps({label: each[1:] for label, each in rows.items()}))
    assert main([*command, str(files / "other.jsonl")]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["queries_with_a_text_of_the_support"] == 0 and "support set" not in err
