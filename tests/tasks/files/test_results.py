"""The folder of an evaluation has what the last evaluation wrote, and nothing of an earlier one."""

from __future__ import annotations

from pathlib import Path

from loreweave.tasks.files.results import recorded, save_results
from loreweave.training.evaluation import Evaluation


def evaluate(output: Path, name: str) -> None:
    with recorded(output, {}, {"data": f"{name}.json"}, dict):
        save_results(output, name, Evaluation({"f1": 0.5}, [{"id": "1"}]), {"f1": 0.5})


def test_predictions_of_an_earlier_evaluation_are_removed(tmp_path: Path) -> None:
    evaluate(tmp_path / "out", "first")
    evaluate(tmp_path / "out", "second")
    assert sorted(path.name for path in (tmp_path / "out" / "predictions").iterdir()) == ["second.jsonl", "second.npz"]


def test_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "predictions").mkdir()
    (tmp_path / "predictions" / "mine.txt").write_text("mine")
    evaluate(tmp_path, "first")
    assert (tmp_path / "predictions" / "mine.txt").read_text() == "mine"
