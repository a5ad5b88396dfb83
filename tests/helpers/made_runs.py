"""Folders of runs as `loreweave finetune` writes them, with made numbers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.training.runs.record import RunRecord

LABELS = ("person", "place", "thing")
WRONG = np.array([[2.0, 0, 0], [0, 0, 1.0], [0, 0, 3.0], [0, 4.0, 0]])
"""Logits of the gold classes 0, 1, 2, 0: the second and the last record are wrong."""
DATA = {"train": "train.json sha256:1", "dev": "dev.json sha256:2", "test": "test.json sha256:3"}


def finetuning_run(
    folder: Path,
    seed: int = 0,
    dev: Sequence[float] = (0.25, 0.5),
    test: float = 0.5,
    *,
    task: str = "text-classification",
    data: dict[str, str] | None = None,
    finished: bool = True,
    logits: np.ndarray | None = None,
    gold: Sequence[int] = (0, 1, 2, 0),
    **settings: Any,
) -> RunRecord:
    """A run with one dev score per epoch, and predictions of classes for four texts of 1 to 4 words.

    Args:
        dev: dev accuracy of each epoch.
        finished: False leaves the run as a killed process does.
        logits: logits of the test records [4, 3]; by default each gold class gets 2 and the others 0.
        settings: further settings of the run.
    """
    config = {"task": task, "model": "minilm", "data": data or DATA, "settings": {"seed": seed, "epochs": len(dev), **settings}}
    record = RunRecord.create(folder, "finetuning", config)
    record.log(step=0, split="dev", epoch=0, accuracy=0.125)
    for epoch, score in enumerate(dev, 1):
        record.log(step=epoch, split="train", epoch=epoch, loss=2.0 / epoch)
        record.log(step=epoch, split="dev", epoch=epoch, accuracy=score)
    if not finished:
        (folder / "lock.json").unlink()
        return record
    if logits is None:
        logits = 2.0 * np.eye(len(LABELS))[list(gold)]
    for split in ("dev", "test"):
        save_class_predictions(record, split, logits, gold)
    tables = {split: {"per_label": [{"label": name, "gold": 1, "f1": test} for name in LABELS]} for split in ("dev", "test")}
    scores = {"dev": {"accuracy": max(dev)}, "test": {"accuracy": test}}
    record.finish({"best_epoch": int(np.argmax(dev)) + 1, "metric": "accuracy", "examples": 8, **scores, "tables": tables})
    return record


def save_class_predictions(record: RunRecord, split: str, logits: np.ndarray, gold: Sequence[int]) -> None:
    """Predictions of one class per record."""
    ids = [str(number) for number in range(len(gold))]
    rows = [
        {"id": name, "text": " ".join(["word"] * (number + 1)), "gold": LABELS[truth], "predicted": LABELS[int(row.argmax())]}
        for number, (name, truth, row) in enumerate(zip(ids, gold, logits, strict=True))
    ]
    arrays = {
        "logits": np.asarray(logits, np.float32), "labels": np.asarray(gold), "ids": np.array(ids),
        "label_list": np.array(LABELS),
    }  # fmt: skip
    record.save_predictions(split, arrays, rows)


def report_table(report: Path, name: str) -> list[dict[str, str]]:
    """Rows of a CSV table of a report."""
    with open(report / "tables" / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
