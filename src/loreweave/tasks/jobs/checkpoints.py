"""The task that a checkpoint was trained for, and loading the checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loreweave.encoding.model_names import resolve
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.tasks.contract import Training
from loreweave.tasks.model_folders import is_luke, settings_of
from loreweave.tasks.registry import all_tasks
from loreweave.training.quiet import quiet
from loreweave.training.task_model import TaskModel


def load_checkpoint_of(
    training: Training[Any], path: Path, base: str | None = None, labels: Sequence[str] | None = None
) -> TaskModel:
    """Load a fine-tuned checkpoint; for a run's folder, the weights that it kept.

    Args:
        base: encoder of a released file in an older format; see `checkpoints.load_luke`.
        labels: names of its classes, by number, instead of its own.

    Raises:
        CheckpointError: there is no checkpoint, it is that of another task, or its classes are not named.
        ConfigurationError: there is a `base`, but the model is not a LUKE, so that nothing reads it.
    """
    folder = resolve(path)
    name = task_of(folder)
    if name is not None and name != training.name:
        raise CheckpointError(f"{folder}: found a checkpoint for {name}, expected one for {training.name}")
    if base is not None and not is_luke(str(folder)):
        raise ConfigurationError(f"--base is for a LUKE in an older format, found another encoder in {folder}; leave it out")
    with quiet():
        return training.load(folder, base, labels)


def task_of(folder: Path) -> str | None:
    """Name of the task that a checkpoint was trained for, according to its files; None if they do not name one."""
    named = settings_of(folder).get("task")
    if named is not None:
        return str(named)
    return next((task.name for task in all_tasks() if task.recognises(folder)), None)
