"""Description of a task: formats, metrics and settings."""

from __future__ import annotations

from typing import Any

from loreweave.tasks.contract import NoSettings
from loreweave.tasks.registry import all_tasks, load_task
from loreweave.training.settings.documentation import setting_docs
from loreweave.training.settings.recipes import list_recipes


def summaries() -> list[dict[str, str]]:
    """One row for each task."""
    return [{"task": task.name, "metric": task.metric, "summary": task.summary} for task in all_tasks()]


def describe_task(name: str) -> dict[str, Any]:
    """Summary, metrics, recipes; `usage`: command -> what to know about the task in it; `formats`: one row per file format;
    `settings`: one row per setting of each command.

    Raises:
        ConfigurationError: unknown task.
    """
    task = load_task(name)
    commands: dict[str, type] = {} if task.training is None else {"finetune": task.training.config}
    if task.scoring is task.evaluation is not NoSettings:
        commands["evaluate, score"] = task.evaluation
    else:
        commands |= {"evaluate": task.evaluation, "score": task.scoring}
    commands["predict"] = task.prediction
    formats = {} if task.training is None else task.training.formats
    return {
        "task": name,
        "summary": task.summary,
        "usage": dict(task.usage),
        "metrics": list(task.metrics),
        "recipes": [recipe.name for recipe in list_recipes() if recipe.task == name],
        "formats": [{"format": format, "what": what} for format, what in formats.items()],
        "settings": [
            {"command": word} | vars(setting)
            for word, cls in commands.items()
            if cls is not NoSettings
            for setting in setting_docs(cls)
        ],
    }
