"""Reports about runs with files that cannot be read: the run is marked with file, line and reason, and the others are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_runs import finetuning_run, report_table
from task_jobs import silent

import loreweave
from loreweave.cli.main import main
from loreweave.errors import ConfigurationError, DataError

FIGURES = ["scores", "errors"]


def replaced_line(number: int, text: str) -> Callable[[Path], None]:
    """Replaces a line of a file, counted from 1."""

    def replace(path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines()
        lines[number - 1] = text
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    return replace


def content(data: bytes) -> Callable[[Path], None]:
    return lambda path: None if path.write_bytes(data) else None


def cut(path: Path) -> None:
    """Keeps the first half of a file, as a full disk does."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def npy(path: Path) -> None:
    """Replaces arrays by a single one, which is another format."""
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))


def arrays(**changed: Any) -> Callable[[Path], None]:
    """Replaces arrays."""

    def replace(path: Path) -> None:
        with np.load(path) as file:
            found = {name: file[name] for name in file.files}
        np.savez(path, **{**found, **changed})

    return replace


PREDICTIONS = [
    ("test.jsonl", replaced_line(2, '{"id": "1", "gold": '), "2", "found broken JSON"),
    ("test.jsonl", replaced_line(3, "[1]"), "3", "found a JSON list, expected an object"),
    ("test.jsonl", replaced_line(4, '{"id": "3", "text": "a", "gold": "place", "predicted": 5}'), "4", "found 5"),
    ("test.jsonl", replaced_line(1, '{"id": "0", "tokens": 7, "gold": "place", "predicted": "place"}'), "1", "tokens"),
    ("dev.jsonl", content(b"\xff\xfe\x00"), "1", "UTF-16"),
    ("dev.jsonl", content(b'{"id": "\xe9"}\n'), "1", "not UTF-8"),
    ("test.npz", cut, "", "found arrays that cannot be read"),
    ("test.npz", npy, "", "found arrays that cannot be read"),
    ("test.npz", content(b""), "", "found arrays that cannot be read"),
    ("dev.npz", arrays(labels=np.array([0, 1])), "", "found labels (2,) and logits (4, 3)"),
    ("dev.npz", arrays(label_list=np.array(["person"])), "", "found 1 name and logits (4, 3)"),
    ("dev.npz", arrays(logits=np.array(["a"] * 4)), "", "found logits (4,) of <U1"),
    ("test.npz", arrays(logits=np.zeros((2, 3), np.float32), labels=np.array([0, 1])), "", "found 4 predictions"),
]


@pytest.mark.parametrize(("name", "change", "line", "reason"), PREDICTIONS)
def test_predictions_that_cannot_be_read_leave_out_one_run(
    name: str, change: Callable[[Path], None], line: str, reason: str, tmp_path: Path
) -> None:
    for seed in (0, 1):
        finetuning_run(tmp_path / "runs" / f"s{seed}", seed, test=0.25 + seed / 2)
    broken = tmp_path / "runs" / "s0" / "predictions" / name
    change(broken)
    said: list[str] = []
    found = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=FIGURES, tell=said.append)
    (row,) = report_table(found.path, "not_readable")
    assert (row["run"], row["file"], row["line"]) == (str(tmp_path / "runs" / "s0"), str(broken), line)
    assert reason in row["reason"]
    place = f"{broken}, line {line}" if line else str(broken)
    assert any(f"not readable: {place}" in one and reason in one for one in said), said
    page = (found.path / "index.html").read_text(encoding="utf-8")
    assert page.count("not readable: ") == 1, "in the row of the run"
    runs = {Path(one["run"]).name: one for one in report_table(found.path, "runs")}
    assert runs["s0"]["state"] == "done" and runs["s0"]["test accuracy"] == "0.25" and place in runs["s0"]["error"]
    assert runs["s1"]["error"] == ""
    (section,) = (names for title, names in found.figures.items() if title.startswith("text-classification"))
    assert set(section) == set(FIGURES), "the other run has everything"
    caption = f"Wrong predictions of {tmp_path / 'runs' / 's1'} (the best run by dev data) on test data: 0 of 4 records"
    assert (caption in page) == (name == "test.jsonl"), "s0 has no predictions then"


RECORDS = [
    ("metrics.jsonl", replaced_line(2, "{"), "2", "found broken JSON"),
    ("metrics.jsonl", replaced_line(1, '{"step": 1, "epoch": 1}'), "1", "field 'split': found none, expected a text"),
    ("metrics.jsonl", replaced_line(1, '{"split": "dev", "epoch": 1}'), "1", "field 'step': found none, expected a number"),
    ("metrics.jsonl", replaced_line(3, '{"step": 1, "split": "dev", "epoch": "last"}'), "3", "field 'epoch': found 'last'"),
    ("results.json", content(b'{"dev": '), "1", "found broken JSON"),
    ("results.json", content(b""), "", "found an empty file"),
    ("results.json", content(b'{"tables": {"test": [1]}}'), "", "field 'tables.test'"),
    ("results.json", content(b'{"tables": {"test": {"per_label": [1]}}}'), "", "field 'tables.test.per_label'"),
    ("results.json", content(b'{"examples": "many"}'), "", "field 'examples'"),
]


@pytest.mark.parametrize(("name", "change", "line", "reason"), RECORDS)
def test_a_record_that_cannot_be_read_is_a_row_of_its_section(
    name: str, change: Callable[[Path], None], line: str, reason: str, tmp_path: Path
) -> None:
    for seed in (0, 1):
        finetuning_run(tmp_path / "runs" / f"s{seed}", seed, test=0.25 + seed / 2)
    change(tmp_path / "runs" / "s0" / name)
    found = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=FIGURES, tell=silent)
    (row,) = report_table(found.path, "not_readable")
    assert (Path(row["file"]).name, row["line"]) == (name, line) and reason in row["reason"]
    runs = {Path(one["run"]).name: one for one in report_table(found.path, "runs")}
    assert runs["s0"]["state"] == "unreadable" and name in runs["s0"]["error"]
    assert "2 runs with equal settings, 1 unreadable" in found.answers[0] and "test accuracy 0.7500 (1 run)" in found.answers[0]


@pytest.mark.parametrize(("name", "text"), [("status.json", "{"), ("status.json", '{"status": 3}'), ("config.json", "[]")])
def test_runs_of_unknown_task_are_listed_alone(name: str, text: str, tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "good")
    finetuning_run(tmp_path / "runs" / "odd")
    (tmp_path / "runs" / "odd" / name).write_text(text)
    found = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["scores"], tell=silent)
    (row,) = report_table(found.path, "not_readable")
    assert Path(row["file"]).name == name
    assert "1 run: dev accuracy" in found.answers[0] and len(found.answers) == 1
    assert json.loads((found.path / "report.json").read_text())["not_readable"] == [str(tmp_path / "runs" / "odd")]


def test_without_a_run_that_can_be_read_there_is_no_report(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "odd")
    (tmp_path / "runs" / "odd" / "status.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"found no run that can be read.*odd/status.json, line 1: found broken JSON"):
        loreweave.report(tmp_path / "runs", output=tmp_path / "report", tell=silent)
    assert not (tmp_path / "report").exists()


def test_a_figure_that_no_run_allows_is_still_an_error(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "a")
    cut(tmp_path / "runs" / "a" / "predictions" / "test.npz")
    with pytest.raises(ConfigurationError, match="no figure can be shown: confusion"):
        loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["confusion"], tell=silent)


def test_losses_that_cannot_be_read_are_told_with_thesis_files(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        finetuning_run(tmp_path / "runs" / name, task="entity-typing")
    for path in (tmp_path / "runs" / "c" / "predictions").glob("*.npz"):
        path.unlink()
    (tmp_path / "runs" / "a" / "train_loss.npy").write_bytes(b"nothing")
    said: list[str] = []
    found = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["scores"], thesis=True, tell=said.append)
    assert [path.name for path in (found.path / "thesis").iterdir()] == ["b"]
    assert any("a/train_loss.npy: found losses that cannot be read" in line for line in said), said
    assert "thesis/: results.json of 1 run; 1 other has no logits of classes" in said


def test_a_comparison_names_the_file_that_it_cannot_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("a", 0), ("a", 1), ("b", 0)):
        finetuning_run(tmp_path / name / str(seed), seed)
    systems = [tmp_path / "a", tmp_path / "b"]
    for number, text in ((2, "{"), (3, '{"id": "2", "text": "a", "gold": "place", "predicted": {"a": [1]}, "tokens": 1}')):
        file = tmp_path / "a" / "1" / "predictions" / "test.jsonl"
        before = file.read_bytes()
        replaced_line(number, text)(file)
        with pytest.raises(DataError, match=rf"a/1/predictions/test.jsonl, line {number}"):
            loreweave.compare(systems, output=tmp_path / "out", samples=10, tell=silent)
        assert not (tmp_path / "out").exists()
        file.write_bytes(before)
    (tmp_path / "a" / "1" / "metrics.jsonl").write_text("{\n{}\n")
    said: list[str] = []
    loreweave.compare(systems, output=tmp_path / "out", samples=10, tell=said.append)
    assert "left out" in said[0] and "a/1/metrics.jsonl, line 1" in said[0], said
    (tmp_path / "b" / "0" / "results.json").write_text("{")
    assert main(["report", "compare", *map(str, systems), "--output", str(tmp_path / "two")]) == 2
    err = capsys.readouterr().err
    assert "b: none (its runs are unreadable: " in err and "b/0/results.json, line 1: found broken JSON" in err
