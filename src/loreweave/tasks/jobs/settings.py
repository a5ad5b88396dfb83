"""Settings of a job of a task, filled from a recipe and from `key=value`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import NoSettings, Task
from loreweave.training.settings.configuration import Override, fill
from loreweave.training.settings.fields import written


def fill_settings(task: Task, cls: type, job: str, recipe: Mapping[str, Any], settings: Sequence[Override]) -> Any:
    """An instance of the settings class.

    Raises:
        ConfigurationError: a wrong setting, or any for a job without settings; the message says where the checkpoint's settings
            come from.
    """
    if cls is not NoSettings:
        return fill(cls, recipe, settings, listed_by=f"loreweave tasks {task.name}")
    if recipe or settings:
        first: Override = (*recipe, *settings)[0]
        name = first if isinstance(first, str) else f"{first[0]}={written(first[1])}"
        raise ConfigurationError(f"{job} {task.name} has no settings, found {name}{_way_out(task, job, name)}")
    return NoSettings()


def _way_out(task: Task, job: str, given: str) -> str:
    if job != "predict" or task.training is None:
        return ""
    kept = ": the settings of the checkpoint apply, which 'loreweave finetune' set"
    known = {field.name for field in fields(task.evaluation)}
    other = f"; 'loreweave evaluate {task.name} {given}' tries another value"
    return kept + (other if given.partition("=")[0] in known else "")
