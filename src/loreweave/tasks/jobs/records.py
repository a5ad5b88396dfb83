"""Jobs of tasks on records: evaluate a checkpoint on a file, and answer queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from loreweave.errors import DataError, records_of
from loreweave.tasks.contract import Execution
from loreweave.tasks.jobs.checkpoints import load_checkpoint_of
from loreweave.tasks.jobs.known_labels import read_known
from loreweave.tasks.jobs.queries import Answerer, Row
from loreweave.tasks.record_task import RecordTask, last_argument
from loreweave.training.devices import choose_device
from loreweave.training.evaluation import Evaluation, Outputs
from loreweave.training.inference import move, run_model
from loreweave.training.task_model import TaskModel


def evaluate_records(
    parts: RecordTask[Any], model: Path, data: Path, settings: Any, execution: Execution
) -> tuple[Evaluation, dict[str, Any]]:
    """See `contract.Task.evaluate`.

    Raises:
        LoreweaveError: the data or the model cannot be read, or there is no record to score.
    """
    training, reading, report = parts.training, execution.reading, execution.report
    loaded = load_checkpoint_of(training, model, execution.base, execution.labels)
    chosen = loaded.decision()
    loaded.configure(settings)
    read = read_known(training, data, reading, loaded.labels, report)
    if not read.records:
        raise DataError("found no record to score", path=data)
    for name, value in loaded.decision().items():
        origin = "chosen on the dev data of the training" if chosen.get(name) == value else "given"
        report(f"{name} {value:g}, {origin}")
    move(loaded.model, choose_device(execution.device))
    with records_of(data):
        outputs = outputs_of(loaded, read.records, execution.batch_size, execution.precision, execution.advance)
    score = loaded.scorer or training.score
    assert score is not None, "every task on records has one"
    evaluation = score(read.records, outputs, loaded.labels, *last_argument(settings))
    facts = {"name": data.name.partition(".")[0], "records": len(read.records), "skipped": dict(read.skipped)}
    facts |= {"left_out": read.left_out, "dropped": dict(read.dropped), "encoding": loaded.encoding.report()}
    facts |= loaded.decision()
    return evaluation, facts


def answerer_for_records(parts: RecordTask[Any], model: Path, settings: Any, execution: Execution) -> Answerer:
    """See `contract.Task.predict`.

    Raises:
        CheckpointError: there is no checkpoint, or it is that of another task.
    """
    loaded = load_checkpoint_of(parts.training, model, execution.base, execution.labels)
    loaded.configure(settings)
    move(loaded.model, choose_device(execution.device)).eval()
    return answerer_of(parts, loaded, execution.batch_size, execution.precision, execution.report)


def answerer_of(
    parts: RecordTask[Any],
    loaded: TaskModel,
    batch_size: int = 32,
    precision: str = "fp32",
    report: Callable[[str], None] | None = None,
) -> Answerer:
    """Answers queries with a loaded model; `report` is called with what was truncated."""

    def read(row: Row, id: str) -> list[Any]:
        records = parts.query(row, id)
        if not records:
            raise DataError("found nothing to predict")
        return records

    def of_outputs(records: Sequence[Any], outputs: Outputs) -> list[dict[str, Any]]:
        return (loaded.answerer or parts.answer)(records, outputs, loaded.labels)

    def answer(asked: list[list[Any]]) -> list[list[dict[str, Any]]]:
        records = [record for group in asked for record in group]
        outputs = outputs_of(loaded, records, batch_size, precision)
        answers = iter(of_outputs(records, outputs))
        return [list(islice(answers, len(group))) for group in asked]

    def finish() -> None:
        if report is not None and loaded.encoding.report():
            report(f"encoding: {loaded.encoding.report()}")

    return Answerer(read, answer, finish, loaded, of_outputs)


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
