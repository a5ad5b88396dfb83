"""`loreweave check`: a task's files, before training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from loreweave.cli.console import MOST_ROWS, say, show_json, show_table
from loreweave.cli.tag_names import TagNamesOption
from loreweave.tasks.registry import FINETUNED_TASKS

_SHOWN_ERRORS = 10


def command(
    task: Annotated[str, typer.Argument(help=f"The task: {', '.join(FINETUNED_TASKS)}.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The files, that for training first.")],
    format: Annotated[str | None, typer.Option("--format", help="Format of the files; by default recognised.")] = None,
    tag_names: TagNamesOption = None,
    model: Annotated[
        str | None, typer.Option("--model", help="An encoder or a checkpoint: count its sub-words and what is cut.")
    ] = None,
    max_length: Annotated[
        int | None, typer.Option("--max-length", min=8, help="Sub-words of an input; by default what the encoder holds.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 1 where there is something to look at.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON alone on standard output.")] = False,
) -> None:
    """Check files before training: bad records, labels, duplicates, overlaps, lengths, leaks between files.

    A leak is a text that two files share. Of a few-shot task the first file is the source, and labels that the others share
    with it are named. Nothing is trained; with --model the records are encoded as for training.

    Columns: texts (distinct ones), unlabelled (records without a label), bad (an error; --skip-bad leaves them out), unused
    (what the task has no use for), dropped (what kept records lost), duplicates (the same text with the
    same mentions), conflicts (such texts with several labels), overlaps (records whose mentions share characters).

    Example: loreweave check relation-classification train.json dev.json test.json --model studio-ousia/luke-base
    """
    from loreweave.tasks.checking import check_files
    from loreweave.tasks.registry import load_training
    from loreweave.tasks.tag_names import with_tag_names

    chosen = with_tag_names(load_training(task), tag_names)
    found = check_files(chosen, files, format=format, model=model, max_length=max_length, report=say)
    if as_json:
        show_json(found)
    else:
        _show(found)
    if strict and found["findings"]:
        raise typer.Exit(1)


def _show(found: dict[str, Any]) -> None:
    for row in found["files"]:
        for line in row["errors"][:_SHOWN_ERRORS]:
            say(f"{row['file']}, {line}")
        if len(row["errors"]) > _SHOWN_ERRORS:
            say(f"{row['file']}: {_SHOWN_ERRORS} of {len(row['errors'])} bad records; --json has them all")
    rows = found["files"]
    show_table(list(_flat(rows[0])), [list(_flat(row).values()) for row in rows], title="files")
    labels = found["labels"]
    if labels:
        show_table(list(labels[0]), [list(row.values()) for row in labels[:MOST_ROWS]], title="labels: records with each")
    if len(labels) > MOST_ROWS:
        say(f"labels: {MOST_ROWS} of {len(labels)}; --json has them all")
    for line in found["findings"]:
        say(line)
    if not found["findings"]:
        say("found nothing to look at")


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A file's row as cells: the spread of lengths in one, no lists."""
    cells: dict[str, Any] = {}
    for name, value in row.items():
        if name in ("characters", "sub_words"):
            cells[f"{name.replace('_', '-')} min/median/95%/max"] = "/".join(map(str, value.values()))
        elif name in ("unused", "dropped"):
            cells[name] = sum(value.values())
        elif name not in ("errors", "notes", "cut"):
            cells[name] = value
    return cells
