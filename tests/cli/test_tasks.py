"""`loreweave tasks`: what there is, and what can be set."""

from __future__ import annotations

import json

import pytest

from loreweave.cli.main import main
from loreweave.tasks.registry import task_names, trained_task_names


def test_all_tasks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "--json"]) == 0
    assert [row["task"] for row in json.loads(capsys.readouterr().out)] == list(task_names())
    assert main(["tasks"]) == 0
    assert "ner\tmicro_f1\t" in capsys.readouterr().out


@pytest.mark.parametrize("task", task_names())
def test_one_task(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", task, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["task"] == task and found["metrics"]
    settings = [setting["name"] for setting in found["settings"]]
    assert ("epochs" in settings) == (task in trained_task_names()) and "seed" in settings
    assert main(["tasks", task]) == 0
    out = capsys.readouterr().out
    assert "command\tname\tkind\tdefault\tused if\ttext" in out and ("format\twhat" in out) == (task in trained_task_names())


def test_values_as_they_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "ner"]) == 0
    lines = [line.split("\t")[1:4] for line in capsys.readouterr().out.splitlines()]
    assert ["patience", "integer | null (1 or more)", "null"] in lines and ["nested", "true | false", "false"] in lines
    assert ["optimizer.betas", "list of numbers (a number from 0 to below 1)", "[0.9, 0.98]"] in lines
    assert main(["tasks", "entity-typing"]) == 0
    assert "evaluate\tthreshold\tnumber | null (a number between 0 and 1)\tnull" in capsys.readouterr().out
    assert main(["tasks", "nr"]) == 2
    assert "did you mean 'ner'" in capsys.readouterr().err
