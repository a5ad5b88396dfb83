"""`loreweave check`: tables, findings, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_encoders import TYPING_ROWS

from loreweave.cli.main import main


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """A training file with a bad record, and a dev file that repeats one of its texts."""
    paths = [tmp_path / "train.json", tmp_path / "dev.json"]
    paths[0].write_text(json.dumps([*TYPING_ROWS, TYPING_ROWS[0] | {"end": 999}]))
    paths[1].write_text(json.dumps([TYPING_ROWS[0] | {"labels": ["poet"]}]))
    return [str(path) for path in paths]


def test_tables_and_findings(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "entity-typing", *files]) == 0
    out, err = capsys.readouterr()
    assert "train.json\t16\t8\t0\t1\t0\t" in out and "poet\t0\t1" in out
    assert "train.json, record 17: field 'end'" in err
    assert "dev.json: labels that train.json lacks: poet" in err
    assert "dev.json: 1 records have a text of train.json, 1 with its mentions" in err


def test_strict(files: list[str], tmp_path: Path) -> None:
    assert main(["check", "entity-typing", *files, "--strict"]) == 1
    assert main(["check", "entity-typing", *files, "--strict", "--json"]) == 1
    (tmp_path / "clean.json").write_text(json.dumps(TYPING_ROWS[:2]))
    assert main(["check", "entity-typing", str(tmp_path / "clean.json"), "--strict"]) == 0


def test_json(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "entity-typing", *files, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["task"] == "entity-typing" and len(found["files"]) == 2 and found["leaks"][0]["same_text"] == 1


def test_mistakes_are_one_message(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "entity-typing", *files, "--max-length", "64"]) == 2
    assert "--max-length needs --model" in capsys.readouterr().err
    assert main(["check", "entity-typing", "nowhere.json"]) == 1
    assert "nowhere.json: file not found" in capsys.readouterr().err
