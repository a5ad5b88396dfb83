"""`loreweave evaluate`: scores a checkpoint on a task's data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import progress, say, say_written, show_evaluation, show_json
from loreweave.cli.help import AnyTask
from loreweave.cli.options import (
    Base,
    Checkpoint,
    Device,
    Labels,
    OverwriteResults,
    ResultsAsJson,
    ResultsFolder,
    SkipBad,
    TagNamesOption,
    TaskSettings,
)
from loreweave.cli.precision import PrecisionOption
from loreweave.corpus.counts import counted

Data = Annotated[
    Path,
    typer.Option("--data", help="File to score on; the folder of a graph for link-prediction, or episodes for few-shot tasks."),
]
EvaluationRecipe = Annotated[str | None, typer.Option("--recipe", help="Recipe whose evaluation settings are used.")]


def command(
    task: AnyTask,
    model: Checkpoint,
    data: Data,
    settings: TaskSettings = None,
    recipe: EvaluationRecipe = None,
    format: Annotated[str | None, typer.Option("--format", help="Format of the file. Default: recognised.")] = None,
    base: Base = None,
    labels: Labels = None,
    tag_names: TagNamesOption = None,
    device: Device = None,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, help="Number of records (or full-length texts) per batch.")
    ] = 32,
    precision: PrecisionOption = "fp32",
    skip_bad: SkipBad = False,
    output: ResultsFolder = None,
    overwrite: OverwriteResults = False,
    as_json: ResultsAsJson = False,
) -> None:
    """Score a checkpoint on a task; no training data is needed.

    'loreweave tasks TASK' describes --data for a task, and lists its metrics and its settings with their defaults.

    Example: loreweave evaluate entity-typing --model runs/typing --data data/open_entity/test.json

    Example: loreweave evaluate link-prediction --model runs/kepler --data graphs/wn18rr protocol=transductive cache=cache

    Example: loreweave evaluate fact-probing --model roberta-base --data LAMA/data/TREx candidates=objects

    Example: loreweave evaluate few-shot-ner --model runs/few-shot --data episodes.jsonl fine_tune=true viterbi=true

    Example: loreweave evaluate few-shot-relation --model runs/relations --data val_wiki.json way=5 shot=1 episodes=1000
    """
    from loreweave.tasks.jobs.by_name import evaluate
    from loreweave.tasks.registry import load_task

    with progress("scoring") as advance:
        found = evaluate(
            task, model, *(settings or []), data=data, output=output, recipe=recipe, format=format, base=base, labels=labels,
            tag_names=tag_names, device=device, batch_size=batch_size, precision=precision, skip_bad=skip_bad,
            overwrite=overwrite, report=say, advance=advance,
        )  # fmt: skip
    say_written(output)
    if as_json:
        show_json(found.results)
        return
    counts = counted(found.results["records"], load_task(task).counts)
    show_evaluation(found.metrics, found.evaluation.tables, title=f"{task}, {counts}")
