"""`loreweave runs` and `loreweave rerun` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_runs import finetuning_run
from tiny_encoders import TYPING_ROWS

from loreweave.cli.main import main


@pytest.fixture
def trained(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("train.json").write_text(json.dumps(TYPING_ROWS))
    command = ["finetune", "entity-typing", "--model", str(tiny_bert), "--train", "train.json", "--dev", "train.json"]
    assert main([*command, "--output", "runs/typing", "--device", "cpu", "epochs=1", "batch_size=4"]) == 0
    capsys.readouterr()
    return tmp_path


def test_runs_lists_and_rerun_repeats(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rerun", "runs/typing", "--output", "runs/again", "optimizer.learning_rate=0.01", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["best_epoch"] == 1
    assert "Differences from runs/typing (with other settings):" in err and "model.safetensors" in err
    assert main(["rerun", "runs/typing", "--output", "runs/same"]) == 0
    assert "All numbers are the same as those of runs/typing, bit by bit." in capsys.readouterr().err
    assert main(["runs", "--sort", "run", "--output", "all.csv"]) == 0
    out, err = capsys.readouterr()
    head, *rows = (line.split("\t") for line in out.splitlines())
    assert head[:5] == ["run", "task", "model", "state", "optimizer.learning_rate"]
    assert [row[0] for row in rows] == ["runs/again", "runs/same", "runs/typing"] and rows[0][4] == "0.01"
    assert "3 runs: 3 done" in err and len((trained / "all.csv").read_text().splitlines()) == 4
    assert main(["runs", "runs", "--where", "run~same", "--json"]) == 0
    assert [row["state"] for row in json.loads(capsys.readouterr().out)] == ["done"]
    assert main(["runs", "--where", "state=crashed"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("", "0 runs of 3\n"), "no empty line for a table without columns"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["runs", "nowhere"], "nowhere: found no such folder"),
        (["runs", "--where", "stat=done"], "--where: no run has 'stat'; did you mean 'state'?"),
        (["runs", "--where", "done"], "--where: found 'done', expected a name"),
        (["rerun", "nowhere", "--output", "x"], "nowhere: found no run; 'loreweave runs FOLDER' lists those in a folder"),
        (["rerun", "runs/typing", "--output", "x", "--file", "train"], "--file: found 'train', expected NAME=PATH"),
        (["rerun", "runs/typing", "--output", "x", "epoch=1"], "did you mean 'epochs'"),
    ],
)
def test_wrong_use(trained: Path, command: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 2 or command[0] == "runs"
    assert message in capsys.readouterr().err


def test_runs_that_cannot_be_read_are_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("good", "odd", "lost"):
        finetuning_run(tmp_path / "runs" / name)
    (tmp_path / "runs" / "odd" / "metrics.jsonl").write_text('{"step": 1, "split": "dev"}\n{"step": \n{}\n')
    (tmp_path / "runs" / "lost" / "status.json").write_bytes(b"\xff\xfe{")
    board = tmp_path / "board"
    assert main(["runs", str(tmp_path / "runs"), "--tensorboard", str(board), "--json"]) == 0
    out, err = capsys.readouterr()
    rows = {Path(row["run"]).name: row for row in json.loads(out)}
    assert [rows[name]["state"] for name in ("good", "odd", "lost")] == ["done", "unreadable", "unreadable"]
    assert "odd/metrics.jsonl, line 2: found broken JSON" in rows["odd"]["error"]
    assert rows["odd"]["task"] == "text-classification" and rows["odd"]["seed"] == 0, "what can be read is shown"
    assert "lost/status.json" in rows["lost"]["error"]
    assert [path.name for path in board.iterdir()] == ["good"]
    assert err.count("left out, not readable: ") == 2


def test_columns_that_are_not_shown_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(2):
        finetuning_run(tmp_path / f"{seed}", seed, **{f"a{number:02}": seed for number in range(14)})
    assert main(["runs", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "seed\ta00\t" in out and "a10" in out and "a11" not in out
    assert "3 more settings differ: a11, a12, a13 (--column NAME shows one, and --output FILE.csv writes everything)" in err
