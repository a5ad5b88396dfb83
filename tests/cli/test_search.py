"""`loreweave search`: tables, JSON, status, job scripts, and what is missing without the extra."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from toy_search import toy_sweep, use_toy

from loreweave.cli.main import main
from loreweave.errors import ConfigurationError
from loreweave.experiments.search import run
from loreweave.experiments.search.extra import check_extra
from loreweave.experiments.search.run import status
from loreweave.experiments.search.workers import PARENT_VARIABLE


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


def test_a_varied_setting_is_shown_also_if_its_name_is_like_that_of_a_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_toy(monkeypatch)
    monkeypatch.chdir(tmp_path)
    sweep = toy_sweep(tmp_path, design="grid", vary={"epochs": [1, 2]}, settings={})
    (tmp_path / "sweep.yaml").write_text(json.dumps(sweep))
    assert main(["search", "sweep.yaml"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "trial\tmicro_f1\tepochs"
    rows = list(csv.DictReader((tmp_path / "runs" / "sweep" / "trials.csv").open()))
    assert [(row["epochs"], row["best_epoch"], row["last_epoch"]) for row in rows] == [("1", "1", "1"), ("2", "2", "2")]


def test_a_search_without_a_complete_trial_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def curve(config: Any, epoch: int) -> float:
        raise MemoryError("CUDA out of memory")

    use_toy(monkeypatch, curve)
    monkeypatch.chdir(tmp_path)
    sweep = sweep_file(tmp_path)
    for more in ([], ["--json"]):
        assert main(["search", sweep, *more]) == 1
        said = capsys.readouterr().err
        assert "no trial is complete, so there are no best settings (2 failed): MemoryError: CUDA out of memory" in said
        assert "trials.csv" in said and "best.yaml" not in said
    assert not (tmp_path / "runs" / "sweep" / "best.yaml").exists()
    assert main(["search", "runs/sweep", "--status"]) == 0, "to ask is no error"
    assert "best.yaml" not in capsys.readouterr().err


def test_a_worker_of_a_search_without_a_complete_trial_ends_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = [True]

    def curve(config: Any, epoch: int) -> float:
        if lost[0]:
            raise MemoryError("CUDA out of memory")
        return 0.5

    use_toy(monkeypatch, curve)
    monkeypatch.chdir(tmp_path)
    sweep = sweep_file(tmp_path)
    assert main(["search", sweep, "--script", "lsf"]) == 0, "the search is begun, but no trial"
    assert main(["search", "runs/sweep", "--worker", "one"]) == 1
    assert "no trial is complete, so there are no best settings (2 failed): MemoryError" in capsys.readouterr().err
    assert main(["search", "runs/sweep", "--worker", "two"]) == 1, "a worker that comes later finds the same"
    monkeypatch.setenv(PARENT_VARIABLE, str(os.getppid()))
    assert main(["search", "runs/sweep", "--worker", "three"]) == 0, "the process that started it reads the results"
    monkeypatch.delenv(PARENT_VARIABLE)
    lost[0] = False
    assert main(["search", "runs/sweep", "--retry-failed"]) == 0
    assert main(["search", "runs/sweep", "--worker", "four"]) == 0, "some trials failed, but two are complete"


def test_impossible_values_are_refused_before_the_first_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = use_toy(monkeypatch)
    monkeypatch.chdir(tmp_path)
    sweep = sweep_file(tmp_path)
    assert main(["search", sweep, "vary.dropout=[5,7]"]) == 2
    assert "expected a number from 0 to below 1" in capsys.readouterr().err and trained == []


def test_settings_that_made_the_search_cheaper_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_toy(monkeypatch)
    monkeypatch.chdir(tmp_path)
    sweep, line = sweep_file(tmp_path), "best.yaml keeps train_fraction=0.5 of the search; train_fraction=1 uses all data"
    assert main(["search", sweep, "settings.train_fraction=0.5"]) == 0
    assert line in capsys.readouterr().err
    assert main(["search", "runs/sweep", "--status"]) == 0 and line in capsys.readouterr().err
    recipe = yaml.safe_load((tmp_path / "runs" / "sweep" / "best.yaml").read_text())
    assert recipe["config"]["train_fraction"] == 0.5
    assert "train_fraction=0.5 is that of the search; train_fraction=1 uses all data." in recipe["notes"]
    assert main(["search", sweep, "vary.train_fraction=[0.5]", "--output", "varied"]) == 0
    assert "keeps train_fraction" not in capsys.readouterr().err, "what was searched is meant"


def test_a_trial_whose_process_has_ended_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    states: list[str] = []

    def stop(folder: Path) -> None:
        if folder.name == "0001" and not states:
            found = status("runs/sweep", [], None, None)
            states.extend(row["state"] for row in found.trials)
            raise KeyboardInterrupt

    use_toy(monkeypatch, before=stop)
    monkeypatch.chdir(tmp_path)
    sweep = sweep_file(tmp_path)
    assert main(["search", sweep]) != 0
    assert states == ["complete", "running"], "while its process runs"
    capsys.readouterr()
    assert main(["search", "runs/sweep", "--status"]) == 0
    said = capsys.readouterr().err
    assert "trials: 2 planned, 1 complete, 1 interrupted" in said
    assert "interrupted: trials/0001 (the process has ended; the same command continues the search)" in said
    found = status("runs/sweep", [], None, None)
    both = replace(found, trials=[row | {"state": "interrupted"} for row in found.trials])
    with monkeypatch.context() as patch:
        patch.setattr(run, "status", lambda *_: both)
        assert main(["search", "runs/sweep", "--status"]) == 0
    assert "interrupted: trials/0000, trials/0001 (the processes have ended; the same command" in capsys.readouterr().err
    assert main(["search", sweep]) == 0
    assert "trials: 2 planned, 2 complete" in capsys.readouterr().err


def test_the_status_shows_the_repetitions_that_are_planned_and_those_that_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(folder: Path) -> None:
        if (folder.parent.name, folder.name) in (("trials", "0001"), ("repeats", "0002")) and folder not in stopped:
            stopped.append(folder)
            raise KeyboardInterrupt

    def repetitions() -> str:
        capsys.readouterr()
        assert main(["search", "runs/sweep", "--status"]) == 0
        return next(line for line in capsys.readouterr().err.splitlines() if line.startswith("repetitions: "))

    stopped: list[Path] = []
    use_toy(monkeypatch, before=stop)
    monkeypatch.chdir(tmp_path)
    sweep = sweep_file(tmp_path, repeat={"best": 2, "seeds": [1, 2]})
    assert main(["search", sweep]) != 0
    assert repetitions() == "repetitions: 4 planned"
    assert main(["search", sweep]) != 0
    assert repetitions() == "repetitions: 4 planned, 2 complete, 1 interrupted"
    assert main(["search", sweep]) == 0
    assert repetitions() == "repetitions: 4 planned, 4 complete"


def test_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use_toy(monkeypatch)
    monkeypatch.chdir(tmp_path)
    sweep = sweep_file(tmp_path)
    broken = str(tmp_path / "broken.yaml")
    Path(broken).write_text(Path(sweep).read_text().replace('"grid"', '"tpee"'))
    for arguments, message in (
        ([sweep, "vary.drpout=0.1"], "did you mean 'dropout'"),
        ([sweep, "--status"], "found no search"),
        ([sweep, "--worker", "x"], "found no search"),
        ([sweep, "--status", "budget.trails=3"], "command line (budget.trails=3): unknown setting 'trails' in budget"),
        ([sweep, "--status", "vary.drpout=0.1"], "did you mean 'dropout'"),
        (["my/searches/one", "--status"], "Error: my/searches/one: found no such folder, expected the folder of a search"),
        ([".", "--status"], "Error: .: found no search in the folder (no study.json)"),
        (["."], "Error: .: found no search in the folder (no study.json)"),
        (["my/searches/one", "--worker", "x"], "Error: my/searches/one: found no search in the folder"),
        (["my/searches/one"], "unknown sweep 'my/searches/one'"),
        ([sweep, "design=tpee"], "Error: command line (design=tpee): setting 'design': found 'tpee'"),
        ([sweep, "desgin=tpe"], "Error: command line (desgin=tpe): unknown setting 'desgin'"),
        ([sweep, "design=random"], "Error: command line (design=random): "),
        ([broken], f"Error: {broken}: setting 'design': found 'tpee'"),
        ([broken, "budget.trials=3"], f"Error: {broken}: setting 'design': found 'tpee'"),
        ([broken, "budget.trials=3", "--status"], f"Error: {broken}: setting 'design': found 'tpee'"),
        (["missing.yaml"], "Error: missing.yaml: found no such file\n"),
        (["missing.yaml", "--status"], "Error: missing.yaml: found no such file\n"),
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
