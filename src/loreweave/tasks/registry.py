"""What a task is, and which there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol

from loreweave.corpus.counts import counted
from loreweave.corpus.files.read_result import R, ReadResult
from loreweave.corpus.files.tables import is_data_folder
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.class_names import LABELS_WANTED, are_numbered, label_names

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from loreweave.tasks.jobs.queries import Answerer
    from loreweave.training.evaluation import Evaluation, Outputs
    from loreweave.training.inference import Batch
    from loreweave.training.settings.finetuning import FinetuningConfig

TASKS: dict[str, str] = {
    "entity-typing": "loreweave.tasks.entity_typing",
    "relation-classification": "loreweave.tasks.relation_classification",
    "ner": "loreweave.tasks.ner",
}
"""Tasks that a model is fine-tuned for: name on the command line -> the module whose `TASK` declares it (imported on use:
`--help` stays light)."""

PRETRAINED_TASKS: dict[str, str] = {
    "link-prediction": "loreweave.tasks.link_prediction",
    "few-shot-ner": "loreweave.tasks.few_shot_ner",
    "few-shot-relation": "loreweave.tasks.few_shot_relation",
}
"""Tasks that a model does as it is, without a class of its own for each answer, in the same form; `TASK` is a
`PretrainedTask`."""

SOURCE_TRAINED = ("few-shot-ner", "few-shot-relation")
"""Those of them that `loreweave finetune` trains a model for, on other labels than it is asked about."""

ALL_TASKS = TASKS | PRETRAINED_TASKS
FINETUNED_TASKS = (*TASKS, *SOURCE_TRAINED)


class Encoding(Protocol):
    """Records to a model's tensors, and its outputs back: one for each way of putting a task on an encoder."""

    def encode(self, records: Sequence[Any], labels: Sequence[str] | None = None) -> list[Any]:
        """Examples in the order of the records; each has a `length`. Without `labels` they carry no gold."""

    def collate(self, examples: list[Any]) -> Batch:
        """Padded tensors, with `labels` where the examples have gold."""

    def unpack(self, output: Any, batch: Mapping[str, Tensor]) -> Outputs:
        """One array per example of a batch."""

    def join(self, examples: Sequence[Any], outputs: Outputs) -> Outputs:
        """One array per record from one per example, of which a long record may have several."""

    def report(self) -> str:
        """What was cut so far, in words; empty where nothing was."""

    def save_pretrained(self, folder: Path) -> None:
        """Write the tokenizer's files."""


@dataclass(frozen=True)
class TaskModel:
    """A model for a task with its encoding; the label list is `model.config.id2label`.

    `loss`, where given, is trained with in place of the classification loss: (outputs, labels, num_items_in_batch) ->
    scalar. `scorer` and `answerer`, where given, stand for the task's `score` and `answer`, because the checkpoint says
    something about them.
    """

    model: PreTrainedModel
    encoding: Encoding
    loss: Callable[..., Tensor] | None = None
    scorer: Callable[..., Evaluation] | None = None
    answerer: Callable[..., list[dict[str, Any]]] | None = None

    @property
    def labels(self) -> list[str]:
        """Label names by class number."""
        return label_names(self.model.config)

    def save_pretrained(self, folder: Path) -> None:
        """Write a Hugging Face directory."""
        self.model.save_pretrained(folder)
        self.encoding.save_pretrained(folder)


class Loader(Protocol):
    """How a fine-tuned checkpoint of a task is loaded."""

    def __call__(self, path: Path, base: str | None = None, labels: Sequence[str] | None = None) -> TaskModel:
        """The model; `base` of an old format, `labels` where the checkpoint does not name its classes."""


@dataclass(frozen=True, kw_only=True)
class Training(Generic[R]):
    """All that `loreweave finetune` asks of a task.

    Attributes:
        name: on the command line.
        config: its settings; the defaults are the paper's.
        formats: file formats by name, with a line each; the reader also recognises them.
        splits: file stems of `train`, `dev` and `test` in a data folder.
        read: (path, format or None, skip bad records and count them) -> records.
        labels: all labels of records, in the order of the classes.
        mentions: a record -> its text and the characters of its mentions.
        build: (encoder folder or hub name, labels, settings) -> an untrained model for the task.
        load: (a fine-tuned checkpoint, base of an old format or None) -> the model.
        no_label: the one of `labels` that stands for none of the others, where there is one.
        finds: for a task that finds mentions itself, the key of an answer that holds them; None where they are given.
        read_numbers: `read` for files whose tags are numbers, with their names; None where files have none.
        tag_names: the names that `read` gives to such numbers; none by default.
        words: a record -> the characters of its words; None where records have only texts.
        mention_labels: a record -> the label of each of its mentions; None where labels are of the record.
        adapt: (settings, training records) -> the settings that go with such records; None leaves them as they are.
        unfit: (settings, a training record) -> why its labels do not go with the settings; None where they do.
    """

    name: str
    config: type[FinetuningConfig]
    formats: Mapping[str, str]
    splits: Mapping[str, tuple[str, ...]]
    read: Callable[[Path, str | None, bool], ReadResult[R]]
    labels: Callable[[Sequence[R]], list[str]]
    mentions: Callable[[R], tuple[str, Sequence[tuple[int, int]]]]
    build: Callable[[str, Sequence[str], Any], TaskModel]
    load: Callable[[Path, str | None], TaskModel]
    no_label: str | None = None
    finds: str | None = None
    read_numbers: Callable[[Path, str | None, bool, Sequence[str]], ReadResult[R]] | None = None
    tag_names: tuple[str, ...] = ()
    words: Callable[[R], Sequence[tuple[int, int]]] | None = None
    mention_labels: Callable[[R], Sequence[str]] | None = None
    adapt: Callable[[Any, Sequence[R]], Any] | None = None
    unfit: Callable[[Any, R], str | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Task(Training[R]):
    """A task that is evaluated on data like that which it is trained on: all that the engine and the commands ask of it.

    Attributes:
        summary: one line.
        metric: what selects an epoch, larger is better.
        metrics: all names in `Evaluation.metrics`.
        architectures: names in a checkpoint's `config.json` that stand for this task, or patterns of them (`*ForThis`).
        load: as `Training.load`, and names of the classes in place of those that the checkpoint has.
        score: (records, one output per record, labels) -> numbers and predictions.
        score_predictions: (gold records, a file of any system's predictions) -> numbers and predictions.
        read_gold: `read` for `score_predictions`, where that also takes files of gold labels alone.
        scoring: settings of scores, a dataclass that `key=value` of `loreweave evaluate` and `score` fills; where there is one,
            `score` and `score_predictions` take it as their last argument.
        query: one JSON object of `loreweave predict` -> the records that it asks about.
        ask: (text, mentions as (start, end), id) -> the records that this asks about.
        answer: (records, outputs, labels) -> one JSON object per record, with character offsets and probabilities.
        asks: the fields of a query; of a task that asks about plain text, `text` alone.
    """

    summary: str
    metric: str
    metrics: tuple[str, ...]
    architectures: tuple[str, ...]
    load: Loader
    score: Callable[..., Evaluation]
    score_predictions: Callable[..., Evaluation]
    query: Callable[[Mapping[str, Any], str], list[R]]
    ask: Callable[[str, Sequence[tuple[int, int]], str], list[R]]
    answer: Callable[[Sequence[R], Outputs, Sequence[str]], list[dict[str, Any]]]
    asks: tuple[str, ...]
    read_gold: Callable[[Path, str | None, bool], ReadResult[Any]] | None = None
    scoring: type | None = None

    def scoring_settings(self, asked: Sequence[str]) -> tuple[Any, ...]:
        """The last arguments of `score` and `score_predictions`: settings filled from `key=value`, where there are any.

        Raises:
            ConfigurationError: a wrong setting, or one of a task that has none.
        """
        from loreweave.training.settings.configuration import fill

        if self.scoring is not None:
            return (fill(self.scoring, {}, asked),)
        if asked:
            raise ConfigurationError(f"{self.name} has no settings for scoring, found {asked[0]!r}")
        return ()


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a model runs: where, in which precision, how much at once, and who is told.

    Attributes:
        device: `cpu`, `cuda`, `cuda:1`, `mps`; None takes an accelerator where there is one.
        precision: fp32, bf16 or fp16; `training.precision.settle_precision` turns `auto` into one.
        batch_size: inputs a batch.
        report: told what the user should know, a line at a time.
        advance: told the number of inputs done, for a progress bar.
    """

    device: str | None = None
    precision: str = "fp32"
    batch_size: int = 32
    report: Callable[[str], None] = print
    advance: Callable[[int], object] | None = None


@dataclass(frozen=True, kw_only=True)
class PretrainedTask:
    """A task without classes of its own: a checkpoint is asked as it is, about data that it need not have seen.

    Some need no training but pre-training (link prediction). Others are trained on one kind of data and asked about
    another: a few-shot task learns from a source with labels, and its evaluation brings new labels in episodes. That
    training is in `training`, in the very form that the engine takes from any task; it scores nothing, because the
    source's labels are not those that matter.

    Attributes:
        name: on the command line.
        summary: one line.
        metric: the number that stands for the others, larger is better.
        metrics: all names in `Evaluation.metrics`.
        evaluation: its settings in `loreweave evaluate`, a dataclass that `key=value` fills.
        prediction: the same of `loreweave predict`.
        recognises: whether a model's folder was trained for this task.
        evaluate: (checkpoint, data, `evaluation` settings, how) -> numbers and predictions, and facts for `results.json`,
            the number of `records` among them.
        predict: (checkpoint, data, `prediction` settings, how) -> what answers queries.
        asks: the fields of a query; of a task that asks about plain text, `text` alone.
        training: what `loreweave finetune` does for it on a source; None where pre-training is all.
        score_predictions: (a file of episodes, a file of any system's predictions, skip bad episodes and count them) ->
            numbers and predictions, and facts for `results.json`; None where there are no such files.
    """

    name: str
    summary: str
    metric: str
    metrics: tuple[str, ...]
    evaluation: type
    prediction: type
    recognises: Callable[[Path], bool]
    evaluate: Callable[[Path, Path, Any, Execution], tuple[Evaluation, dict[str, Any]]]
    predict: Callable[[Path, Path, Any, Execution], Answerer]
    asks: tuple[str, ...]
    training: Training[Any] | None = None
    score_predictions: Callable[[Path, Path, bool], tuple[Evaluation, dict[str, Any]]] | None = None


def load_task(name: str) -> Task[Any]:
    """The task of that name that models are fine-tuned for and that is scored on data of the same kind.

    Raises:
        ConfigurationError: no such task; the message lists them.
    """
    if name in SOURCE_TRAINED:
        raise ConfigurationError(f"{name} is asked about other labels than it was trained on: 'loreweave evaluate {name}'")
    if name in PRETRAINED_TASKS:
        raise ConfigurationError(
            f"nothing is fine-tuned for {name}: 'loreweave pretrain' trains for it, 'loreweave evaluate {name}' scores it "
            f"(fine-tuned tasks: {', '.join(FINETUNED_TASKS)})"
        )
    task: Task[Any] = _declared(name)
    return task


def load_training(name: str) -> Training[Any]:
    """What `loreweave finetune` does for a task: of any task that models are fine-tuned for.

    Raises:
        ConfigurationError: no such task; the message lists them.
    """
    if name not in SOURCE_TRAINED:
        return load_task(name)
    training = load_pretrained_task(name).training
    assert training is not None, "it is in SOURCE_TRAINED"
    return training


def load_any_task(name: str) -> Task[Any] | PretrainedTask:
    """The task of that name, of either kind.

    Raises:
        ConfigurationError: no such task; the message lists them.
    """
    task: Task[Any] | PretrainedTask = _declared(name)
    return task


def load_scored(name: str) -> Task[Any] | PretrainedTask:
    """The task of that name whose predictions `loreweave score` scores, whoever made them.

    Raises:
        ConfigurationError: no such task, or one whose answers are no file of predictions.
    """
    task = load_any_task(name)
    if isinstance(task, PretrainedTask) and task.score_predictions is None:
        raise ConfigurationError(f"{name}: rankings are scored where they are made, by 'loreweave evaluate {name}'")
    return task


def load_pretrained_task(name: str) -> PretrainedTask:
    """The task of that name that pre-trained models do as they are.

    Raises:
        ConfigurationError: no such task; the message lists them.
    """
    if name in TASKS:
        raise ConfigurationError(f"{name} is a task that models are fine-tuned for: 'loreweave finetune {name}'")
    task: PretrainedTask = _declared(name)
    return task


def _declared(name: str) -> Any:
    if name not in ALL_TASKS:
        meant = max(ALL_TASKS, key=lambda task: _likeness(name, task))
        hint = f"; did you mean {meant!r}?" if _likeness(name, meant) else ""
        raise ConfigurationError(f"unknown task {name!r}{hint} (tasks: {', '.join(ALL_TASKS)})")
    return import_module(ALL_TASKS[name]).TASK


def _likeness(name: str, task: str) -> float:
    """How much a name looks like a task's misspelt, 0 where it does not: a whole word of its own means something else."""
    words, own = name.lower().replace("_", "-").split("-"), task.split("-")
    if len(words) == len(own):
        each = [SequenceMatcher(None, word, other).ratio() for word, other in zip(words, own, strict=True)]
        return sum(each) / len(each) if min(each) >= 0.6 else 0.0
    ratio = SequenceMatcher(None, "".join(words), "".join(own)).ratio()
    return ratio if ratio >= 0.9 else 0.0


def split_file(task: Training[Any], folder: Path, split: str) -> Path | None:
    """The file of a split in a data folder: `train.json`, `train.json.xz`, `train-00000-of-00001.parquet`; or its folder, where
    the data are one (`train/` of a saved data set, of brat).

    Raises:
        DataError: several files could be it.
    """
    stems = task.splits[split]
    found = sorted(path for path in folder.iterdir() if _stem(path) in stems and (path.is_file() or is_data_folder(path)))
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"found {names}, expected one {split} file; use --{split}", path=folder)
    return found[0] if found else None


def _stem(path: Path) -> str:
    """The name without suffixes, and without what says that it is the whole of one part."""
    return path.name.partition(".")[0].removesuffix("-00000-of-00001")


def check_labels(task: Training[R], read: ReadResult[R], labels: Sequence[str], path: Path, skip_bad: bool) -> ReadResult[R]:
    """Refuse (or leave out and count) records with a label that the model does not have. Records with any number of labels
    that say so (`labels_may_be_missed`) are kept: a model misses the others.

    Raises:
        DataError: names the label and the first record with it.
    """
    known = set(labels)
    kept = read.account()
    missed = Counter[str]()
    places = read.places or [f"record {record.id}" for record in read.records]
    for place, record in zip(places, read.records, strict=True):
        unknown = [label for label in task.labels([record]) if label not in known]
        missable = bool(getattr(record, "labels_may_be_missed", False))
        missed.update(unknown if missable else ())
        if missable or not unknown:
            kept.records.append(record)
            kept.places.append(place)
            continue
        found = f"found the label {unknown[0]!r}"
        if not skip_bad:
            more = "(--skip-bad leaves such records out and counts them; the scores are of the others then)"
            message = f"{found}, expected one of the model's: {_some(labels)} {LABELS_WANTED if are_numbered(labels) else more}"
            raise DataError(message, path=path, record=place, field="labels")
        kept.leave_out(f"label {unknown[0]!r} unknown to the model", f"{place}: {found}")
    if missed:
        names = _some(sorted(missed))
        words = counted(missed.total(), "record has", "records have")
        kept.notes.append(f"{words} labels that the model does not know and cannot predict: {names}")
    if len(kept.records) < len(read.records):
        lost = len(read.records) - len(kept.records)
        words = counted(lost, "record with labels unknown to the model is", "records with labels unknown to the model are")
        kept.notes.append(f"{words} left out: the scores are of the others alone")
    return kept


def _some(labels: Sequence[str], shown: int = 12) -> str:
    return ", ".join(labels[:shown]) + (f" and {len(labels) - shown} more" if len(labels) > shown else "")
