"""Names of a model's classes, from its configuration or from the user."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from loreweave.corpus.counts import counted, listed
from loreweave.errors import CheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

LABELS_WANTED = "give their names with --labels FILE, one class per line, in their order"
"""Advice for a checkpoint that does not name its classes."""

_NUMBERED = re.compile(r"(LABEL_)?\d+")


def label_names(model_config: PreTrainedConfig) -> list[str]:
    """Names of a model's classes, by number.

    Raises:
        CheckpointError: the configuration does not name each class once, from 0 on.
    """
    given = {int(index): name for index, name in (model_config.id2label or {}).items()}
    order = sorted(given)
    names = [str(given[index]) for index in order]
    problem = None
    if order != list(range(len(order))):
        problem = f"id2label of config.json numbers the classes {listed(order)}, expected 0 to {len(order) - 1}"
    elif unnamed := [index for index in order if given[index] is None or not names[index].strip()]:
        problem = f"id2label of config.json gives the class {unnamed[0]} no name"
    elif twice := next((name for index, name in enumerate(names) if name in names[:index]), None):
        same = [index for index in order if names[index] == twice]
        problem = f"id2label of config.json gives the classes {listed(same)} one name, {twice!r}"
    if problem is not None:
        raise CheckpointError(f"{_place(model_config)}{problem}; {LABELS_WANTED}")
    return names


def are_numbered(names: Sequence[str]) -> bool:
    """Whether classes have numbers as names (`LABEL_0`, `0`), which are transformers' defaults."""
    return all(_NUMBERED.fullmatch(name) for name in names)


def name_classes(model_config: PreTrainedConfig, labels: Sequence[str] | None) -> None:
    """Give the classes of a model the names given by the user, if any.

    Raises:
        CheckpointError: the configuration has another number of classes.
    """
    if labels is None:
        return
    count = len(model_config.id2label or {})
    if len(labels) != count:
        found = counted(count, "class", "classes")
        raise CheckpointError(f"{_place(model_config)}found {found}, expected {len(labels)} as in --labels")
    model_config.id2label = dict(enumerate(labels))
    model_config.label2id = {label: index for index, label in enumerate(labels)}


def _place(model_config: PreTrainedConfig) -> str:
    name = getattr(model_config, "_name_or_path", "")
    return f"{name}: " if name else ""
