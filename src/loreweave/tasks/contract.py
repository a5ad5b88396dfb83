"""Contract of a task: what the commands and the engine need to know about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol

from loreweave.corpus.files.read_result import R, ReadResult
from loreweave.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from loreweave.tasks.jobs.queries import Answerer
    from loreweave.training.evaluation import Evaluation
    from loreweave.training.settings.finetuning import FinetuningConfig
    from loreweave.training.task_model import TaskModel

OPTIONS = ("format", "skip_bad", "tag_names", "base", "labels")
"""Options of the commands that a task may accept or refuse; see `Task.options`."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Settings of reading data files.

    Attributes:
        format: name of the file format; None: recognised.
        skip_bad: leave out bad records and count them, instead of raising an error.
        tag_names: names of tags that are numbers in the files.
    """

    format: str | None = None
    skip_bad: bool = False
    tag_names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Settings of a job: loading and running the model, reading files, and callbacks.

    Attributes:
        device: `cpu`, `cuda`, `cuda:1`, `xpu`, `mps`; None: an accelerator if there is one.
        precision: fp32, bf16 or fp16; `training.precision.settle_precision` turns `auto` into one of them.
        batch_size: number of inputs per batch.
        base: encoder from which a released file in an older format was trained.
        labels: names of the model's classes, by number, instead of those of the checkpoint.
        reading: settings of reading data files.
        report: called with messages for the user, one line at a time.
        advance: called with the number of finished inputs, for a progress bar.
    """

    device: str | None = None
    precision: str = "fp32"
    batch_size: int = 32
    base: str | None = None
    labels: Sequence[str] | None = None
    reading: Reading = field(default_factory=Reading)
    report: Callable[[str], None] = print
    advance: Callable[[int], object] | None = None


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """Settings of a job without settings."""


@dataclass(frozen=True, kw_only=True)
class QueryFiles:
    """Files that `loreweave predict` reads for a task in addition to plain text and JSON: tables.

    Attributes:
        formats: names of the formats, without the columns that may follow (`table:text=review`).
        rows: (file, format or None) -> the fields of each query, or an error instead, with its place ("line 3").
    """

    formats: tuple[str, ...]
    rows: Callable[[Path, str | None], Iterator[tuple[str, Any]]]


class Loader(Protocol):
    """Loads a fine-tuned checkpoint of a task."""

    def __call__(self, path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> TaskModel:
        """The model; `base` of an older format, `labels` if the checkpoint does not name its classes."""


@dataclass(frozen=True, kw_only=True)
class Training(Generic[R]):
    """Reading of a task's records and training on them: everything that `loreweave finetune` and `check` need.

    Attributes:
        name: name of the task.
        config: settings of a run; the defaults are those of the paper.
        formats: file formats by name, with one line of help each; the reader also recognises them.
        splits: file stems of `train`, `dev` and `test` in a data folder.
        read: (path, format or None, skip bad records and count them) -> records.
        labels: all labels of records, in the order of the classes.
        mentions: a record -> its text and the characters of its mentions.
        build: (encoder folder or hub name, labels, settings) -> an untrained model for the task.
        load: loads a fine-tuned checkpoint.
        score: (records, one output per record, labels) -> metrics and predictions. None: training scores nothing, because the
            labels of the training data are not those of the evaluation (few-shot tasks).
        metric: dev metric that selects an epoch; larger is better.
        metrics: names of all metrics in `Evaluation.metrics`.
        dev_metrics: (settings, dev records) -> names of the metrics by which they can select an epoch; None: all of `metrics`.
        no_label: label for none of the others, if there is one.
        finds: for a task that predicts mentions, the key of an answer with them; None: they are given.
        read_numbers: `read` with the names of tags that are numbers in files; None: files have no such tags.
        words: a record -> the characters of its words; None: records have texts only.
        mention_labels: a record -> the label of each of its mentions; None: labels belong to the record.
        adapt: (settings, training records) -> the settings that fit such records; None: they stay as they are.
        as_model: (what was read, labels of a model) -> the same with labels as the model has them; None: they stay as they are.
        gold: key of the gold answer in the task's own JSON layout: a row of predictions whose `gold` has this name is data of
            the task again. None: rows of predictions are not data.
        unfit: (settings, a training record) -> the error of a record that does not fit the settings, without its place; None:
            it does.
        unscored: a record to score -> its error if it has no gold answer; None: it has one, or is left out of the scores.
        exclusive: (settings, labels) -> whether each record, or each mention, has exactly one label; None: it never has.
        options: options of `finetune` and `check` that the task accepts. None: those of the task.
    """

    name: str
    config: type[FinetuningConfig]
    formats: Mapping[str, str]
    splits: Mapping[str, tuple[str, ...]]
    read: Callable[[Path, str | None, bool], ReadResult[R]]
    labels: Callable[[Sequence[R]], list[str]]
    mentions: Callable[[R], tuple[str, Sequence[tuple[int, int]]]]
    build: Callable[[str, Sequence[str], Any], TaskModel]
    load: Loader
    score: Callable[..., Evaluation] | None = None
    metric: str = ""
    metrics: tuple[str, ...] = ()
    dev_metrics: Callable[[Any, Sequence[R]], Sequence[str]] | None = None
    no_label: str | None = None
    finds: str | None = None
    read_numbers: Callable[[Path, str | None, bool, Sequence[str]], ReadResult[R]] | None = None
    words: Callable[[R], Sequence[tuple[int, int]]] | None = None
    mention_labels: Callable[[R], Sequence[str]] | None = None
    adapt: Callable[[Any, Sequence[R]], Any] | None = None
    as_model: Callable[[ReadResult[R], Sequence[str]], ReadResult[R]] | None = None
    gold: str | None = None
    unfit: Callable[[Any, R], DataError | None] | None = None
    unscored: Callable[[R], DataError | None] | None = None
    exclusive: Callable[[Any, Sequence[str]], bool] | None = None
    options: tuple[str, ...] | None = None

    def cannot_learn(self, config: FinetuningConfig, labels: Sequence[str]) -> bool:
        """Whether all records have the same label, and no other answer is possible."""
        return len(labels) == 1 and self.exclusive is not None and self.exclusive(config, labels)

    def records(self, path: Path, reading: Reading) -> ReadResult[R]:
        """The records of a file.

        Raises:
            ConfigurationError: names of tags are given, but files of the task have no tags.
            DataError: names the file and the line.
        """
        if not reading.tag_names:
            return self.read(path, reading.format, reading.skip_bad)
        if self.read_numbers is None:
            raise ConfigurationError(f"{self.name} has no --tag-names: its files have no tags that could be numbers")
        return self.read_numbers(path, reading.format, reading.skip_bad, reading.tag_names)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task: every task is evaluated, predicted and scored; a task that learns has a `training`.

    Tasks on records (most of them) declare their parts to `record_task.task_of_records`, which gives them all jobs. Tasks on
    episodes or on a graph declare functions of their own.

    Attributes:
        name: name on the command line.
        summary: one line.
        metric: main metric; larger is better.
        metrics: names of all metrics in `Evaluation.metrics`.
        asks: fields of a query; a task that reads plain text has only `text`.
        recognises: whether a model's folder was trained for this task.
        evaluate: (checkpoint, data, `evaluation` settings, execution) -> metrics and predictions, and facts for `results.json`,
            among them `name` (of the data), `records` (their number) and, if it encodes texts, `encoding`: what was cut or did
            not fit, in words, which the command reports.
        predict: (checkpoint, data or None, `prediction` settings, execution) -> an object that answers queries.
        score: (gold data, file of predictions, `scoring` settings, execution) -> metrics and predictions, and facts for
            `results.json`, among them `records` and `skipped`.
        evaluation: settings of `evaluate`, a dataclass that `key=value` fills.
        prediction: settings of `predict`.
        scoring: settings of `score`.
        options: options of the commands that the task accepts; see `OPTIONS`, and `Training.options`.
        counts: noun for what `records` of the results counts, in the singular: "record", "episode".
        usage: command -> what a user needs to know about the task in it, shown by `loreweave tasks TASK`: what a query and an
            answer contain (`predict`), which layouts of predictions are read (`score`), which data (`evaluate`, `finetune`).
        prediction_data: data that `predict` needs in addition to the model ("the folder of a graph"); None: nothing.
        rows: (text, mentions as (start, end)) -> queries about them, for `Predictor.predict`.
        pair_row: (text, second text) -> the query about a pair, for `Predictor.predict`; None: a query has one text.
        query_files: tables that `predict` reads; None: only plain text and JSON.
        training: training of `loreweave finetune`; None: the task is only pre-trained for.
    """

    name: str
    summary: str
    metric: str
    metrics: tuple[str, ...]
    asks: tuple[str, ...]
    recognises: Callable[[Path], bool]
    evaluate: Callable[[Path, Path, Any, Execution], tuple[Evaluation, dict[str, Any]]]
    predict: Callable[[Path, Path | None, Any, Execution], Answerer]
    score: Callable[[Path, Path, Any, Execution], tuple[Evaluation, dict[str, Any]]]
    evaluation: type = NoSettings
    prediction: type = NoSettings
    scoring: type = NoSettings
    options: tuple[str, ...] = OPTIONS
    counts: str = "record"
    usage: Mapping[str, str] = field(default_factory=dict)
    prediction_data: str | None = None
    rows: Callable[[str, Sequence[tuple[int, int]]], list[dict[str, Any]]] | None = None
    pair_row: Callable[[str, str], dict[str, Any]] | None = None
    query_files: QueryFiles | None = None
    training: Training[Any] | None = None

    @property
    def marked_rows(self) -> Callable[[str, Sequence[tuple[int, int]]], list[dict[str, Any]]] | None:
        """`rows` of a task whose queries need mentions, which a text may have in angle brackets; otherwise None."""
        return None if self.asks == ("text",) else self.rows

    def refuse_options(self, execution: Execution, *, training: bool = False) -> None:
        """Raise an error for options that the task does not accept; `training`: in `finetune` and `check`.

        Raises:
            ConfigurationError: names the option.
        """
        of_training = self.training.options if training and self.training is not None else None
        accepted = self.options if of_training is None else of_training
        reading = execution.reading
        given = {
            "format": reading.format, "skip_bad": reading.skip_bad, "tag_names": reading.tag_names,
            "base": execution.base, "labels": execution.labels,
        }  # fmt: skip
        for name, value in given.items():
            if value and name not in accepted:
                raise ConfigurationError(f"{self.name} has no --{name.replace('_', '-')}")
