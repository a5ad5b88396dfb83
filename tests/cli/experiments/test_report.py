"""`loreweave report` as a user types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import finetuning_run

from loreweave.cli.main import main


def test_a_report_says_what_is_best_and_what_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finetuning_run(tmp_path / "runs" / "a")
    command = ["report", str(tmp_path / "runs"), "--output", str(tmp_path / "report"), "--figures", "scores, settings"]
    assert main(command) == 0
    err = capsys.readouterr().err
    assert "1 run in 1 group. Best by dev data: all runs: dev accuracy 0.5000; test accuracy 0.5000 (1 run)." in err
    assert "no figure settings: all runs have the same settings" in err
    assert f"wrote {tmp_path / 'report' / 'index.html'}" in err
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--without", "scores"]) == 0
