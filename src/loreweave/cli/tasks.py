"""`loreweave tasks`: list the tasks, or say what one reads, measures and can be told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from loreweave.cli.console import show_json, show_table


def command(
    name: Annotated[str | None, typer.Argument(metavar="TASK", help="A task; without it, all are listed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")] = False,
) -> None:
    """List the tasks, or show one: its file formats, its metrics, its recipes, and every setting with its default.

    A setting goes as key=value behind the command that it is for: loreweave finetune, evaluate or predict.

    Example: loreweave tasks ner
    """
    from loreweave.tasks.registry import ALL_TASKS

    if name is None:
        rows = [_summary(task) for task in ALL_TASKS]
        if as_json:
            show_json(rows)
        else:
            show_table(list(rows[0]), [list(row.values()) for row in rows], title="loreweave tasks TASK shows one")
        return
    found = _described(name)
    if as_json:
        show_json(found)
        return
    about = [(part, ", ".join(found[part]) or "none") for part in ("metrics", "recipes")]
    show_table(("task", name), [("what", found["summary"]), *about], title=name)
    for title, rows in found["tables"].items():
        show_table(list(rows[0]), [[_written(value) for value in row.values()] for row in rows], title=title)


def _summary(name: str) -> dict[str, str]:
    from loreweave.tasks.registry import load_any_task

    task = load_any_task(name)
    return {"task": name, "metric": task.metric, "summary": task.summary}


def _described(name: str) -> dict[str, Any]:
    """All that the command shows of a task."""
    from loreweave.tasks.registry import PretrainedTask, load_any_task
    from loreweave.training.recipes import list_recipes
    from loreweave.training.setting_docs import setting_docs

    task = load_any_task(name)
    training = task.training if isinstance(task, PretrainedTask) else task
    settings: dict[str, type] = {} if training is None else {"finetune": training.config}
    if isinstance(task, PretrainedTask):
        settings |= {"evaluate": task.evaluation, "predict": task.prediction}
    tables = {} if training is None else {"file formats (--format)": _formats(training.formats)}
    for words, cls in settings.items():
        tables[f"settings of loreweave {words}"] = [vars(setting) for setting in setting_docs(cls)]
    return {
        "task": name,
        "summary": task.summary,
        "metrics": list(task.metrics),
        "recipes": [recipe.name for recipe in list_recipes() if recipe.task == name],
        "tables": tables,
    }


def _written(value: Any) -> str:
    """A value as it is given behind a command."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return f"[{', '.join(map(_written, value))}]" if isinstance(value, list | tuple) else str(value)


def _formats(formats: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"format": name, "what": what} for name, what in formats.items()]
