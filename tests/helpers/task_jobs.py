"""Jobs of tasks as tests call them: quiet, on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from loreweave.tasks.contract import Execution, Reading, Task
from loreweave.tasks.jobs.evaluate import evaluate_task, score_task
from loreweave.tasks.jobs.records import answerer_of
from loreweave.tasks.record_task import RecordTask
from loreweave.tasks.registry import TASKS
from loreweave.training.evaluation import Evaluation
from loreweave.training.task_model import TaskModel


def silent(line: str) -> None:
    """Hears nothing."""


def evaluate(
    task: Task,
    model: Path,
    data: Path,
    *,
    settings: Sequence[str] = (),
    skip_bad: bool = False,
    batch_size: int = 32,
    output: Path | None = None,
    overwrite: bool = False,
    report: Callable[[str], None] = silent,
) -> tuple[Evaluation, dict[str, Any]]:
    """`evaluate_task` on a CPU."""
    execution = Execution(device="cpu", batch_size=batch_size, reading=Reading(skip_bad=skip_bad), report=report)
    return evaluate_task(task, model, data, settings=settings, execution=execution, output=output, overwrite=overwrite)


def score(
    task: Task, gold: Path, predictions: Path, *, report: Callable[[str], None] = silent
) -> tuple[Evaluation, dict[str, Any]]:
    """`score_task` that tells `report`."""
    return score_task(task, gold, predictions, execution=Execution(report=report))


def parts_of(task: Task) -> RecordTask[Any]:
    """What a task on records declares."""
    parts: RecordTask[Any] = import_module(TASKS[task.name].module).PARTS
    return parts


def predict_rows(
    task: Task, loaded: TaskModel, rows: Iterable[tuple[str, Mapping[str, Any]]], *, batch_size: int = 32, block: int = 1024
) -> Iterator[dict[str, Any]]:
    """Answers of a loaded model to JSON objects."""
    yield from answerer_of(parts_of(task), loaded, batch_size)(rows, block)
