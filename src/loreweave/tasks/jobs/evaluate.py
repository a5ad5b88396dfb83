"""`loreweave evaluate` and `loreweave score`, for any task."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loreweave.tasks.contract import Execution, NoSettings, Task
from loreweave.tasks.files.results import check_results_folder, recorded, save_results
from loreweave.tasks.jobs.settings import fill_settings
from loreweave.training.evaluation import Evaluation
from loreweave.training.precision import recorded_precision
from loreweave.training.runs.inputs import hashes_of
from loreweave.training.settings.configuration import Override, to_dict


@dataclass(frozen=True)
class EvaluationResult:
    """Numbers and predictions of a checkpoint, or of a file of predictions, on a task's data.

    Attributes:
        evaluation: metrics, predictions, tables, arrays and notes.
        results: content of `results.json`.
    """

    evaluation: Evaluation
    results: dict[str, Any]

    @property
    def metrics(self) -> dict[str, float]:
        """Numbers by their name in the field (`micro_f1`)."""
        return self.evaluation.metrics

    @property
    def predictions(self) -> list[dict[str, Any]]:
        """One object per record, as in `predictions/*.jsonl`."""
        return self.evaluation.predictions


def evaluate_task(
    task: Task,
    model: Path,
    data: Path,
    *,
    settings: Sequence[Override] = (),
    recipe: Mapping[str, Any] | None = None,
    execution: Execution | None = None,
    output: Path | None = None,
    overwrite: bool = False,
) -> tuple[Evaluation, dict[str, Any]]:
    """Score a checkpoint on a task's data; needs no training data.

    Args:
        settings: `key=value` that fill `task.evaluation`.
        recipe: values of these settings that `settings` override.
        execution: settings of the job. Default: on an accelerator if there is one, in fp32.
        output: folder for `results.json` and `predictions/`.
        overwrite: replace results in this folder.

    Returns:
        The evaluation, and the content of `results.json`.

    Raises:
        ConfigurationError: a wrong setting or option; or `output` holds a run, or results (and `overwrite` is off).
        LoreweaveError: see the task.
    """
    execution = execution or Execution()
    filled: Any = fill_settings(task, task.evaluation, "evaluate", recipe or {}, settings)
    task.refuse_options(execution)
    if output is not None:
        check_results_folder(output, overwrite)
    written = output if is_writer() else None
    config = _asked(task, model, filled, execution)
    with recorded(written, config, {"data": str(data)}, lambda: inputs_of_evaluation(model, data)):
        evaluation, facts = task.evaluate(model, data, filled, execution)
        if facts.get("encoding"):
            execution.report(f"encoding: {facts['encoding']}")
        for note in evaluation.notes:
            execution.report(note)
        _report_other_precision(model, execution)
        name = str(facts.pop("name"))
        results: dict[str, Any] = {"task": task.name, "model": str(model), "data": str(data)}
        results |= {} if task.evaluation is NoSettings else {"settings": to_dict(filled)}
        results |= {**facts, "notes": evaluation.notes, **evaluation.metrics, **evaluation.tables}
        if written is not None:
            save_results(written, name, evaluation, results)
    return evaluation, results


def inputs_of_evaluation(model: Path, data: Path) -> dict[str, Any]:
    """Hashes of the weights and of the data; the weights of a run are in its subfolder `model`."""
    return {"model": hashes_of(model / "model" if (model / "model").is_dir() else model), "data": hashes_of(data)}


def _asked(task: Task, model: Path, settings: Any, execution: Execution) -> dict[str, Any]:
    """Configuration of an evaluation for its record."""
    reading = execution.reading
    asked: dict[str, Any] = {"task": task.name, "model": str(model), "format": reading.format, "skip_bad": reading.skip_bad}
    asked |= {"tag_names": list(reading.tag_names)} if reading.tag_names else {}
    asked |= {"base": execution.base, "labels": execution.labels, "device": execution.device}
    asked |= {"precision": execution.precision, "batch_size": execution.batch_size}
    return asked | {"metric": task.metric, "settings": {} if task.evaluation is NoSettings else to_dict(settings)}


def _report_other_precision(model: Path, execution: Execution) -> None:
    """Say so if a run scored its own dev data in another number format."""
    run = model if (model / "model").is_dir() else model.parent
    trained = recorded_precision(run) if (run / "model").is_dir() else None
    if trained not in (None, execution.precision):
        execution.report(
            f"scored in {execution.precision}; the run scored its dev data in {trained}, so that the last digits can differ "
            f"(--precision {trained} scores as the run did)"
        )


def score_task(
    task: Task,
    gold: Path,
    predictions: Path,
    *,
    settings: Sequence[Override] = (),
    execution: Execution | None = None,
) -> tuple[Evaluation, dict[str, Any]]:
    """Score any system's predictions with a task's official metrics; needs no model.

    Args:
        settings: `key=value` that fill `task.scoring`.
        execution: settings of reading the files, and the function that receives messages.

    Returns:
        The evaluation, and the content of `results.json`.

    Raises:
        ConfigurationError: a wrong setting or option.
        DataError: a file cannot be read, or the predictions do not belong to the gold data.
    """
    execution = execution or Execution()
    filled: Any = fill_settings(task, task.scoring, "score", {}, settings)
    task.refuse_options(execution)
    evaluation, facts = task.score(gold, predictions, filled, execution)
    for note in evaluation.notes:
        execution.report(note)
    origin = {"task": task.name, "gold": str(gold), "predictions": str(predictions)}
    return evaluation, {**origin, **facts, "notes": evaluation.notes, **evaluation.metrics, **evaluation.tables}


def is_writer() -> bool:
    """Whether this is the only or the first of several processes."""
    return os.environ.get("RANK", "0") == "0"
