"""`loreweave predict`: JSON objects that ask, read from a file or a pipe and answered in their order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Any, TextIO

from loreweave.corpus.files import read_json_lines
from loreweave.errors import DataError
from loreweave.tasks.registry import Task, TaskModel
from loreweave.training.evaluation import Outputs
from loreweave.training.inference import run_model

_BLOCK = 1024
"""Queries of a file that `predict` answers together: enough for batches by length, few enough to stream."""


def predict_rows(
    task: Task[Any],
    loaded: TaskModel,
    rows: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    block: int = _BLOCK,
    batch_size: int = 32,
    precision: str = "fp32",
) -> Iterator[dict[str, Any]]:
    """Answer queries in their order, a block at a time.

    Args:
        rows: (place for error messages, JSON object).
        block: how many are read before they are answered; see `block_size`.

    Raises:
        DataError: names the place of a bad query; the answers before its block have been given.
    """
    stream = iter(rows)
    numbers = count(1)  # as readers number the records of a file
    while queries := list(islice(stream, block)):
        records: list[Any] = []
        for place, row in queries:
            try:
                records += task.query(row, str(next(numbers)))
            except DataError as error:
                raise DataError(f"{place}: {error}") from None
        yield from task.answer(records, outputs_of(loaded, records, batch_size, precision), loaded.labels)


def block_size(file: str, standard_input: TextIO, batch_size: int) -> int:
    """How many queries to read before they are answered: many of a file, a batch of a pipe, one of a terminal."""
    if file != "-":
        return _BLOCK
    return 1 if standard_input.isatty() else batch_size


def read_queries(file: str, standard_input: TextIO) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """JSON objects of a file, or of standard input for `-`, each with its place for messages.

    Raises:
        DataError: a line is not a JSON object.
    """
    if file != "-":
        for number, row in read_json_lines(file):
            yield f"{file}, line {number}", row
        return
    for number, line in enumerate(standard_input, 1):
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"found broken JSON ({error.msg})", path="standard input", line=number) from None
        if not isinstance(row, dict):
            raise DataError(f"found {row!r}, expected an object", path="standard input", line=number)
        yield f"standard input, line {number}", row


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
