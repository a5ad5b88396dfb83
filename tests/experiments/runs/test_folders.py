"""Runs are found wherever they are, and none of them can end the reading of the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_runs import finetuning_run

from loreweave.experiments.runs import folders
from loreweave.experiments.runs.folders import find_runs, read_run, run_names
from loreweave.experiments.runs.listing import facts_of
from loreweave.experiments.runs.table import list_runs


def test_a_run_that_ends_while_it_is_read_has_not_crashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finetuning_run(tmp_path / "run")
    status = tmp_path / "run" / "status.json"
    done = status.read_text(encoding="utf-8")
    status.write_text(done.replace('"done"', '"running"'), encoding="utf-8")

    def ended(folder: Path) -> bool:
        status.write_text(done, encoding="utf-8")
        return False

    monkeypatch.setattr(folders, "is_held", ended)
    found = read_run(tmp_path / "run")
    assert (found.state, found.scores["test.accuracy"]) == ("done", 0.5)


def test_links_to_runs_are_followed_once(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "disk" / "a")
    (tmp_path / "runs").mkdir()
    for name, target in (("latest", "disk/a"), ("a", "disk/a"), ("loop", "runs"), ("gone", "nothing")):
        (tmp_path / "runs" / name).symlink_to(tmp_path / target, target_is_directory=True)
    assert [run.path.name for run in find_runs([tmp_path / "runs"])] == ["a"]
    assert [run.path.name for run in find_runs([tmp_path / "runs" / "latest", tmp_path])] == ["latest"]


def test_names_of_runs_differ(tmp_path: Path) -> None:
    for name in ("a/b-c", "a-b/c", "d"):
        finetuning_run(tmp_path / name)
    names = run_names(find_runs([tmp_path]))
    assert len(set(names)) == 3 and "d" in names


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("status.json", "[]"),
        ("status.json", '{"status": "done", "kind": "finetuning", "used": [1]}'),
        ("status.json", '{"status": "done", "kind": "finetuning", "used": {"seconds": "long"}}'),
        ("config.json", '{"settings": [1], "data": 3}'),
        ("results.json", '{"dev": 5, "metric": ["f1"]}'),
        ("results.json", '{"dev": {"accuracy": NaN}, "test": {"accuracy": 1e999}, "metric": "accuracy"}'),
        ("metrics.jsonl", '{"epoch": "x", "split": "dev", "accuracy": "high"}\n'),
        ("metrics.jsonl", '{"step": 1, "split": "dev", "epoch": 1, "accuracy": NaN}\n'),
        ("lock.json", '{"process": 1}'),
    ],
)  # fmt: skip
def test_a_run_with_odd_files_does_not_hide_the_others(name: str, content: str, tmp_path: Path) -> None:
    finetuning_run(tmp_path / "good")
    finetuning_run(tmp_path / "odd")
    if name == "lock.json":
        status = json.loads((tmp_path / "odd" / "status.json").read_text(encoding="utf-8"))
        (tmp_path / "odd" / "status.json").write_text(json.dumps({**status, "status": "running"}), encoding="utf-8")
    (tmp_path / "odd" / name).write_text(content, encoding="utf-8")
    table = list_runs([tmp_path])
    assert [Path(row["run"]).name for row in table.rows] == ["good", "odd"] and table.rows[0]["test.accuracy"] == 0.5
    odd = read_run(tmp_path / "odd")
    assert not any(value in (float("inf"), float("-inf")) or value != value for value in odd.scores.values())
    assert all(value == value for row in odd.rows for value in row.values())
    assert facts_of(odd)["state"] in ("done", "unreadable", "running")


def test_a_folder_that_is_removed_while_runs_are_listed_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finetuning_run(tmp_path / "a")
    (tmp_path / "b").mkdir()
    listed = folders.is_run

    def removing(folder: Path) -> bool:
        if folder.name == "b" and folder.exists():
            folder.rmdir()
        return listed(folder)

    monkeypatch.setattr(folders, "is_run", removing)
    assert [run.path.name for run in find_runs([tmp_path])] == ["a"]
