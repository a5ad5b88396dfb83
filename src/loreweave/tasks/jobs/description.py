"""What a task reads, measures and can be told."""

from __future__ import annotations

from typing import Any

from loreweave.tasks.registry import ALL_TASKS, PretrainedTask, load_any_task
from loreweave.training.settings.documentation import setting_docs
from loreweave.training.settings.recipes import list_recipes


def summaries() -> list[dict[str, str]]:
    """A row a task."""
    tasks = {name: load_any_task(name) for name in ALL_TASKS}
    return [{"task": name, "metric": task.metric, "summary": task.summary} for name, task in tasks.items()]


def describe_task(name: str) -> dict[str, Any]:
    """Summary, metrics, recipes; `formats`: a row a file format; `settings`: a row a setting of each command.

    Raises:
        ConfigurationError: no such task.
    """
    task = load_any_task(name)
    training = task.training if isinstance(task, PretrainedTask) else task
    commands: dict[str, type] = {} if training is None else {"finetune": training.config}
    if isinstance(task, PretrainedTask):
        commands |= {"evaluate": task.evaluation, "predict": task.prediction}
    elif task.scoring is not None:
        commands |= {"evaluate, score": task.scoring}
    formats = {} if training is None else training.formats
    return {
        "task": name,
        "summary": task.summary,
        "metrics": list(task.metrics),
        "recipes": [recipe.name for recipe in list_recipes() if recipe.task == name],
        "formats": [{"format": format, "what": what} for format, what in formats.items()],
        "settings": [{"command": word} | vars(setting) for word, cls in commands.items() for setting in setting_docs(cls)],
    }
