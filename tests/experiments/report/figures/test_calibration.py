"""The table of calibration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_runs import WRONG, finetuning_run, report_table
from task_jobs import silent

import loreweave


def test_calibration_has_the_numbers_of_every_run_and_split(tmp_path: Path) -> None:
    finetuning_run(tmp_path / "runs" / "right")
    finetuning_run(tmp_path / "runs" / "wrong", seed=1, logits=WRONG)
    finetuning_run(tmp_path / "runs" / "broken", seed=2, logits=np.full((4, 3), np.nan))
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["calibration"], tell=silent).path
    rows = report_table(report, "calibration")
    assert [(row["seed"], row["split"]) for row in rows] == [("0", "dev"), ("0", "test"), ("1", "dev"), ("1", "test")]
    sure = np.exp(2) / (np.exp(2) + 2)
    assert float(rows[0]["accuracy"]) == 1 and float(rows[0]["confidence"]) == pytest.approx(sure)
    assert float(rows[0]["debiased low"]) <= float(rows[0]["debiased high"]) and "ece low" not in rows[0]
    assert float(rows[0]["ece"]) == pytest.approx(1 - sure) and float(rows[0]["nll"]) == pytest.approx(-np.log(sure))
    assert float(rows[2]["accuracy"]) == 0.5 and float(rows[0]["nll after"]) < float(rows[0]["nll"])
    page = (report / "index.html").read_text()
    assert "2 rows are left out: logits that are not finite" in page and "biased upwards on fewer than 1,000 records" in page


def test_calibration_of_several_labels_names_the_share_of_gold_labels(tmp_path: Path) -> None:
    record = finetuning_run(tmp_path / "runs" / "a", task="entity-typing")
    gold = np.array([[1, 0, 0], [1, 1, 0]])
    names = [["person"], ["person", "place"]]
    rows = [{"id": str(number), "text": "a", "gold": labels, "predicted": labels} for number, labels in enumerate(names)]
    arrays = {"logits": np.float32(4 * gold - 2), "labels": gold, "label_list": np.array(["person", "place", "thing"])}
    for split in ("dev", "test"):
        record.save_predictions(split, arrays, rows)
    report = loreweave.report(tmp_path / "runs", output=tmp_path / "report", figures=["calibration"], tell=silent).path
    row = report_table(report, "calibration")[0]
    assert float(row["share of gold labels"]) == 0.5 and "accuracy" not in row, "3 of 6 labels, although all records are right"
    assert "Dots: share of gold labels in 10 bins" in (report / "index.html").read_text()
