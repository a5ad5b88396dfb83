"""Running a model over examples."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.training.devices import autocast, choose_device
from loreweave.training.inference import run_model


@dataclass
class Numbers:
    values: list[float]

    @property
    def length(self) -> int:
        return len(self.values)


class Sum(nn.Module):
    """Adds up; notes the widths that it saw and refuses labels."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.widths: list[int] = []

    def forward(self, x: Tensor) -> SimpleNamespace:
        self.widths.append(x.shape[1])
        return SimpleNamespace(logits=(x * self.weight).sum(1))


def collate(examples: list[Numbers]) -> dict[str, Tensor]:
    width = max(example.length for example in examples)
    rows = [example.values + [0.0] * (width - example.length) for example in examples]
    return {"x": torch.tensor(rows), "labels": torch.zeros(len(examples))}


def test_outputs_are_in_order_and_batches_by_length() -> None:
    examples = [Numbers([float(n)] * (n % 5 + 1)) for n in range(23)]
    model, done = Sum().train(), []
    outputs = run_model(
        model, examples, collate, lambda output, batch: list(output.logits.numpy()), batch_size=4, advance=done.append
    )
    np.testing.assert_allclose(outputs, [n * (n % 5 + 1) for n in range(23)])
    assert model.widths == sorted(model.widths, reverse=True) and sum(done) == 23 and not model.training


def test_outputs_that_are_not_finite_are_refused() -> None:
    examples = [Numbers([1.0]), Numbers([float("nan")])]
    with pytest.raises(CheckpointError, match="found 1 NaN among the 1 number of the model's output"):
        run_model(Sum(), examples, collate, lambda output, batch: list(output.logits.numpy()))


def test_no_examples() -> None:
    assert run_model(Sum(), [], collate, lambda output, batch: []) == []


def test_devices() -> None:
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(ConfigurationError, match="expected auto, cpu"):
        choose_device("gpu")
    missing = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(ConfigurationError, match="this machine has"):
        choose_device(missing)
    with pytest.raises(ConfigurationError, match="fp16 needs a GPU"):
        autocast(torch.device("cpu"), "fp16")
    with autocast(torch.device("cpu"), "bf16"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
