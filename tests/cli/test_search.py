"""`loreweave search`: tables, JSON, status, job scripts, and what is missing without the extra."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from toy_search import toy_sweep, use_toy

from loreweave.cli.main import main
from loreweave.errors import ConfigurationError
from loreweave.experiments.search.extra import check_extra


def sweep_file(folder: Path, **keys: Any) -> str:
    """A sweep in YAML (JSON is YAML)."""
    path = folder / "sweep.yaml"
    path.write_text(json.dumps(toy_sweep(folder, design="grid", vary={"dropout": [0.0, 0.2]}, **keys)))
    return str(path)


def test_a_search_is_shown_and_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = use_toy(monkeypatch)
    monkeypatch.chdir(tmp_path)
    sweep = sweep_file(tmp_path, repeat={"best": 1, "seeds": [1, 2]})
    assert main(["search", sweep, "budget.trials=1"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[:3] == ["best trials", "trial\tmicro_f1\tdropout", "0\t0.328\t0.0"]
    assert "repetitions with other seeds" in printed.out and "runs/sweep" in printed.err
    assert main(["search", sweep]) == 0
    assert trained == ["0000", "0000", "0001", "0001", "0002", "0003"], "trial 1, and the repetitions of the new best one"
    capsys.readouterr()
    assert main(["search", "runs/sweep", "--status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["trials"] == {"planned": 2, "complete": 2} and status["best"]["settings"] == {"dropout": 0.2}


def test_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use_toy(monkeypatch)
    monkeypatch.chdir(tmp_path)
    sweep = sweep_file(tmp_path)
    for arguments, message in (
        ([sweep, "vary.drpout=0.1"], "did you mean 'dropout'"),
        ([sweep, "--status"], "found no search"),
        ([sweep, "--worker", "x"], "found no search"),
        (["missing.yaml"], "cannot read"),
        ([sweep, "--slurm"], "found no SLURM"),
    ):
        monkeypatch.setattr("shutil.which", lambda name: None)
        assert main(["search", *arguments]) == 2
        assert message in capsys.readouterr().err


def test_a_job_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use_toy(monkeypatch)
    out = tmp_path / "out"
    assert main(["search", sweep_file(tmp_path), "--output", str(out), "--script", "lsf", "--workers", "3"]) == 0
    assert f"to submit: bsub < {out / 'worker.lsf'}" in capsys.readouterr().err
    assert "[1-3]" in (out / "worker.lsf").read_text() and not list(out.glob("trials/*"))


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loreweave.experiments.search.extra.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"needs optuna, which is not installed: pip install 'loreweave\[search\]'"):
        check_extra()
