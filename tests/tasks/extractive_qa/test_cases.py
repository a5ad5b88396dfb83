"""Extractive question answering does what every task on records does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from task_cases import RecordTaskCases
from task_jobs import evaluate, score

from loreweave.tasks.jobs.checkpoints import load_checkpoint_of
from loreweave.tasks.registry import load_task
from loreweave.training.task_model import TaskModel


class TestExtractiveQa(RecordTaskCases):
    name = "extractive-qa"
    rows = [
        {"id": str(n), "question": f"{name} is in", "context": f"{name} lives in {place} .", "answers": [place]}
        for n, (name, place) in enumerate((("Ann", "Oslo"), ("Bob", "a bank"), ("He", "Paris"), ("She", "the river")))
    ]
    gold = ("answers",)
    bad = [({"question": 7}, "question"), ({"context": None}, "context"), ({"answers": 7}, "answers")]
    long = {"question": "ann is in " * 10, "context": "ann lives in oslo . " * 10}

    def said(self, row: Mapping[str, Any]) -> Any:
        return row["predicted"], row["start"], row["end"], row["probability"]

    def test_a_saved_model_is_the_same(self, built: TaskModel, data: Path, tmp_path: Path) -> None:
        built.save_pretrained(tmp_path / "model")
        again = load_checkpoint_of(self.training, tmp_path / "model")
        again.model.eval()
        records = self.training.read(data, None, False).records
        assert again.labels == built.labels and type(again.model) is type(built.model)
        assert again.encoding.settings == built.encoding.settings
        with torch.no_grad():
            ours, theirs = (each.model(**each.encoding.collate(each.encoding.encode(records))) for each in (built, again))
        torch.testing.assert_close(theirs.start_logits, ours.start_logits, rtol=0, atol=0)
        torch.testing.assert_close(theirs.end_logits, ours.end_logits, rtol=0, atol=0)

    def test_gold_is_perfect_and_shifted_gold_is_worse(self, built: TaskModel, data: Path, tmp_path: Path) -> None:
        """Gold is a list of answers."""
        built.save_pretrained(tmp_path / "model")
        task = load_task(self.name)
        evaluation, _ = evaluate(task, tmp_path / "model", data)
        golds = [row["gold"][0] for row in evaluation.predictions]
        ids = [row["id"] for row in evaluation.predictions]
        rows = [{"id": id, "predicted": gold} for id, gold in zip(ids, golds, strict=True)]
        found, _ = score(task, data, self.write(tmp_path / "gold.jsonl", rows))
        assert found.metrics == {"exact_match": 1, "f1": 1}
        rows = [{"id": id, "predicted": gold} for id, gold in zip(ids, golds[1:] + golds[:1], strict=True)]
        worse, _ = score(task, data, self.write(tmp_path / "shifted.jsonl", rows))
        assert worse.metrics == pytest.approx({"exact_match": 0, "f1": 0})
