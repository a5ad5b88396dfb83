"""Fine-tuning runs that must be able to go on: full disks, weights that are not finite, other data, few updates."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from toy_finetuning import CONFIG, run, toy_job, with_loss

from loreweave.errors import ConfigurationError, LoreweaveError
from loreweave.training.finetuning import FinetuningJob, finetune
from loreweave.training.finetuning_trainer import FinetuningTrainer
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill, to_dict
from loreweave.training.settings.finetuning import FinetuningConfig
from loreweave.training.task_model import TaskModel


class Saving(TaskModel):
    """A model that is saved in another way."""

    def __init__(self, built: TaskModel, save: Callable[[Path], None]) -> None:
        super().__init__(built.model, built.encoding, built.loss)
        object.__setattr__(self, "save_pretrained", save)


def stopping_at(job: FinetuningJob, update: int) -> FinetuningJob:
    """Broken off in an update, as a kill does: nothing is saved."""
    calls = 0

    def loss(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 2 * update:
            raise KeyboardInterrupt
        return job.built.loss(outputs, labels, num_items_in_batch)

    return with_loss(job, loss)


def resume(path: Path, config: FinetuningConfig = CONFIG, job: FinetuningJob | None = None) -> dict[str, Any]:
    record = RunRecord.reopen(path, to_dict(config))
    return finetune(job or toy_job(), config, record, report=lambda line: None)


def test_a_killed_run_logs_as_one_that_never_stopped(tmp_path: Path) -> None:
    """Eight updates an epoch, a line every five: the line of 20 has the mean of updates 16 to 20, also where 16 was saved."""
    config = replace(CONFIG, log_steps=5)
    run(tmp_path / "whole", config)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", config, stopping_at(toy_job(), 18))
    assert [path.name for path in RunRecord(tmp_path / "run").checkpoints.all()] == ["checkpoint-16"]
    resume(tmp_path / "run", config)
    rows, whole = (
        [row for row in RunRecord(tmp_path / name).metrics() if row["split"] == "train"] for name in ("run", "whole")
    )
    assert [row["step"] for row in rows] == [row["step"] for row in whole] == [5, 10, 15, 20, 25, 30]
    assert [row["loss"] for row in rows] == pytest.approx([row["loss"] for row in whole], rel=1e-6)


def test_weights_that_are_not_finite_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best epoch's model and the checkpoint before stay."""
    step = FinetuningTrainer.training_step

    def spoil(self: FinetuningTrainer, *arguments: Any, **named: Any) -> Tensor:
        loss = step(self, *arguments, **named)
        if self.state.global_step == 15 and self.accelerator.sync_gradients:
            with torch.no_grad():
                self.model.get_parameter("classifier.bias")[1] = float("nan")
        return loss

    monkeypatch.setattr(FinetuningTrainer, "training_step", spoil)
    config = replace(CONFIG, keep="last", log_steps=1000)
    with pytest.raises(LoreweaveError, match=r"classifier\.bias are not finite at step 16.*checkpoint-8, is kept"):
        run(tmp_path / "run", config, replace(toy_job(), dev=None, test=None))
    record = RunRecord(tmp_path / "run")
    assert record.status()["status"] == "failed" and [path.name for path in record.checkpoints.all()] == ["checkpoint-8"]
    from safetensors.torch import load_file

    assert load_file(record.model_path / "model.safetensors")["classifier.bias"].isfinite().all()


@pytest.mark.parametrize("checkpoints", [True, False])
def test_no_room_for_the_model(checkpoints: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, job = replace(CONFIG, checkpoints=checkpoints, epochs=2, keep="last"), toy_job()

    def save(folder: Path) -> None:
        job.built.save_pretrained(folder)
        if folder.parent == tmp_path / "run" and (tmp_path / "run" / "model").exists():
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(LoreweaveError, match="No space left.*" + ("--resume" if checkpoints else "saved to")):
        run(tmp_path / "run", config, replace(job, built=Saving(job.built, save)))
    record = RunRecord(tmp_path / "run")
    assert record.status()["status"] == "failed" and str(record.model_path) in record.status()["error"]
    assert (record.model_path / "model.safetensors").exists()  # of the epoch before
    assert len(list(tmp_path.glob("loreweave-model-*"))) == (not checkpoints)
    if checkpoints:
        assert resume(tmp_path / "run", config)["updates"] == 16


def test_a_disk_that_is_too_small_is_said_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=31))  # 6 weights and 2 biases take 32 bytes
    with pytest.raises(ConfigurationError, match="the model alone takes"):
        run(tmp_path / "run")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=32))
    run(tmp_path / "run", replace(CONFIG, epochs=1))


def test_a_disk_that_is_full_at_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(tmp_path / "whole")
    save = FinetuningTrainer._save_optimizer_and_scheduler

    def filled(self: FinetuningTrainer, folder: str) -> None:
        save(self, folder)
        if folder.endswith("-24"):
            raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")

    with monkeypatch.context() as patch, pytest.raises(LoreweaveError, match="checkpoint-24: could not be written"):
        patch.setattr(FinetuningTrainer, "_save_optimizer_and_scheduler", filled)
        run(tmp_path / "run")
    assert [path.name for path in RunRecord(tmp_path / "run").checkpoints.all()] == ["checkpoint-16"]
    assert resume(tmp_path / "run") == whole


def test_an_error_that_is_not_of_writing_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is room: "make room" would lead nowhere."""

    def broken(self: FinetuningTrainer, folder: str) -> None:
        raise RuntimeError("shapes do not fit")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="^shapes do not fit$"):
        patch.setattr(FinetuningTrainer, "_save_optimizer_and_scheduler", broken)
        run(tmp_path / "run")
    assert not RunRecord(tmp_path / "run").checkpoints.all()

    def save(folder: Path) -> None:
        raise RuntimeError("shapes do not fit")

    job = toy_job()

    with pytest.raises(RuntimeError, match="^shapes do not fit$"):
        run(tmp_path / "other", replace(CONFIG, checkpoints=False), replace(job, built=Saving(job.built, save)))


def test_a_status_is_written_on_a_full_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = RunRecord.create(tmp_path, "finetuning", {})

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(ValueError, match="x"), record.watch():
        patch.setattr("loreweave.training.runs.record.write_json", full)
        raise ValueError("x")
    assert json.loads((tmp_path / "status.json").read_text())["status"] == "failed"


def test_other_numbers_of_updates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", job=stopping_at(toy_job(33), 18))
    with pytest.raises(ConfigurationError, match=r"training examples was 33, now 41; updates of an epoch was 8, now 10"):
        resume(tmp_path / "run", job=toy_job(41))
    assert resume(tmp_path / "run")["updates"] == 32


def test_small_training_files_get_a_least_number_of_updates(tmp_path: Path) -> None:
    """Eight updates an epoch: 50 updates are seven epochs; 30 are fewer than the four epochs that are asked for."""
    lines: list[str] = []
    config = replace(CONFIG, min_updates=50)
    record = RunRecord.create(tmp_path / "more", "finetuning", to_dict(config))
    results = finetune(toy_job(), config, record, report=lines.append)
    assert results["updates"] == 56 and [row["epoch"] for row in results["epochs"]] == [1, 2, 3, 4, 5, 6, 7]
    assert any("epochs: 7 instead of 4" in line and "min_updates=null" in line for line in lines)
    assert any("epoch 7/7" in line for line in lines)
    assert run(tmp_path / "same", replace(CONFIG, min_updates=30))["updates"] == 32
    with pytest.raises(ConfigurationError, match="'min_updates': found 0"):
        fill(FinetuningConfig, {"min_updates": 0})
