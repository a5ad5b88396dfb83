"""`loreweave evaluate`: a fine-tuned checkpoint on a data file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import progress, say, show_json, show_table
from loreweave.tasks.registry import TASKS


def command(
    task: Annotated[str, typer.Argument(help=f"The task: {', '.join(TASKS)}.")],
    model: Annotated[
        Path, typer.Option("--model", help="A fine-tuned checkpoint: of a run, of Hugging Face, or a released file.")
    ],
    data: Annotated[Path, typer.Option("--data", help="The file to score on.")],
    format: Annotated[str | None, typer.Option("--format", help="Format of the file; by default recognised.")] = None,
    base: Annotated[
        str | None, typer.Option("--base", help="Folder of the encoder that a released old file was made from.")
    ] = None,
    device: Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, mps.")] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Records a batch.")] = 32,
    precision: Annotated[str, typer.Option("--precision", help="fp32, bf16 or fp16.")] = "fp32",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad records out and count them.")] = False,
    output: Annotated[Path | None, typer.Option("--output", help="Folder for results.json and predictions/.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results in the output folder.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results alone on standard output.")] = False,
) -> None:
    """Score a fine-tuned checkpoint on a data file; no training data is needed.

    Example: loreweave evaluate entity-typing --model runs/typing --data data/open_entity/test.json
    """
    from loreweave.tasks.jobs import evaluate_task
    from loreweave.tasks.registry import load_task

    with progress("scoring") as advance:
        evaluation, results = evaluate_task(
            load_task(task), model, data, format=format, base=base, skip_bad=skip_bad, device=device,
            batch_size=batch_size, precision=precision, output=output, overwrite=overwrite, report=say, advance=advance,
        )  # fmt: skip
    if as_json:
        show_json(results)
        return
    for title, rows in evaluation.tables.items():
        if rows:
            show_table(list(rows[0]), [list(row.values()) for row in rows], title=title)
    show_table(("metric", "value"), list(evaluation.metrics.items()), title=f"{task}, {results['records']} records")
