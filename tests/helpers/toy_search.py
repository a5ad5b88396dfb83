"""Searches whose trials train nothing: the metric is a function of the settings, so that a trial takes milliseconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from loreweave.errors import LoreweaveError
from loreweave.experiments.search import targets
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import to_dict

Curve = Callable[[Any, int], float]
"""(settings, epoch) -> the dev metric."""

ROW = {"id": "1", "text": "ann lives in oslo", "mentions": [{"start": 0, "end": 3, "labels": ["person"]}]}


def by_dropout(config: Any, epoch: int) -> float:
    """Best at dropout 0.2, better with each epoch, and a little worse for larger batches."""
    return round(0.5 - abs((config.dropout or 0.0) - 0.2) + 0.01 * epoch - 0.001 * config.batch_size, 6)


def toy_sweep(folder: Path, **keys: Any) -> dict[str, Any]:
    """A sweep over files that exist."""
    (folder / "bert").mkdir(parents=True, exist_ok=True)
    for name in ("train", "dev"):
        (folder / f"{name}.json").write_text(json.dumps([ROW]))
    base = {"task": "entity-typing", "model": str(folder / "bert"), "settings": {"epochs": 3}}
    return {**base, "train": str(folder / "train.json"), "dev": str(folder / "dev.json"), "device": "cpu", **keys}


def use_toy(patch: pytest.MonkeyPatch, curve: Curve = by_dropout, before: Callable[[Path], None] | None = None) -> list[str]:
    """Replace the training of tasks; returns the names of the folders that are trained, as they come.

    Args:
        patch: of the test.
        curve: the metric.
        before: called with the folder of a run when it has begun.
    """
    trained: list[str] = []

    def train(task: Any, model: str, files: Any, config: Any, output: Path, **options: Any) -> Mapping[str, Any]:
        asked = {"task": task.name, "model": model, "settings": to_dict(config)}
        record = RunRecord.open(output, "finetuning", asked, resume=options["resume"], command=options["command"])
        trained.append(output.name)
        rows = []
        with record.watch():
            if before is not None:
                before(output)
            for epoch in range(1, config.epochs + 1):
                score = curve(config, epoch)
                if score != score:
                    raise LoreweaveError(f"the loss is nan at step {epoch}: lower the learning rate")
                record.log(step=epoch, epoch=epoch, split="dev", micro_f1=score)
                rows.append({"epoch": epoch, "step": epoch, "dev": {"micro_f1": score}})
                options["after_epoch"](rows[-1])
            best = max(rows, key=lambda row: row["dev"]["micro_f1"])
            record.model_path.mkdir()
            results = {"best_epoch": best["epoch"], "dev": best["dev"], "test": {"micro_f1": 0.9}, "epochs": rows}
            record.finish(results)
        return results

    patch.setattr(targets, "finetune_task", train)
    return trained


def silent(line: str) -> None:
    """Hears nothing."""
