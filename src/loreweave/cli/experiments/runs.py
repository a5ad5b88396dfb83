"""`loreweave runs`: lists recorded runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import say, show_json, show_table, window_width
from loreweave.cli.options import AsJson

_DEFAULT = Path("runs")


def command(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="FOLDER", help="Runs, or folders with runs in them. Default: runs.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", help="Condition, such as task=ner, 'dev.micro_f1>0.8' or model~luke (contains); can be repeated."
        ),
    ] = None,
    sort: Annotated[str | None, typer.Option("--sort", help="Setting, score or other column to sort by.")] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Sort from largest to smallest.")] = False,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", help="Column to show; can be repeated. Default: what differs, and the main scores."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="CSV file with one row per run and all columns, also hidden ones.")
    ] = None,
    tensorboard: Annotated[
        Path | None, typer.Option("--tensorboard", help="New folder for event files with the metrics and settings of the runs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the runs in folders: their state, the data and settings that differ between them, and their scores.

    The states are running, done, failed, interrupted, pruned (stopped early by a search), crashed (the process has ended
    without recording an end, for example because it was killed) and unreadable. A run that is interrupted or crashed can be
    resumed (--resume) or repeated (loreweave rerun).

    Example: loreweave runs

    Example: loreweave runs runs/ner --where state=done --where 'dev.micro_f1>0.8' --sort dev.micro_f1 --reverse

    Example: loreweave runs runs/ner --tensorboard board    # then: tensorboard --logdir board

    Example: loreweave runs --column run --column optimizer.learning_rate --column test.micro_f1
    """
    from loreweave.corpus.files.writing import check_free
    from loreweave.experiments.runs.listing import Condition
    from loreweave.experiments.runs.table import list_runs

    table = list_runs(
        folders or [_DEFAULT], [Condition.parse(text) for text in where or []],
        sort=sort, reverse=reverse, columns=columns or [], width=window_width(),
    )  # fmt: skip
    if output is not None:
        table.write(output)
        say(f"wrote {output}")
    if tensorboard is not None:
        check_free(tensorboard, overwrite=False)
        table.write_event_files(tensorboard)
        for line in table.left_out():
            say(line)
        say(f"wrote {tensorboard}")
    if as_json:
        show_json(table.rows)
        return
    show_table(table.columns, table.cells())
    for line in table.notes():
        say(line)
