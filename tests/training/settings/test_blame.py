"""Errors about settings name the file or the command line, whichever is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from loreweave.errors import ConfigurationError
from loreweave.training.settings.blame import blamed
from loreweave.training.settings.configuration import Override, fill


@dataclass
class Settings:
    epochs: int = 1
    patience: int | None = None
    rate: float = 0.1

    def __post_init__(self) -> None:
        if self.patience is not None and self.patience > self.epochs:
            raise ValueError(f"patience: found {self.patience}, expected at most epochs={self.epochs}")


@pytest.mark.parametrize(
    ("values", "overrides", "message"),
    [
        ({}, ["epochs=x"], "command line (epochs=x): setting 'epochs': found 'x'"),
        ({"epochs": "x"}, ["rate=1"], "a.yaml: setting 'epochs': found 'x'"),
        ({"epochs": "x"}, [], "a.yaml: setting 'epochs': found 'x'"),
        ({}, ["epocs=2"], "command line (epocs=2): unknown setting 'epocs'"),
        ({"epocs": 2}, ["epochs=2"], "a.yaml: unknown setting 'epocs'"),
        ({"patience": 3, "epochs": 5}, ["rate=1", "epochs=2"], "command line (epochs=2): setting 'patience': found 3"),
        ({"epochs": 2}, ["rate=1", "patience=3"], "command line (patience=3): setting 'patience': found 3"),
        ({}, ["rate"], "command line (rate): override 'rate': expected key=value"),
        ({}, [("epochs", "x")], "setting 'epochs': found 'x'"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, Any], overrides: list[Override], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        blamed(lambda some: fill(Settings, values, some), overrides, "a.yaml")
    assert str(raised.value).startswith(message)


def test_right_settings_are_returned() -> None:
    assert blamed(lambda some: fill(Settings, {"epochs": "x"}, some), ["epochs=4"], "a.yaml") == Settings(epochs=4)
