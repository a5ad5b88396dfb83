"""`loreweave report` as a user types it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_runs import finetuning_run

from loreweave.cli.main import main


def test_a_report_says_what_is_best_and_what_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finetuning_run(tmp_path / "runs" / "a")
    command = ["report", str(tmp_path / "runs"), "--output", str(tmp_path / "report"), "--figures", "scores, settings"]
    assert main(command) == 0
    err = capsys.readouterr().err
    assert "json: 1 run: dev accuracy 0.5000; test accuracy 0.5000." in err
    assert "not shown: settings (all runs with scores have the same settings" in err
    assert f"wrote {tmp_path / 'report' / 'index.html'}" in err
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--without", "scores"]) == 2
    assert "no figure can be shown: settings (all runs with scores have the same settings" in capsys.readouterr().err
    assert main([*command[:4], "--overwrite", "--figures", "scores", "--without", "scores"]) == 2
    assert "--figures and --without leave no figure" in capsys.readouterr().err
    assert (tmp_path / "report" / "tables" / "scores.csv").is_file(), "the report before is kept"
    finetuning_run(tmp_path / "runs" / "b", task="ner")
    assert main([*command, "--overwrite"]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "not shown: settings (" in line]
    assert [line.partition(" on ")[0] for line in lines] == ["text-classification", "ner"], "one line per section"


def test_systems_are_compared_after_the_word_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, score in (("a", 0.25), ("b", 1.0), ("compare", 1.0)):
        gold = [0, 1, 2, 0]
        logits = np.eye(3)[gold if score == 1 else [0, 2, 0, 1]]
        finetuning_run(tmp_path / name, dev=(score,), test=score, logits=logits, gold=gold)
    assert main(["report", "compare", "a", "new=b", "--output", "out", "--figures", "seeds"]) == 0
    err = capsys.readouterr().err
    assert "No difference could be shown between new and a on test accuracy: new is 75.0 points [" in err
    assert "wrote out/index.html" in err and (tmp_path / "out" / "tables" / "seeds.csv").is_file()
    assert main(["report", "./compare", "--output", "own", "--figures", "scores"]) == 0
    assert "json: 1 run: dev accuracy" in capsys.readouterr().err
    assert main(["report", "compare", "./compare", "a", "--output", "both", "--figures", "scores"]) == 0
    assert "between compare and a on test" in capsys.readouterr().err
    assert main(["report", "compare", "a", "--output", "one"]) == 2
    assert "found 1 system, expected at least two" in capsys.readouterr().err
    assert main(["report", "compare", "a", "b", "--output", "one", "--thesis"]) == 2
    assert "--thesis" in capsys.readouterr().err and not (tmp_path / "one").exists()
