"""Predictions of runs that cannot be read: they are found before a report is drawn, so that one run does not stop it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from loreweave.corpus.files.reading import read_json_lines
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError
from loreweave.experiments.report.outputs import class_outputs
from loreweave.experiments.report.parts import Part, Table
from loreweave.experiments.report.prediction_rows import around, has_gold, is_right, short
from loreweave.experiments.report.trials import read_trial
from loreweave.experiments.runs.recorded import NotReadable, RecordedRun
from loreweave.training.runs.record import TRIAL_FILE

TITLE = "Files that cannot be read"
NAME = "not_readable"
_SPLITS = ("dev", "test")
_CAPTION = (
    "Runs whose record cannot be read are left out of all means and figures. Runs whose predictions of a split cannot be "
    "read keep their scores. Only the figures about predictions leave these runs out."
)


def checked(run: RecordedRun) -> RecordedRun:
    """A run without the predictions that cannot be read; `not_readable` says which, and `error` says why.

    A broken `trial.json` is named, too: the run then counts as one of no search.
    """
    if run.state != "done":
        return run
    try:
        read_trial(run)
    except (DataError, OSError) as error:
        run = _noted(run, NotReadable.of(error, run.path / TRIAL_FILE))
    for split in _SPLITS:
        run = _without(run, split, ".jsonl", check_rows)
        run = _without(run, split, ".npz", class_outputs)
    return run


def check_rows(run: RecordedRun, split: str) -> None:
    """Read all predictions of a split as figures and comparisons do.

    Raises:
        DataError: names the file and the line of a prediction that cannot be read.
    """
    path = run.predictions_path(split, ".jsonl")
    for line, row in read_json_lines(path) if path is not None else ():
        for name, kind, expected in _FIELDS:
            value = row.get(name)
            if value is not None and not isinstance(value, kind):
                raise DataError(f"found {in_json(value)}, expected {expected}", path=path, line=line, field=name)
        try:
            around(row)
            if has_gold(row):
                is_right(row)
            short(row.get("gold"), row), short(row.get("predicted"), row)
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
            raise DataError(f"found a prediction of an unknown layout ({error})", path=path, line=line) from None


_FIELDS: Sequence[tuple[str, type | tuple[type, ...], str]] = (
    ("id", (str, int), "a text or a number"),
    ("text", str, "a text"),
    ("tokens", list, "a list"),
)
"""Fields that predictions of all tasks have, as far as they have them."""


def not_readable_part(runs: Sequence[RecordedRun]) -> Part | None:
    """A row for each file that cannot be read; None if all can."""
    rows: list[list[object]] = [
        [str(run.path), str(broken.path), broken.line, broken.reason] for run in runs for broken in run.not_readable
    ]
    return Part(TITLE, _CAPTION, tables=[Table(NAME, ["run", "file", "line", "reason"], rows)]) if rows else None


def _without(run: RecordedRun, split: str, ending: str, read: Callable[[RecordedRun, str], object]) -> RecordedRun:
    """The run without the predictions of a split if they cannot be read."""
    path = run.predictions_path(split, ending)
    if path is None:
        return run
    try:
        read(run, split)
    except (DataError, OSError) as error:
        return _noted(run, NotReadable.of(error, path))
    return run


def _noted(run: RecordedRun, broken: NotReadable) -> RecordedRun:
    why = "; ".join([*([run.error] if run.error else []), f"not readable: {broken}"])
    return replace(run, not_readable=(*run.not_readable, broken), error=why)
