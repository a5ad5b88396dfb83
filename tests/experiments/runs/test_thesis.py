"""Runs of the LUKE thesis tools are read as they were meant, and written so that they are read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_runs import finetuning_run
from task_jobs import silent

import loreweave
from loreweave.experiments.runs.folders import find_runs, read_run
from loreweave.experiments.runs.thesis import write_thesis_results

LOGITS = [[2.0, -1.0, -1.0], [-1.0, -2.0, -3.0], [1.0, 1.0, -1.0]]
GOLD = [[1, 0, 0], [0, 1, 0], [1, 0, 1]]


def results(**changes: Any) -> dict[str, Any]:
    """A file as the tools write it: two epochs of two updates of two micro-batches, and a score before training."""
    part = {"predict_logits": LOGITS, "true_labels": GOLD}
    parameters = {"learning_rate": 1e-5, "train_batch_size": 2, "gradient_accumulation_steps": 2, "num_train_epochs": 2.0}
    parameters |= {"seed": 12, "train_frac_size": 0.5, "hidden_dropout_prob": 0.1, "weight_decay": 0.01, "training_samples": 8}
    parameters |= {"output_dir": "experiments/a", "model_file": "luke.tar.gz", "fp16": True}
    scores = {f"dev_{name}_epoch_no_training": 0.0 for name in ("precision", "recall", "f1")}
    scores |= {f"dev_{name}_epoch{epoch}": 0.25 + epoch / 4 for epoch in (0, 1) for name in ("precision", "recall", "f1")}
    scores |= {f"{split}_{name}": 0.5 for split in ("dev", "test") for name in ("precision", "recall", "f1")}
    return {
        **scores,
        "best_epoch": 1,
        "experimental_configurations": {"log_parameters": parameters, "model_config": {"hidden_size": 8}},
        "evaluation_predict_label": {"label_list": ["entity", "person", "place"], "dev": part, "test": part},
        "training_loss": [1.0, 0.5, 0.75, 0.25, 0.5, 0.25, 0.25, 0.125],
        **changes,
    }


def write(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(results(**changes)))
    return folder


def test_a_run_is_read_with_our_names(tmp_path: Path) -> None:
    run = read_run(write(tmp_path / "robust_learning_rate_1e-05"))
    assert (run.state, run.kind, run.task, run.model) == ("done", "finetuning", "entity-typing", "luke.tar.gz")
    assert run.settings == {
        "optimizer.learning_rate": 1e-5, "batch_size": 2, "gradient_accumulation_steps": 2, "epochs": 2.0, "seed": 12,
        "train_fraction": 0.5, "dropout": 0.1, "optimizer.weight_decay": 0.01, "model_file": "luke.tar.gz", "fp16": True,
    }  # fmt: skip
    assert run.main_scores == ["dev.micro_f1", "test.micro_f1"] and run.scores["test.micro_f1"] == 0.5
    assert run.results["best_epoch"] == 2
    assert [row["loss"] for row in run.rows if row["split"] == "train"] == [1.5, 1.0, 0.75, 0.375]
    assert [(row["epoch"], row["micro_f1"]) for row in run.rows if row["split"] == "dev"] == [(0, 0.0), (1, 0.25), (2, 0.5)]
    assert [row["predicted"] for row in run.predictions("test")] == [["entity"], [], ["entity", "person"]]
    assert [row["gold"] for row in run.predictions("test")] == [["entity"], ["person"], ["entity", "place"]]
    person = run.results["tables"]["dev"]["per_label"][1]
    assert (person["gold"], person["predicted"], person["correct"]) == (1, 1, 0)


def test_a_broken_file_is_listed_with_its_error(tmp_path: Path) -> None:
    part = {"predict_logits": LOGITS, "true_labels": GOLD[:2]}
    run = read_run(write(tmp_path / "a", evaluation_predict_label={"label_list": ["a", "b", "c"], "dev": part}))
    assert run.state == "unreadable" and "found logits (3, 3), labels (2, 3) and 3 names" in str(run.error)
    assert "not as the thesis tools write it" in str(read_run(write(tmp_path / "b", experimental_configurations=[])).error)


def test_a_report_has_the_plots_of_the_thesis(tmp_path: Path) -> None:
    for rate in (1e-5, 1e-4):
        folder = write(tmp_path / "runs" / f"robust_learning_rate_{rate}")
        found = results()
        found["experimental_configurations"]["log_parameters"]["learning_rate"] = rate
        (folder / "results.json").write_text(json.dumps(found))
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", thesis=True, tell=silent)
    (shown,) = report.figures.values()
    assert {"progression", "dev_test", "confusion", "calibration", "labels", "settings"} <= set(shown)
    lines = (report.path / "tables" / "confusion_structures.csv").read_text().splitlines()
    assert "records with single labels,entity,entity,1" in lines and "all records: reject,other,reject,1" in lines
    again = find_runs([report.path / "thesis"])
    assert [run.path.name for run in again] == ["robust_learning_rate_0.0001", "robust_learning_rate_1e-05"]
    assert again[0].settings["optimizer.learning_rate"] == 1e-4


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    run = read_run(write(tmp_path / "theirs"))
    assert write_thesis_results(run, tmp_path / "ours")
    again = read_run(tmp_path / "ours")
    assert again.settings == run.settings and again.predictions("dev") == run.predictions("dev")
    dev = [row for row in again.rows if row["split"] == "dev"]
    assert [row["micro_f1"] for row in dev] == [0.0, 0.25, 0.5]
    assert again.results["best_epoch"] == 2 and np.array_equal(again.arrays("test")["logits"], run.arrays("test")["logits"])


def test_runs_of_one_class_per_record_are_written_too(tmp_path: Path) -> None:
    run = read_run(finetuning_run(tmp_path / "run").path)
    assert write_thesis_results(run, tmp_path / "out")
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    assert found["evaluation_predict_label"]["test"]["true_labels"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert found["test_f1"] == 1.0 and found["best_epoch"] == 1
    (run.path / "predictions" / "dev.npz").unlink()
    (run.path / "predictions" / "test.npz").unlink()
    assert not write_thesis_results(run, tmp_path / "none") and not (tmp_path / "none").exists()


@pytest.mark.parametrize("losses", [[], [1.0]])
def test_runs_without_whole_updates_have_no_losses(tmp_path: Path, losses: list[float]) -> None:
    run = read_run(write(tmp_path / "a", training_loss=losses))
    assert [row for row in run.rows if row["split"] == "train"] == []


def test_losses_of_updates_are_read_back(tmp_path: Path) -> None:
    record = finetuning_run(tmp_path / "run", gradient_accumulation_steps=2)
    record.save_train_loss([2.0, 1.0])
    assert write_thesis_results(read_run(tmp_path / "run"), tmp_path / "written")
    assert json.loads((tmp_path / "written" / "results.json").read_text())["training_loss"] == [1.0, 1.0, 0.5, 0.5]
    assert [row["loss"] for row in read_run(tmp_path / "written").rows if row["split"] == "train"] == [2.0, 1.0]
