"""`loreweave.score`, which the command of the same name calls with its options. It loads no model, and starts fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loreweave.tasks.contract import Execution
from loreweave.tasks.files.results import check_results_folder, replacing, save_results
from loreweave.tasks.jobs.evaluate import EvaluationResult, score_task
from loreweave.tasks.jobs.options import Names, Place, Report, file_of, reading_of
from loreweave.tasks.registry import load_task
from loreweave.training.settings.configuration import overrides_of


def score(
    task: str,
    *overrides: str,
    gold: Place,
    predictions: Place,
    output: Place | None = None,
    format: str | None = None,
    tag_names: Names | None = None,
    skip_bad: bool = False,
    overwrite: bool = False,
    report: Report = print,
    **settings: Any,
) -> EvaluationResult:
    """Score the predictions of any system with the official metrics of a task, as `loreweave score` does; no model is needed.

    Args:
        task: name of the task (`loreweave tasks`).
        overrides: settings as in the shell, such as `"mentions=found"`.
        gold: file with the gold labels, in any format of the task.
        predictions: file with the predictions, in a layout that `loreweave tasks TASK` describes.
        output: folder for `results.json` and `predictions/`.
        format: format of the gold file. Default: recognised.
        tag_names: names of tags that are numbers in the data, or the file that holds them.
        skip_bad: leave out bad records and count them.
        overwrite: replace the results in the output folder.
        report: called with what the user should know, a line at a time.
        settings: settings of scoring (`loreweave tasks TASK`).

    Raises:
        LoreweaveError: wrong settings, files that cannot be read, or predictions that do not belong to the gold data.

    Example:
        >>> score("ner", gold="test.conll", predictions="answers.jsonl").metrics["micro_f1"]  # doctest: +SKIP
    """
    if output is not None:
        check_results_folder(Path(output), overwrite)
    file = file_of(gold, "gold")
    evaluation, results = score_task(
        load_task(task), file, file_of(predictions, "predictions"), settings=[*overrides, *overrides_of(settings)],
        execution=Execution(reading=reading_of(format, skip_bad, tag_names), report=report),
    )  # fmt: skip
    if output is not None:
        with replacing(Path(output)):
            save_results(Path(output), file.name.partition(".")[0], evaluation, results)
    return EvaluationResult(evaluation, results)
