"""The folder of an evaluation has what the last evaluation wrote, and nothing of an earlier one."""

from __future__ import annotations

from pathlib import Path

from loreweave.tasks.files.results import recorded, remove_results, save_results
from loreweave.tasks.jobs.score import score
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


def test_results_in_the_folder_of_an_evaluation_have_no_record_of_it(tmp_path: Path) -> None:
    """`score --overwrite` in the folder of an evaluation: its model has not made the new predictions."""
    (tmp_path / "notes.txt").write_text("mine")
    evaluate(tmp_path, "first")
    remove_results(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_scores_replace_earlier_ones_and_their_predictions(tmp_path: Path) -> None:
    output, answers = tmp_path / "out", tmp_path / "answers.jsonl"
    answers.write_text('{"id": "1", "predicted": []}\n')
    evaluate(output, "first")
    for name in ("second", "third"):
        (tmp_path / f"{name}.jsonl").write_text('{"id": "1", "text": "Mia left.", "entities": [[0, 3, "PER"]]}\n')
        score("ner", gold=tmp_path / f"{name}.jsonl", predictions=answers, output=output, overwrite=True, report=list)
        found = sorted(path.relative_to(output).as_posix() for path in output.rglob("*.*"))
        assert found == [f"predictions/{name}.jsonl", f"predictions/{name}.npz", "results.json"]
