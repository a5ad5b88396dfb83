"""The folder of an evaluation has what the last evaluation wrote, and nothing of an earlier one."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from loreweave.corpus.files.owners import Owner
from loreweave.errors import ConfigurationError
from loreweave.tasks.files.results import recorded, remove_results, save_results
from loreweave.tasks.jobs.score import score
from loreweave.training.evaluation import Evaluation
from loreweave.training.runs.lock import FILE as LOCK


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


def test_scores_do_not_replace_what_another_process_is_about_to_write(tmp_path: Path) -> None:
    """The record of a running evaluation would be removed, and its results would be written over the scores."""
    evaluate(tmp_path / "out", "first")
    owner = replace(Owner.current(), host="elsewhere")
    (tmp_path / "out" / LOCK).write_text(json.dumps({**asdict(owner), "since": "2026-01-01T00:00:00+00:00", "name": "theirs"}))
    before = {path: path.read_bytes() for path in (tmp_path / "out").glob("*.json")}
    gold, answers = tmp_path / "gold.jsonl", tmp_path / "answers.jsonl"
    gold.write_text('{"id": "1", "text": "Mia left.", "entities": [[0, 3, "PER"]]}\n')
    answers.write_text('{"id": "1", "predicted": []}\n')
    with pytest.raises(ConfigurationError, match="on elsewhere has been using this folder since"):
        score("ner", gold=gold, predictions=answers, output=tmp_path / "out", overwrite=True, report=list)
    assert {path: path.read_bytes() for path in (tmp_path / "out").glob("*.json")} == before
