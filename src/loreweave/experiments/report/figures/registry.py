"""The figures of a report by name, in their order on the page; other packages can add theirs."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import Any

from loreweave.errors import ConfigurationError
from loreweave.experiments.report.parts import Draw
from loreweave.plugins import Registry

_OWN = (
    "scores", "progression", "dev_test", "settings", "importance", "parallel", "learning_curve", "confusion", "calibration",
    "labels", "lengths", "errors", "records_map", "runs_map",
)  # fmt: skip


def _check(name: str, added: Any, known: Collection[str]) -> None:
    if not name or not callable(added):
        raise ConfigurationError(f"figure {name!r}: found {type(added).__name__}, expected a name and a function of a section")


def _load(name: str) -> Draw:
    draw: Draw = import_module(f"loreweave.experiments.report.figures.{name}").draw
    return draw


FIGURES: Registry[Draw] = Registry("a figure", "loreweave.figures", {name: name for name in _OWN}, _check, _load)
