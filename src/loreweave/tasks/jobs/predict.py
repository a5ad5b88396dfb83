"""`loreweave predict`, for any task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import Execution, Task
from loreweave.tasks.jobs.queries import Answerer
from loreweave.tasks.jobs.settings import fill_settings
from loreweave.training.settings.configuration import Override


def open_task(
    task: Task,
    model: Path,
    data: Path | None = None,
    *,
    settings: Sequence[Override] = (),
    values: Mapping[str, Any] | None = None,
    execution: Execution | None = None,
    data_option: str = "--data",
) -> Answerer:
    """Load a checkpoint for answering queries.

    Args:
        data: data of the queries, if the task needs them (a graph, a support set).
        settings: `key=value` that fill `task.prediction`.
        values: values of these settings that `settings` override.
        execution: settings of the job.
        data_option: name of `data` where the user gives them, for messages.

    Raises:
        ConfigurationError: a wrong setting or option; or data are given for a task without data, or missing for one with data.
        LoreweaveError: see the task.
    """
    execution = execution or Execution()
    filled = fill_settings(task, task.prediction, "predict", values or {}, settings)
    if data is None and task.prediction_data is not None:
        raise ConfigurationError(f"{task.name} needs {data_option}, {task.prediction_data}")
    if data is not None and task.prediction_data is None:
        raise ConfigurationError(f"predict {task.name} has no {data_option}")
    if data is None and execution.reading.skip_bad:
        raise ConfigurationError(f"predict {task.name} has no --skip-bad: the answer to a bad query has its error")
    task.refuse_options(execution)
    return task.predict(model, data, filled, execution)
