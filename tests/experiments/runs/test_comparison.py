"""Differences between two finished runs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from made_runs import finetuning_run

from loreweave.experiments.runs.comparison import differences


def test_losses_are_compared_update_by_update(tmp_path: Path) -> None:
    first, second = (finetuning_run(tmp_path / name).path for name in ("a", "b"))
    for folder, losses in ((first, [1.0, 0.5, np.nan]), (second, [1.0, 0.25, np.nan])):
        np.save(folder / "train_loss.npy", np.float32(losses))
    assert differences(first, first) == []
    assert differences(first, second) == ["the loss of 1 of 3 updates; first at update 2: was 0.5, now 0.25"]
    np.save(second / "train_loss.npy", np.float32([1.0]))
    assert differences(first, second) == ["there were 3 updates, now 1"]
    several = io.BytesIO()
    np.savez(several, losses=np.zeros(3))
    for content in (b"", b"nothing", b"PK\x03\x04 broken", several.getvalue()):
        (first / "train_loss.npy").write_bytes(content)
        (line,) = differences(first, second)
        assert line.startswith(f"the losses cannot be compared: {first / 'train_loss.npy'}: found losses that cannot be read")
