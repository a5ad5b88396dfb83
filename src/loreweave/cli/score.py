"""`loreweave score`: scores any system's predictions with the official metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loreweave.cli.console import say, say_written, show_evaluation, show_json
from loreweave.cli.help import AnyTask
from loreweave.cli.options import OverwriteResults, ResultsAsJson, ResultsFolder, SkipBad, TagNamesOption, TaskSettings
from loreweave.corpus.counts import counted


def command(
    task: AnyTask,
    gold: Annotated[Path, typer.Option("--gold", help="File with the gold labels, in any format of the task.")],
    predictions: Annotated[Path, typer.Option("--predictions", help="File with the predictions, see below.")],
    settings: TaskSettings = None,
    format: Annotated[str | None, typer.Option("--format", help="Format of the gold file. Default: recognised.")] = None,
    tag_names: TagNamesOption = None,
    skip_bad: SkipBad = False,
    output: ResultsFolder = None,
    overwrite: OverwriteResults = False,
    as_json: ResultsAsJson = False,
) -> None:
    """Score the predictions of any system with the official metrics of a task; no model is needed.

    Predictions are JSON Lines with "predicted", as loreweave writes them: predictions/test.jsonl of a run,
    predictions/*.jsonl of an evaluation, or the output of 'loreweave predict'. 'loreweave tasks TASK' describes
    "predicted", the other layouts that can be read, and the settings.

    If the rows have ids, some records can be without a row; these count as wrong. Rows with an id that is not in the gold file
    are not scored. Both are reported. If the rows have no ids, there must be one row per record, in the order of the records.

    Example: loreweave score relation-classification --gold TEST_FILE_FULL.TXT --predictions answers.txt

    Example: loreweave score relation-classification --gold dev.json --predictions result.json train=train_annotated.json
    """
    from loreweave.tasks.jobs.score import score
    from loreweave.tasks.registry import load_task

    found = score(
        task, *(settings or []), gold=gold, predictions=predictions, output=output, format=format, tag_names=tag_names,
        skip_bad=skip_bad, overwrite=overwrite, report=say,
    )  # fmt: skip
    say_written(output)
    if as_json:
        show_json(found.results)
        return
    counts = counted(found.results["records"], load_task(task).counts)
    show_evaluation(found.metrics, found.evaluation.tables, title=f"{task}, {counts}")
