"""Tasks on records: what they declare, and the jobs that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from loreweave.corpus.counts import counted
from loreweave.corpus.files.read_result import R, ReadResult
from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.records import describe_skipped
from loreweave.errors import DataError
from loreweave.tasks.contract import OPTIONS, Execution, NoSettings, QueryFiles, Task, Training
from loreweave.tasks.deferred import Deferred

if TYPE_CHECKING:
    from loreweave.tasks.jobs.queries import Answerer
    from loreweave.training.evaluation import Evaluation, Outputs

Rows = Callable[[str, Sequence[tuple[int, int]]], list[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class RecordTask(Generic[R]):
    """Declaration of a task on records in addition to its training.

    Attributes:
        training: reading of records and training on them.
        query: one JSON object of `loreweave predict` and its id -> records of the query.
        answer: (records, outputs, labels) -> one JSON object per record, with character offsets and probabilities.
        score_predictions: (gold records, a file of any system's predictions) -> metrics and predictions.
        evaluation: settings of `evaluate`. If there are any, `training.score` takes them as its last argument.
        prediction: settings of `predict`, which `TaskModel.configure` receives.
        scoring: settings of `score`. If there are any, `score_predictions` takes them as its last argument.
        read_gold: `training.read` for `score_predictions`, if that also accepts files of gold labels only.
        pair_row: see `contract.Task`.
        query_files: see `contract.Task`.
    """

    training: Training[R]
    query: Callable[[Mapping[str, Any], str], list[R]]
    answer: Callable[[Sequence[R], Outputs, Sequence[str]], list[dict[str, Any]]]
    score_predictions: Callable[..., Evaluation]
    evaluation: type = NoSettings
    prediction: type = NoSettings
    scoring: type = NoSettings
    read_gold: Callable[[Path, str | None, bool], ReadResult[Any]] | None = None
    pair_row: Callable[[str, str], dict[str, Any]] | None = None
    query_files: QueryFiles | None = None


def task_of_records(
    parts: RecordTask[Any],
    *,
    summary: str,
    asks: tuple[str, ...],
    architectures: tuple[str, ...],
    usage: Mapping[str, str] | None = None,
    options: tuple[str, ...] | None = None,
) -> Task:
    """A task with the jobs that all tasks on records share.

    Args:
        parts: declaration of the task.
        summary: one line.
        asks: fields of a query, by which texts with mentions become queries (see `text_rows`, `mention_rows`, `pair_rows`).
        usage: see `contract.Task`.
        architectures: names in a checkpoint's `config.json` that stand for this task, or patterns (`*ForThis`).
        options: options of the commands that the task takes. None: all of `OPTIONS`; `tag_names` only with `read_numbers`.
    """
    training = parts.training
    if options is None:
        options = OPTIONS if training.read_numbers is not None else tuple(name for name in OPTIONS if name != "tag_names")
    return Task(
        name=training.name,
        summary=summary,
        metric=training.metric,
        metrics=training.metrics,
        asks=asks,
        recognises=partial(has_architecture, architectures),
        evaluate=partial(_evaluate, parts),
        predict=partial(_predict, parts),
        score=partial(_score, parts),
        evaluation=parts.evaluation,
        prediction=parts.prediction,
        scoring=parts.scoring,
        options=options,
        rows=_ROWS.get(asks),
        usage=usage or {},
        pair_row=parts.pair_row,
        query_files=parts.query_files,
        training=training,
    )


def last_argument(settings: Any) -> tuple[Any, ...]:
    """The settings as the last argument of a scorer; nothing if there are none."""
    return () if isinstance(settings, NoSettings) else (settings,)


def has_architecture(architectures: Sequence[str], folder: Path) -> bool:
    """Whether `config.json` of a model's folder names one of the architectures."""
    if not (folder / "config.json").is_file():
        return False
    names = read_json(folder / "config.json").get("architectures") or []
    return any(fnmatchcase(name, pattern) for name in names for pattern in architectures)


def _evaluate(
    parts: RecordTask[Any], model: Path, data: Path, settings: Any, execution: Execution
) -> tuple[Evaluation, dict[str, Any]]:
    found: tuple[Evaluation, dict[str, Any]] = Deferred("loreweave.tasks.jobs.records:evaluate_records")(
        parts, model, data, settings, execution
    )
    return found


def _predict(parts: RecordTask[Any], model: Path, data: Path | None, settings: Any, execution: Execution) -> Answerer:
    found: Answerer = Deferred("loreweave.tasks.jobs.records:answerer_for_records")(parts, model, settings, execution)
    return found


def _score(
    parts: RecordTask[Any], gold: Path, predictions: Path, settings: Any, execution: Execution
) -> tuple[Evaluation, dict[str, Any]]:
    """Score a file of predictions; no model is needed, so there are no heavy imports."""
    reading = execution.reading
    if parts.read_gold is not None:
        read: ReadResult[Any] = parts.read_gold(gold, reading.format, reading.skip_bad)
    else:
        read = parts.training.records(gold, reading)
    for line in describe_skipped(read, gold):
        execution.report(line)
    if not read.records:
        raise DataError("found no record to score", path=gold)
    evaluation = parts.score_predictions(read.records, predictions, *last_argument(settings))
    return evaluation, {"records": len(read.records), "skipped": dict(read.skipped), "left_out": read.left_out}


def text_rows(text: str, mentions: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """The query of a text, for a task that takes no mentions.

    Raises:
        DataError: mentions are given.
    """
    if mentions:
        raise DataError("found mentions, expected none: a query of this task is a text alone", field="mentions")
    return [{"text": text}]


def mention_rows(text: str, mentions: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """A query for each mention of a text."""
    return [{"id": f"{start}-{end}", "text": text, "start": start, "end": end} for start, end in mentions]


def pair_rows(text: str, mentions: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """The query about the head and the tail of a text, in this order; none without mentions.

    Raises:
        DataError: the number of mentions is not two.
    """
    if not mentions:
        return []
    if len(mentions) != 2:
        raise DataError(f"found {counted(len(mentions), 'mention')}, expected two: head and tail", field="mentions")
    head, tail = ({"start": start, "end": end} for start, end in mentions)
    return [{"text": text, "head": head, "tail": tail}]


_ROWS: dict[tuple[str, ...], Rows] = {
    ("text",): text_rows,
    ("text", "start", "end"): mention_rows,
    ("text", "head", "tail"): pair_rows,
}
