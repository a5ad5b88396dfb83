"""Runs are read without changing them, whatever state they are in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loreweave.errors import DataError
from loreweave.experiments.runs.folders import find_runs, read_run
from loreweave.training.runs.record import RunRecord

CONFIG = {"task": "ner", "model": "minilm", "settings": {"seed": 1, "epochs": 3, "optimizer": {"learning_rate": 0.001}}}


def begun(folder: Path) -> RunRecord:
    record = RunRecord.create(folder, "finetuning", CONFIG)
    record.log(step=0, split="train", loss=2.5, epoch=0.5)
    record.log(step=2, split="dev", micro_f1=0.5, epoch=1)
    return record


def test_a_run_is_running_while_its_process_holds_it_and_crashed_after_that(tmp_path: Path) -> None:
    record = begun(tmp_path / "run")
    running = read_run(record.path)
    assert (running.state, running.kind, running.task, running.model, running.epoch) == (
        "running",
        "finetuning",
        "ner",
        "minilm",
        1,
    )
    assert running.scores == {"dev.micro_f1": 0.5}
    assert running.settings == {"seed": 1, "epochs": 3, "optimizer.learning_rate": 0.001}
    (record.path / "lock.json").unlink()
    assert read_run(record.path).state == "crashed"


def test_a_finished_run_has_the_scores_of_the_kept_weights(tmp_path: Path) -> None:
    record = begun(tmp_path / "run")
    record.finish({"best_epoch": 1, "metric": "micro_f1", "dev": {"micro_f1": 0.5, "records": 4}, "test": {"micro_f1": 0.25}})
    found = read_run(record.path)
    assert found.state == "done"
    assert found.scores == {"dev.micro_f1": 0.5, "dev.records": 4, "test.micro_f1": 0.25}
    assert found.main_scores == ["dev.micro_f1", "test.micro_f1"]


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    record = begun(tmp_path / "run")
    with pytest.raises(ValueError, match="no"), record.watch():
        raise ValueError("no")
    found = read_run(record.path)
    assert (found.state, found.error) == ("failed", "ValueError: no")


def test_metrics_of_an_evaluation_come_after_its_facts(tmp_path: Path) -> None:
    results = {"task": "ner", "model": "runs/ner", "records": 7, "notes": [], "micro_f1": 0.5, "accuracy": 1, "per_label": []}
    (tmp_path / "results.json").write_text(json.dumps(results))
    found = read_run(tmp_path)
    assert (found.kind, found.state, found.scores) == ("evaluation", "done", {"micro_f1": 0.5, "accuracy": 1})
    assert found.main_scores == ["micro_f1"]


@pytest.mark.parametrize("name", ["status.json", "config.json", "results.json"])
@pytest.mark.parametrize("content", ["{", "[]", "[1]"])
def test_a_broken_record_is_listed_with_its_error(tmp_path: Path, name: str, content: str) -> None:
    record = begun(tmp_path / "run")
    (record.path / name).write_text(content)
    found = read_run(record.path)
    assert found.state == "unreadable" and name in str(found.error)


def test_the_runs_of_a_search_are_found_below_its_results(tmp_path: Path) -> None:
    begun(tmp_path / "search" / "trials" / "0000").finish({})
    for name in ("results.json", "study.json"):
        (tmp_path / "search" / name).write_text("{}")
    assert [run.path.name for run in find_runs([tmp_path / "search"])] == ["0000"]


def test_runs_are_found_in_subfolders_but_not_in_runs(tmp_path: Path) -> None:
    begun(tmp_path / "b" / "second").finish({})
    first = begun(tmp_path / "a")
    (first.path / "model").mkdir()
    (first.path / "model" / "results.json").write_text("{}")
    (tmp_path / "notes").mkdir()
    assert [run.path for run in find_runs([tmp_path, tmp_path / "a"])] == [tmp_path / "a", tmp_path / "b" / "second"]
    with pytest.raises(DataError, match="found no run here"):
        find_runs([tmp_path / "notes"])
    with pytest.raises(DataError, match="no such folder"):
        find_runs([tmp_path / "none"])
