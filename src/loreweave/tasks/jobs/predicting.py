"""What a fine-tuned model says of records, and what answers the queries of its task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from loreweave.errors import DataError
from loreweave.tasks.jobs.queries import BLOCK, Answerer, Row
from loreweave.tasks.registry import Task, TaskModel
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import run_model


def answerer_of(
    task: Task[Any],
    loaded: TaskModel,
    batch_size: int = 32,
    precision: str = "fp32",
    report: Callable[[str], None] | None = None,
) -> Answerer:
    """What answers the queries of a task that models are fine-tuned for; `report` is told what was cut."""

    def read(row: Row, id: str) -> list[Any]:
        records = task.query(row, id)
        if not records:
            raise DataError("found nothing to predict")
        return records

    def answer(asked: list[list[Any]]) -> list[list[dict[str, Any]]]:
        records = [record for group in asked for record in group]
        outputs = outputs_of(loaded, records, batch_size, precision)
        answers = iter((loaded.answerer or task.answer)(records, outputs, loaded.labels))
        return [list(islice(answers, len(group))) for group in asked]

    def finish() -> None:
        if report is not None and loaded.encoding.report():
            report(f"encoding: {loaded.encoding.report()}")

    return Answerer(read, answer, finish)


def predict_rows(
    task: Task[Any],
    loaded: TaskModel,
    rows: Iterable[tuple[str, Row]],
    *,
    block: int = BLOCK,
    batch_size: int = 32,
    precision: str = "fp32",
) -> Iterator[dict[str, Any]]:
    """Answer JSON objects in their order, a block at a time; see `Answerer.__call__`."""
    yield from answerer_of(task, loaded, batch_size, precision)(rows, block)


def outputs_of(
    loaded: TaskModel,
    records: Sequence[Any],
    batch_size: int = 32,
    precision: str = "fp32",
    advance: Callable[[int], object] | None = None,
) -> Outputs:
    """A model's outputs, one array per record."""
    encoding = loaded.encoding
    examples = encoding.encode(records)
    outputs = run_model(
        loaded.model, examples, encoding.collate, encoding.unpack,
        batch_size=batch_size, precision=precision, advance=advance,
    )  # fmt: skip
    return encoding.join(examples, outputs)
