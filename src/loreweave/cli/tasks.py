"""`loreweave tasks`: lists the tasks, or shows the formats, metrics and settings of one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from loreweave.cli.console import show_json, show_table
from loreweave.cli.help import starting_with
from loreweave.cli.options import AsJson
from loreweave.tasks.registry import task_names

_HEADINGS = {"read": "used if"}
"""Headings of columns whose key is another word."""


def command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="TASK", help="Task to show. Default: list all tasks.", autocompletion=starting_with(task_names())
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the tasks, or show the file formats, metrics, recipes and settings (with defaults) of one task.

    Settings are given as key=value after the command to which they belong: loreweave finetune, evaluate or predict.

    Example: loreweave tasks ner
    """
    from loreweave.tasks.jobs.description import describe_task, summaries
    from loreweave.training.settings.fields import written

    if name is None:
        found: Any = summaries()
        tables = {"loreweave tasks TASK shows one": found}
    else:
        found = describe_task(name)
        about = [{"task": part, name: ", ".join(found[part]) or "none"} for part in ("metrics", "recipes")]
        tables = {
            name: [{"task": "summary", name: found["summary"]}, *about],
            "in the commands": [{"command": command, "description": text} for command, text in found["usage"].items()],
            "file formats (--format)": found["formats"],
            "settings": [{_HEADINGS.get(key, key): value for key, value in row.items()} for row in found["settings"]],
        }
    if as_json:
        show_json(found)
        return
    for title, rows in tables.items():
        if rows:
            show_table(list(rows[0]), [[written(value) for value in row.values()] for row in rows], title=title)
