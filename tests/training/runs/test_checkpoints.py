"""Which checkpoint a run goes on from: the newest that is whole and healthy."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from loreweave.training.runs.checkpoints import MARK, Checkpoints, state_of


def made(checkpoints: Checkpoints, *steps: int, value: float = 1.0) -> None:
    for step in steps:
        folder = checkpoints.of(step)
        (folder / "inner").mkdir(parents=True)
        save_file({"a": torch.ones(3), "b.weight": torch.tensor([0.5, value])}, folder / "model.safetensors")
        (folder / "optimizer.pt").write_bytes(b"12345678")
        (folder / "inner" / "more.json").write_text("{}")
        checkpoints.seal(step, {"seconds": 1.5})


def test_the_newest_counts_by_its_number(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest().path is None and checkpoints.newest().step == 0
    made(checkpoints, 9, 10)
    (tmp_path / "checkpoint-new").mkdir()
    found = checkpoints.newest()
    assert found.path == tmp_path / "checkpoint-10" and found.step == 10 and found.passed_over == []
    assert state_of(found.path) == {"seconds": 1.5}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (MARK, None, "it is incomplete"),
        (MARK, b"", "it is incomplete"),
        (MARK, b'{"step": 10, "fi', "it is incomplete"),
        ("optimizer.pt", None, "optimizer.pt is missing"),
        ("optimizer.pt", b"", "optimizer.pt has 0 bytes, expected 8"),
        ("optimizer.pt", b"1234", "optimizer.pt has 4 bytes, expected 8"),
        ("inner/more.json", b"{", "more.json has 1 byte, expected 2"),
    ],
)
def test_a_checkpoint_that_is_not_whole_is_passed_over(tmp_path: Path, file: str, content: bytes | None, said: str) -> None:
    checkpoints = Checkpoints(tmp_path)
    made(checkpoints, 5, 10)
    if content is None:
        (checkpoints.of(10) / file).unlink()
    else:
        (checkpoints.of(10) / file).write_bytes(content)
    found = checkpoints.newest()
    assert found.step == 5 and found.broken == [checkpoints.of(10)]
    assert len(found.passed_over) == 1 and said in found.passed_over[0] and "checkpoint-10" in found.passed_over[0]


def test_zeros_of_the_right_length_are_no_weights(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    made(checkpoints, 5, 10)
    weights = checkpoints.of(10) / "model.safetensors"
    weights.write_bytes(bytes(weights.stat().st_size))
    found = checkpoints.newest()
    assert found.step == 5 and "model.safetensors cannot be read" in found.passed_over[0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_passed_over(tmp_path: Path, value: float) -> None:
    checkpoints = Checkpoints(tmp_path)
    made(checkpoints, 5)
    made(checkpoints, 10, 15, value=value)
    found = checkpoints.newest()
    assert found.step == 5
    assert [line.partition(": ")[2] for line in found.passed_over] == [
        "b.weight in model.safetensors has values that are not finite"
    ] * 2


def test_old_checkpoints_go_when_newer_ones_are_whole(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    made(checkpoints, 2, 4, 10)
    (checkpoints.of(12)).mkdir()  # half written: it replaces nothing
    (checkpoints.of(3)).mkdir()
    checkpoints.prune(2)
    assert [path.name for path in checkpoints.all()] == ["checkpoint-12", "checkpoint-10", "checkpoint-4"]
