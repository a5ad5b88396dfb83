"""Files of predictions, of ours and of other systems: rows with or without ids, put beside the gold records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from loreweave.corpus.files import open_text, read_json_lines
from loreweave.errors import DataError
from loreweave.tasks.record_files import describe_skipped, first_character
from loreweave.tasks.registry import Record, Task
from loreweave.training.inference import Evaluation

V = TypeVar("V")


@dataclass(frozen=True)
class Prediction(Generic[V]):
    """One row: where it stands, whose it is (None where the file goes by order), and what it says."""

    line: int
    id: str | None
    value: V


def json_predictions(path: Path, value: Callable[[Mapping[str, Any]], V]) -> list[Prediction[V]]:
    """Rows of JSON Lines; `id` may be absent.

    Raises:
        DataError: names the line where `value` refuses a row.
    """
    found = []
    for line, row in read_json_lines(path):
        try:
            found.append(Prediction(line, str(row["id"]) if "id" in row else None, value(row)))
        except DataError as error:
            raise DataError(error.message, path=path, line=line, field=error.field) from None
    return found


def label_predictions(path: Path) -> list[Prediction[str]]:
    """Lines of `id<TAB>label` (SemEval), or of one label each (TACRED); the first says which."""
    with open_text(path) as file:
        rows = [(number, line.strip().split("\t")) for number, line in enumerate(file, 1) if line.strip()]
    width = len(rows[0][1]) if rows else 1
    for number, cells in rows:
        if len(cells) != width or width > 2:
            expected = "one label" if width == 1 else "id<TAB>label"
            raise DataError(f"found {len(cells)} columns, expected {expected}", path=path, line=number)
    return [Prediction(number, cells[0] if width == 2 else None, cells[-1]) for number, cells in rows]


def beside(rows: Sequence[Prediction[V]], records: Sequence[Record], path: Path) -> tuple[list[V | None], list[str]]:
    """A prediction for each record, and notes about those that have none.

    Rows go by id where all have one, else by order.

    Raises:
        DataError: an id twice or of no record, or rows without ids that are not as many as the records.
    """
    ids = [record.id for record in records]
    if [row.id for row in rows] == ids:  # also where ids repeat
        return [row.value for row in rows], []
    if any(row.id is None for row in rows):
        if len(rows) != len(records):
            expected = f"expected one for each of {len(records)} records"
            raise DataError(f"found {len(rows)} predictions without ids, {expected}", path=path)
        return [row.value for row in rows], []
    if len(set(ids)) != len(ids):
        raise DataError("found gold records with the same id, so predictions must be all of them, in their order", path=path)
    known, given = set(ids), dict[str, V]()
    for row in rows:
        assert row.id is not None
        if row.id not in known or row.id in given:
            problem = "a second prediction for" if row.id in given else "no gold record with"
            raise DataError(f"found {problem} the id {row.id!r}", path=path, line=row.line, field="id")
        given[row.id] = row.value
    missing = [id for id in ids if id not in given]
    notes = [f"{len(missing)} of {len(ids)} records have no prediction and count as wrong: {_some(missing)}"] if missing else []
    return [given.get(id) for id in ids], notes


def holds_json(path: Path) -> bool:
    """Whether a file of predictions is JSON Lines.

    Raises:
        DataError: it is empty.
    """
    first = first_character(path)
    if not first:
        raise DataError("found an empty file, expected predictions", path=path)
    return first == "{"


def score_file(
    task: Task[Any],
    gold: Path,
    predictions: Path,
    *,
    format: str | None = None,
    skip_bad: bool = False,
    report: Callable[[str], None] = print,
) -> tuple[Evaluation, dict[str, Any]]:
    """Score any system's predictions with a task's official metrics.

    Returns:
        The evaluation, and what `results.json` says.

    Raises:
        DataError: see `beside`; or the gold file cannot be read.
    """
    read = task.read(gold, format, skip_bad)
    for line in describe_skipped(read, gold):
        report(line)
    if not read.records:
        raise DataError("found no record to score", path=gold)
    evaluation = task.score_predictions(read.records, predictions)
    for note in evaluation.notes:
        report(note)
    results = {"task": task.name, "gold": str(gold), "predictions": str(predictions), "records": len(read.records)}
    results |= {"skipped": dict(read.skipped), "left_out": read.left_out, "notes": evaluation.notes}
    return evaluation, results | {**evaluation.metrics, **evaluation.tables}


def _some(names: Sequence[str], shown: int = 5) -> str:
    return ", ".join(names[:shown]) + (", ..." if len(names) > shown else "")
