"""Which epoch's weights a fine-tuning run keeps: one function per rule.

A new rule is a function here and a row of `RULES`; `keep=NAME` selects it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Epochs = Sequence[Mapping[str, Any]]
"""Rows of epochs in their order, each with `epoch` and, if there are dev data, `dev`: metric -> value."""
Keep = Literal["best", "last"]
"""Names of the rules; the keys of `RULES`."""


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        choose: (epochs, name of the dev metric) -> the row of the epoch whose weights are kept.
        needs_dev: whether it compares dev metrics.
    """

    choose: Callable[[Epochs, str], Mapping[str, Any]]
    needs_dev: bool


def best(epochs: Epochs, metric: str) -> Mapping[str, Any]:
    """The first trained epoch with the largest dev metric."""
    trained = [row for row in epochs if row["epoch"] > 0]
    return max(trained, key=lambda row: row["dev"][metric])


def last(epochs: Epochs, metric: str) -> Mapping[str, Any]:
    """The last epoch."""
    return epochs[-1]


RULES: dict[str, Rule] = {"best": Rule(best, needs_dev=True), "last": Rule(last, needs_dev=False)}
