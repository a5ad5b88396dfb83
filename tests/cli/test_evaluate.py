"""`loreweave evaluate` and `loreweave predict` on a fine-tuned folder."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from tiny_encoders import TYPING_ROWS, make_tiny_bert, make_tiny_luke

from loreweave.cli.main import main
from loreweave.tasks.entity_typing.model import EntityTypingConfig, build


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained typing model on disk."""
    luke = make_tiny_luke(make_tiny_bert(tmp_path_factory.mktemp("bert")), tmp_path_factory.mktemp("luke") / "model")
    folder = tmp_path_factory.mktemp("typing")
    build(str(luke), ["city", "person", "place"], EntityTypingConfig()).save_pretrained(folder)
    return folder


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """Typed mentions, one a line."""
    path = tmp_path / "test.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in TYPING_ROWS))
    return path


def test_json_alone_on_standard_output(
    checkpoint: Path, gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "entity-typing", "--model", str(checkpoint), "--data", str(gold), "--device", "cpu"]
    assert main([*command, "--output", str(tmp_path / "out"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "results.json").read_text())
    assert printed["records"] == 16 and 0 <= printed["micro_f1"] <= 1
    assert [row["label"] for row in printed["per_label"]] == ["city", "person", "place"]
    assert len((tmp_path / "out" / "predictions" / "test.jsonl").read_text().splitlines()) == 16
    assert main(command) == 0
    assert f"micro_f1\t{printed['micro_f1']:.4g}" in capsys.readouterr().out


def test_mistakes_are_one_message(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps([TYPING_ROWS[0], TYPING_ROWS[1] | {"end": 999}]))
    command = ["evaluate", "entity-typing", "--model", str(checkpoint), "--device", "cpu", "--data"]
    assert main([*command, str(bad)]) == 1
    err = capsys.readouterr().err
    assert "bad.json" in err and "record 2" in err and "'end'" in err
    assert main([*command, str(bad), "--skip-bad", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == {"bad end": 1}
    assert main([*command, str(tmp_path / "none.json")]) == 1


def test_settings_of_scores_in_a_recipe_go_below_those_of_the_command(
    checkpoint: Path, gold: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "strict.yaml"
    about = "kind: finetuning\nsummary: few types\npaper: none\n"
    recipe.write_text(f"{about}task: entity-typing\nevaluation: {{threshold: 0.999}}\n")
    command = ["evaluate", "entity-typing", "--model", str(checkpoint), "--data", str(gold), "--device", "cpu", "--json"]
    assert main([*command, "--recipe", str(recipe)]) == 0
    assert json.loads(capsys.readouterr().out)["micro_recall"] == 0  # an untrained model is sure of nothing
    assert main([*command, "--recipe", str(recipe), "threshold=0.001"]) == 0
    assert json.loads(capsys.readouterr().out)["micro_recall"] == 1


def test_what_predict_cuts_is_said(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "questions.jsonl").write_text(json.dumps({"text": "Ann is " * 100, "start": 0, "end": 3}))
    command = ["predict", "entity-typing", "--model", str(checkpoint), "--device", "cpu"]
    assert main([*command, str(tmp_path / "questions.jsonl")]) == 0
    assert "texts truncated (1)" in capsys.readouterr().err


def test_predict_reads_and_writes_json_lines(
    checkpoint: Path, gold: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["predict", "entity-typing", "--model", str(checkpoint), "--device", "cpu"]
    assert main([*command, str(gold)]) == 0
    from_file = capsys.readouterr().out
    rows = [json.loads(line) for line in from_file.splitlines()]
    assert [row["mention"] for row in rows[:2]] == ["Ann", "Oslo"] and "probabilities" in rows[0]
    monkeypatch.setattr("sys.stdin", io.StringIO(gold.read_text()))
    assert main([*command, "-"]) == 0
    assert capsys.readouterr().out == from_file
    monkeypatch.setattr("sys.stdin", io.StringIO('{"text": "Ann", "start": 0}'))
    assert main(command) == 1
    assert "standard input, line 1" in capsys.readouterr().err
