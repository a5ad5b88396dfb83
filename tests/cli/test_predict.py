"""`loreweave predict`: its help; what it answers is in test_evaluate.py beside the command that scores the same folder."""

from __future__ import annotations

import pytest

from loreweave.cli.main import main


def test_the_help_says_what_a_line_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--help"]) == 0
    out = capsys.readouterr().out
    assert '"start"' in out and "Example: echo" in out and "--batch-size 1: every line" in " ".join(out.split())
