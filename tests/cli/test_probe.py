"""`loreweave probe`: models and settings in one list of arguments, a table, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_encoders import make_tiny_bert

from loreweave.cli.main import main
from loreweave.cli.probe import split_arguments

FAST = ["episodes=20", "shots=1", "labels=50", "draws=2", "bootstrap=20", "max_texts=60", "--device", "cpu"]


def test_models_and_settings_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["minilm", "typing.my-set=a,b", "runs/lr=1", "seed=1", "owner/name", "odd=name"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd=name").mkdir()
    assert split_arguments(arguments) == (["minilm", "runs/lr=1", "owner/name", "odd=name"], ["typing.my-set=a,b", "seed=1"])


def test_the_table_on_the_mini_world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOREWEAVE_DATA", raising=False)
    model = str(make_tiny_bert(tmp_path))
    assert main(["probe", model, *FAST, "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    lines = [line.split("\t") for line in printed.out.splitlines()]
    assert lines[1] == ["probe", "data", "learned from", model]
    assert [line[:2] for line in lines[2:]] == [
        ["few shot", "miniworld"], *[["typing", "miniworld"]] * 2, *[["mention types", "miniworld"]] * 2,
    ]  # fmt: skip
    assert "bundled mini-world" in printed.err and "max_texts=60" in printed.err
    assert main(["probe", model, *FAST, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["scores"] == json.loads((tmp_path / "out" / "results.json").read_text())["scores"], (
        "equal seeds, equal numbers"
    )


def test_differences_have_a_table_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOREWEAVE_DATA", raising=False)
    model = str(make_tiny_bert(tmp_path))
    (tmp_path / "other").mkdir()
    other = str(make_tiny_bert(tmp_path / "other"))
    assert main(["probe", model, other, "probes=few_shot", *FAST]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[3].startswith(f"Difference to {model} in points")
    assert out[5].split("\t") == ["few shot", "miniworld", "5-way 1-shot", "+0.0 [+0.0, +0.0]"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["minilm", "label=10"], "did you mean 'labels'"),
        (["minilm", "--shots", "1"], "no such option: --shots; settings are given as key=value after the command: shots=1"),
        (["seed=1"], "models: found none"),
        (["minilm", "--bias", "example", "--batch-size", "8"], "found --batch-size with --bias, which reads one text"),
        (["minilm", "typing.a=none.json,none.json"], "none.json"),
    ],
)
def test_wrong_use_is_one_message(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", *arguments]) in (1, 2)
    err = capsys.readouterr().err
    assert "Error: " in err and message in err and "Traceback" not in err
