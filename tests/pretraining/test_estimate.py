"""The cost of a run, measured before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pretraining_runs import settings, windows_of

from loreweave.errors import ConfigurationError
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.estimate import estimate
from loreweave.pretraining.model import PretrainingModel
from loreweave.training.settings.configuration import fill


def test_hours_follow_from_the_measured_steps(world: Path, tmp_path: Path) -> None:
    config = fill(PretrainingConfig, settings(world, tmp_path / "run", steps=100))  # 2 micro-steps an update
    found = estimate(config, micro_steps=2)
    assert (found.updates, found.micro_steps, found.processes) == (100, 200, 1)
    assert found.seconds_per_update == pytest.approx(
        2 * found.seconds_per_micro_step + found.seconds_of_the_optimizer_per_update
    )
    assert found.hours == found.device_hours == pytest.approx(100 * found.seconds_per_update / 3600)
    assert found.peak_memory_gib > 0.05
    assert not (tmp_path / "run").exists()


def test_it_measures_training_with_dropout(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def forward(self: PretrainingModel, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        seen.extend(module.training for module in self.modules())
        return original(self, **batch)

    original = PretrainingModel.forward
    monkeypatch.setattr(PretrainingModel, "forward", forward)
    estimate(fill(PretrainingConfig, settings(world, tmp_path / "run")), micro_steps=1)
    assert seen and all(seen)


def test_processes_share_the_micro_steps(world: Path, tmp_path: Path) -> None:
    config = fill(PretrainingConfig, settings(world, tmp_path / "run", steps=100))
    found = estimate(config, processes=2, micro_steps=1)
    assert (found.updates, found.micro_steps) == (100, 200)
    assert found.device_hours == pytest.approx(2 * found.hours)
    each = found.seconds_per_micro_step + found.seconds_of_the_optimizer_per_update
    assert found.seconds_per_update == pytest.approx(each) and found.hours == pytest.approx(100 * each / 3600)


def test_measurements_on_held_out_texts_take_time(world: Path, tmp_path: Path) -> None:
    dev = str(windows_of(world, tmp_path / "held-out", range(12)))
    config = fill(PretrainingConfig, settings(world, tmp_path / "run", steps=100, dev=[dev], dev_steps=30))
    found = estimate(config, processes=2, micro_steps=1)
    assert found.measurements == 4 and found.seconds_per_measurement > 0  # after updates 30, 60, 90 and 100
    seconds = 100 * found.seconds_per_update + 4 * found.seconds_per_measurement / 2
    assert found.hours == pytest.approx(seconds / 3600)
    assert estimate(replace(config, dev_steps=0), micro_steps=1).measurements == 1
    assert estimate(replace(config, dev=[], dev_steps=0), micro_steps=1).measurements == 0


def test_held_out_texts_that_are_trained_on_are_refused(world: Path, tmp_path: Path) -> None:
    config = fill(PretrainingConfig, settings(world, tmp_path / "run", dev=[str(world / "data")]))
    with pytest.raises(ConfigurationError, match="which is also in data"):
        estimate(config, micro_steps=1)
