"""Rules for the epoch whose weights a fine-tuning run keeps: one function per rule.

A new rule is a function here, a row of `RULES` and its name in `Keep`; `keep=NAME` selects it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Epochs = Sequence[Mapping[str, Any]]
"""Rows of epochs in their order, each with `epoch`, `step`, `train_loss` (not epoch 0, before training) and, if there are dev
data, `dev`: metric -> value. The loss on the dev data is not computed."""
Keep = Literal["best", "last"]
"""Names of the rules; the keys of `RULES`."""


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        summary: the epoch that it keeps, for the help.
        choose: (epochs, name of the dev metric) -> the row of the epoch whose weights are kept.
        needs_dev: whether it compares dev metrics.
    """

    summary: str
    choose: Callable[[Epochs, str], Mapping[str, Any]]
    needs_dev: bool


def best(epochs: Epochs, metric: str) -> Mapping[str, Any]:
    """The first trained epoch with the largest dev metric."""
    trained = [row for row in epochs if row["epoch"] > 0]
    return max(trained, key=lambda row: row["dev"][metric])


def last(epochs: Epochs, metric: str) -> Mapping[str, Any]:
    """The last epoch."""
    return epochs[-1]


RULES: dict[str, Rule] = {
    "best": Rule("the epoch with the best dev metric", best, needs_dev=True),
    "last": Rule("the last epoch", last, needs_dev=False),
}
