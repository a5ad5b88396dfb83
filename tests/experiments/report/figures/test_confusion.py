"""The figure and the tables of confusions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_runs import WRONG, finetuning_run, report_table
from task_jobs import silent

import loreweave


def typing_run(folder: Path, gold: list[list[str]], predicted: list[list[str]], scores: dict[str, float]) -> None:
    """A run of entity typing with the labels a, b and c, and scores as it would record them."""
    record = finetuning_run(folder, task="entity-typing")
    labels = ("a", "b", "c")
    truth, guesses = (np.array([[name in row for name in labels] for row in side]) for side in (gold, predicted))
    rows = [{"id": str(place), "text": "x", "gold": gold[place], "predicted": predicted[place]} for place in range(len(gold))]
    arrays = {"logits": np.float32(2 * guesses - 1), "labels": truth.astype(int), "label_list": np.array(labels)}
    for split in ("dev", "test"):
        record.save_predictions(split, arrays, rows)
    results = json.loads((record.path / "results.json").read_text())
    (record.path / "results.json").write_text(json.dumps(results | {"test": scores | results["test"], "metric": "accuracy"}))


def test_confusion_counts_gold_and_predicted_classes_of_the_best_run(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "best", logits=WRONG)
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["confusion"], tell=silent).path
    cells = {(row["gold"], row["predicted"]): float(row["records"]) for row in report_table(report, "confusion")}
    assert cells == {("person", "person"): 1, ("person", "place"): 1, ("place", "thing"): 1, ("thing", "thing"): 1}
    person = report_table(report, "confusion_by_label")[0]
    assert (person["support"], person["true positives"], person["false negatives"]) == ("2", "1", "1")
    averages = {row["average"]: row for row in report_table(report, "averages")}
    assert averages["exact match"]["f1"] == "0.5" and averages["exact match"]["in results.json"] == "accuracy"
    assert "none" not in {row["label"] for row in report_table(report, "confusion_by_label")}, "every record has a prediction"


def test_averages_are_named_by_their_definition(tmp_path: Path) -> None:
    # Record 1 has a and b, of which a is predicted; record 2 has b, and nothing is predicted.
    scores = {"micro_precision": 1.0, "micro_recall": 1 / 3, "micro_f1": 0.5}
    scores |= {"macro_precision": 1.0, "macro_recall": 0.25, "macro_f1": 0.4}
    typing_run(tmp_path / "run", [["a", "b"], ["b"]], [["a"], []], scores)
    report = loreweave.report(tmp_path / "run", output=tmp_path / "report", figures=["confusion"], tell=silent).path
    rows = {row["average"].partition(":")[0]: row for row in report_table(report, "averages")}
    numbers = {name: [float(row[kind]) for kind in ("precision", "recall", "f1") if row[kind]] for name, row in rows.items()}
    assert numbers["all labels together"] == pytest.approx([1, 1 / 3, 0.5])
    assert rows["all labels together"]["in results.json"] == "micro_precision, micro_recall, micro_f1"
    # a: 1, 1, 1; b and c: 0
    assert numbers["mean over labels"] == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert rows["mean over labels"]["in results.json"] == "", "macro_f1 of typing is another average"
    # record 1: 1, 0.5, 2/3; record 2: 0
    assert numbers["mean over records"] == pytest.approx([0.5, 0.25, 1 / 3])
    assert numbers["loose macro"] == [1.0, 0.25, 0.4] and "macro_f1" in rows["loose macro"]["in results.json"]
    assert "macro" not in rows


def test_confusion_of_several_labels_has_one_name_for_no_label(tmp_path: Path) -> None:
    typing_run(tmp_path / "run", [["a", "b"], ["b"]], [["a"], []], {})
    report = loreweave.report(tmp_path / "run", output=tmp_path / "report", figures=["confusion"], tell=silent).path
    cells = {(row["gold"], row["predicted"]): float(row["records"]) for row in report_table(report, "confusion")}
    assert cells == {("a", "a"): 1, ("b", "none"): 2}
    last = report_table(report, "confusion_by_label")[-1]
    assert (last["label"], last["support"], last["false positives"]) == ("none", "0", "1")
    page = (report / "index.html").read_text()
    assert "so that cells can be fractions); none: no label instead." in page
    assert "none stands for records without any label." in page
    assert "reject" not in page
