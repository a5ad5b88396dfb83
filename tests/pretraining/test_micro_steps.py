"""Number of updates of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.pretraining.micro_steps import number_of_updates


@pytest.mark.parametrize(
    ("epochs", "batch_size", "updates"),
    [(1.1, 1, 110), (0.07, 1, 7), (1.1, 11, 10), (1.0, 3, 34), (0.001, 1, 1), (20.0, 10, 200)],
)
def test_epochs_are_decimal_numbers(epochs: float, batch_size: int, updates: int) -> None:
    """1.1 x 100 windows are 110 updates of one window; the product of binary numbers is 110.00000000000001."""
    sets: list[Any] = [SimpleNamespace(dataset=range(100))]
    settings: Any = {"model": "minilm", "output": "run", "batch_size": batch_size, "micro_batch_size": 1}
    assert number_of_updates(PretrainingConfig(**settings, epochs=epochs), sets, []) == updates
    assert number_of_updates(PretrainingConfig(**settings, epochs=epochs, steps=5), sets, []) == 5
