"""What the commands do with a task that a pre-trained model does as it is: evaluate, predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.tasks.files.results import check_results_folder, save_results
from loreweave.tasks.jobs.jobs import is_writer
from loreweave.tasks.jobs.queries import Answerer
from loreweave.tasks.registry import Execution, PretrainedTask
from loreweave.training.evaluation import Evaluation
from loreweave.training.settings.configuration import fill, to_dict


def evaluate_pretrained(
    task: PretrainedTask,
    model: Path,
    data: Path,
    settings: Sequence[str] = (),
    execution: Execution | None = None,
    *,
    recipe: Mapping[str, Any] | None = None,
    output: Path | None = None,
    overwrite: bool = False,
) -> tuple[Evaluation, dict[str, Any]]:
    """Score a checkpoint on a task that it was not fine-tuned for.

    Args:
        settings: `key=value` that fill `task.evaluation`.
        recipe: values that the settings go over.
        execution: how the model runs; by default on an accelerator, in fp32.

    Returns:
        The evaluation, and what `results.json` in `output` says.

    Raises:
        ConfigurationError: a wrong setting; or `output` holds a run, or results (and `overwrite` is off).
        LoreweaveError: see `PretrainedTask`.
    """
    asked: Any = fill(task.evaluation, recipe or {}, settings)
    if output is not None:
        check_results_folder(output, overwrite)
    evaluation, facts = task.evaluate(model, data, asked, execution or Execution())
    results = {"task": task.name, "model": str(model), "data": str(data), "settings": to_dict(asked), **facts}
    results |= {**evaluation.metrics, **evaluation.tables}
    if output is not None and is_writer():
        save_results(output, str(facts["name"]), evaluation, results)
    return evaluation, results


def open_pretrained(
    task: PretrainedTask, model: Path, data: Path, settings: Sequence[str] = (), execution: Execution | None = None
) -> Answerer:
    """What answers queries about `data` by a checkpoint; `settings` are `key=value` that fill `task.prediction`.

    Raises:
        ConfigurationError: a wrong setting.
        LoreweaveError: see `PretrainedTask`.
    """
    return task.predict(model, data, fill(task.prediction, {}, settings), execution or Execution())
