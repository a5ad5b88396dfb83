"""Runs are compared only with runs on the same data, and averaged only over seeds."""

from __future__ import annotations

from pathlib import Path

from made_runs import finetuning_run

from loreweave.experiments.report.sections import sections_of
from loreweave.experiments.runs.folders import find_runs


def test_groups_differ_in_settings_and_hold_all_seeds(tmp_path: Path) -> None:
    for seed in (2, 0, 10):
        finetuning_run(tmp_path / f"low-{seed}", seed, test=0.25, optimizer={"learning_rate": 1e-4}, log_steps=seed)
    finetuning_run(tmp_path / "high", 0, test=0.75, optimizer={"learning_rate": 1e-3})
    finetuning_run(tmp_path / "killed", 1, finished=False, optimizer={"learning_rate": 1e-3})
    (section,) = sections_of(find_runs([tmp_path]))
    assert (section.name, section.metric, section.splits) == (
        "text-classification on dev.json and test.json", "accuracy", ["dev", "test"],
    )  # fmt: skip
    assert section.varied == ["optimizer.learning_rate"]
    low, high = section.groups
    assert (low.label, high.label) == ("learning_rate=0.0001", "learning_rate=0.001")
    assert [run.settings["seed"] for run in low.runs] == [0, 2, 10]
    assert [run.path.name for run in high.runs] == ["high", "killed"] and high.scores("test", "accuracy") == [0.75]


def test_other_tasks_and_other_data_are_other_sections(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "a")
    finetuning_run(tmp_path / "b", data={"train": "x sha256:1", "dev": "dev.json sha256:9", "test": "test.json sha256:3"})
    finetuning_run(tmp_path / "c", task="ner")
    assert [section.name for section in sections_of(find_runs([tmp_path]))] == [
        "text-classification on dev.json and test.json",
        "text-classification on dev.json and test.json, other data 2",
        "ner on dev.json and test.json",
    ]


def test_settings_with_the_same_last_name_are_written_out(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "a", optimizer={"name": "adam"}, schedule={"name": "linear"})
    finetuning_run(tmp_path / "b", optimizer={"name": "sgd"}, schedule={"name": "constant"})
    (section,) = sections_of(find_runs([tmp_path]))
    assert section.groups[0].label == "optimizer.name=adam, schedule.name=linear"
