"""What the commands do with any task: fine-tune and evaluate. (Predicting is `predicting`.)"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from transformers import set_seed

from loreweave.checkpoints.names import model_path
from loreweave.corpus.class_labels import info_beside
from loreweave.corpus.files.reading import read_json, sha256_of, sha256_of_data
from loreweave.corpus.files.records import describe_skipped
from loreweave.encoding.hub import local_folder
from loreweave.errors import CheckpointError, ConfigurationError, DataError
from loreweave.tasks.files.feature_cache import encode_cached
from loreweave.tasks.files.results import check_results_folder, save_results
from loreweave.tasks.files.splits import hold_out, take_fraction
from loreweave.tasks.jobs.predicting import outputs_of
from loreweave.tasks.jobs.record_facts import check_fit
from loreweave.tasks.left_out_heads import head_in
from loreweave.tasks.registry import (
    PRETRAINED_TASKS,
    TASKS,
    Task,
    TaskModel,
    Training,
    check_labels,
    load_pretrained_task,
    load_task,
    split_file,
)
from loreweave.tasks.starting_points import settings_of
from loreweave.training.devices import choose_device
from loreweave.training.evaluation import Evaluation
from loreweave.training.finetuning import EvaluationSet, FinetuningJob, finetune
from loreweave.training.inference import move
from loreweave.training.losses import classification_loss
from loreweave.training.precision import with_settled_precision
from loreweave.training.quiet import quiet
from loreweave.training.runs.inputs import hashes_of
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import to_dict, unknown_name
from loreweave.training.settings.finetuning import FinetuningConfig, check_selection

Report = Callable[[str], None]

_SHOWN_LABELS = 12


@dataclass(frozen=True, kw_only=True)
class DataFiles:
    """The files of a fine-tuning run; without `dev` a part of `train` may be held out. `more` are further training files."""

    train: Path
    dev: Path | None = None
    test: Path | None = None
    more: tuple[Path, ...] = ()

    @classmethod
    def choose(
        cls,
        task: Training[Any],
        folder: Path | None,
        *,
        train: Path | None,
        dev: Path | None,
        test: Path | None,
        more: Sequence[Path] = (),
    ) -> DataFiles:
        """Files by name, or the splits in a data folder; a name wins over the folder's file.

        Raises:
            ConfigurationError: neither a training file nor a folder, or both.
            DataError: no folder, or no training file in it.
        """
        if (train is None) == (folder is None):
            raise ConfigurationError("give --train FILE (with --dev and --test as you have them), or --data FOLDER")
        if train is not None or folder is None:
            assert train is not None
            return cls(train=train, dev=dev, test=test, more=tuple(more))
        if not folder.is_dir():
            raise DataError("found no such folder", path=folder)
        found = split_file(task, folder, "train")
        if found is None:
            raise DataError(f"found no training file, expected a name like {task.splits['train'][0]}.json", path=folder)
        dev, test = dev or split_file(task, folder, "dev"), test or split_file(task, folder, "test")
        return cls(train=found, dev=dev, test=test)


def finetune_task(
    task: Training[Any],
    source: str,
    files: DataFiles,
    config: FinetuningConfig,
    output: Path,
    *,
    format: str | None = None,
    skip_bad: bool = False,
    overwrite: bool = False,
    resume: bool = False,
    report: Report = print,
) -> dict[str, Any]:
    """Read, build, train, and keep everything in the run's folder; returns the content of `results.json`.

    Raises:
        LoreweaveError: see `Task`, `RunRecord` and `training.finetuning.finetune`.
    """
    metric = _metric(task, files, config)
    told = report if is_writer() else _tell_nobody
    config = with_settled_precision(config, choose_device(config.device), told, output if resume else None)
    local_folder(model_path(source))  # a wrong name is said before the data are read
    data = _read_splits(task, files, config, format, skip_bad, report)
    if task.adapt is not None:
        config = task.adapt(config, data.train)
    asked: dict[str, Any] = {"task": task.name, "model": source, "data": _hashes(files), "format": format, "skip_bad": skip_bad}
    asked |= {"tag_names": list(task.tag_names)} if task.tag_names else {}
    asked["settings"] = to_dict(config)
    if isinstance(task, Task) and not data.dev:
        scored = "nothing is scored" if not data.test else "only the test data are scored"
        told(f"no dev data: the last epoch is kept and {scored}; --dev FILE or dev_fraction=0.1 selects the best epoch")
    record = RunRecord.open(output, "finetuning", asked, resume=resume, overwrite=overwrite, is_writer=is_writer())
    with record.watch():
        record.keep_inputs(lambda: {"model": hashes_of(local_folder(model_path(source)))})
        set_seed(config.seed)
        built = task.build(str(model_path(source)), data.labels, config)
        _describe(built, source, report)
        dev, test = (_evaluation_set(task, built, records) for records in (data.dev, data.test))
        job = FinetuningJob(
            model=built.model,
            examples=_training_examples(built, data, config, asked, report),
            collate=built.encoding.collate,
            unpack=built.encoding.unpack,
            save=lambda folder: _save(built, folder),
            load=lambda folder: _load_quietly(task, folder).model,
            metric=metric,
            dev=dev,
            test=test,
            loss=built.loss or classification_loss,
        )
        if built.encoding.report():
            report(f"encoding: {built.encoding.report()}")
        record.save_left_out(data.left_out)
        if config.dev_fraction is not None or config.train_fraction != 1:
            record.save_records({"train": [r.id for r in data.train], "dev": [r.id for r in data.dev]})
        results = finetune(job, config, record, report=report)
    return results


def _describe(built: TaskModel, source: str, report: Report) -> None:
    """Say what is trained: the model, its labels, and the head of the source that it leaves out."""
    labels = built.labels
    more = f" and {len(labels) - _SHOWN_LABELS} more" if len(labels) > _SHOWN_LABELS else ""
    head = head_in(local_folder(model_path(source)))
    if head is not None:
        report(f"{source}: {head} is left out; the new head starts at random")
    report(f"{type(built.model).__name__} with {len(labels)} labels: {', '.join(labels[:_SHOWN_LABELS])}{more}")


def evaluate_task(
    task: Task[Any],
    model: Path,
    data: Path,
    *,
    format: str | None = None,
    skip_bad: bool = False,
    base: str | None = None,
    labels: Sequence[str] | None = None,
    device: str | None = None,
    batch_size: int = 32,
    precision: str = "fp32",
    output: Path | None = None,
    overwrite: bool = False,
    settings: Sequence[str] = (),
    report: Report = print,
    advance: Callable[[int], object] | None = None,
) -> tuple[Evaluation, dict[str, Any]]:
    """Score a fine-tuned checkpoint on a file; needs no training data. `base` and `labels`: see `load_checkpoint_of`;
    `settings` are `key=value` that fill `task.scoring`.

    Returns:
        The evaluation, and what `results.json` in `output` says.

    Raises:
        ConfigurationError: `output` holds a run, or results (and `overwrite` is off); or a wrong setting.
        LoreweaveError: see `Task`.
    """
    scoring = task.scoring_settings(settings)
    if output is not None:
        check_results_folder(output, overwrite)
    loaded = load_checkpoint_of(task, model, base, labels)
    read = task.read(data, format, skip_bad)
    read = check_labels(task, read, loaded.labels, data, skip_bad)
    _report_all(report, describe_skipped(read, data))
    if not read.records:
        raise DataError("found no record to score", path=data)
    move(loaded.model, choose_device(device))
    outputs = outputs_of(loaded, read.records, batch_size, precision, advance)
    evaluation = (loaded.scorer or task.score)(read.records, outputs, loaded.labels, *scoring)
    _report_all(report, evaluation.notes)
    results = {"task": task.name, "model": str(model), "data": str(data), "records": len(read.records)}
    results |= {"skipped": dict(read.skipped), "left_out": read.left_out, "dropped": dict(read.dropped)}
    results["encoding"] = loaded.encoding.report()
    results |= {"notes": evaluation.notes, **evaluation.metrics, **evaluation.tables}
    if output is not None:
        save_results(output, data.name.partition(".")[0], evaluation, results)
    return evaluation, results


def load_checkpoint_of(
    task: Training[Any], path: Path, base: str | None = None, labels: Sequence[str] | None = None
) -> TaskModel:
    """A fine-tuned checkpoint; for a run's folder the weights that it kept. `base`: see `checkpoints.load_luke`.

    Args:
        labels: names of its classes, by number, in place of its own (not for a few-shot task, whose labels come with the
            episodes).

    Raises:
        CheckpointError: nothing there, the checkpoint is another task's, or its classes are not named.
    """
    folder = model_folder(path)
    name = task_of(folder)
    if name is not None and name != task.name:
        raise CheckpointError(f"{folder}: found a checkpoint for {name}, expected one for {task.name}")
    return _load_quietly(task, folder, base, labels)


def _load_quietly(task: Training[Any], folder: Path, base: str | None = None, labels: Sequence[str] | None = None) -> TaskModel:
    with quiet():
        return task.load(folder, base) if labels is None or not isinstance(task, Task) else task.load(folder, base, labels)


def model_folder(path: Path) -> Path:
    """`path`, the kept weights where it is a run's folder, or the downloaded files where it is a Hub name.

    Raises:
        CheckpointError: nothing there.
    """
    if (path / "model" / "config.json").is_file():
        return path / "model"
    return local_folder(model_path(path))


def task_of(folder: Path) -> str | None:
    """The task that a checkpoint was trained for, by its files; None where they do not say."""
    named = settings_of(folder).get("task")
    if named is not None:
        return str(named)
    for name in PRETRAINED_TASKS:
        if load_pretrained_task(name).recognises(folder):
            return name
    if not (folder / "config.json").is_file():
        return None
    config = read_json(folder / "config.json")
    architectures = config.get("architectures") or []
    return next((name for name in TASKS if _is_one_of(architectures, load_task(name).architectures)), None)


def _is_one_of(names: Sequence[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


@dataclass(frozen=True)
class _Splits:
    train: list[Any]
    dev: list[Any]
    test: list[Any]
    labels: list[str]
    left_out: dict[str, list[str]]


def _metric(task: Training[Any], files: DataFiles, config: FinetuningConfig) -> str:
    """The dev metric that selects the epoch; none where training scores nothing.

    Raises:
        ConfigurationError: a metric that the task does not have, something to score where nothing is scored, or no dev data for
            settings that need them.
    """
    if not isinstance(task, Task):
        if files.dev or files.test or config.dev_fraction or config.metric or config.keep == "best":
            raise ConfigurationError(
                f"{task.name} is trained on a source without scoring it: give no dev or test file, dev_fraction, metric or "
                f"keep=best; 'loreweave evaluate {task.name}' scores the checkpoint"
            )
        return ""
    metric = config.metric or task.metric
    if metric not in task.metrics:
        raise ConfigurationError(f"metric: {metric!r} is none of {task.name}{unknown_name(metric, task.metrics)}")
    check_selection(config, has_dev=files.dev is not None or config.dev_fraction is not None)
    return metric


def _read_splits(
    task: Training[Any], files: DataFiles, config: FinetuningConfig, format: str | None, skip_bad: bool, report: Report
) -> _Splits:
    """All records. The labels are those of the whole training file, whatever part of it is used."""
    paths = (files.train, *files.more)
    wholes = [check_fit(task, config, task.read(path, format, skip_bad), path, skip_bad) for path in paths]
    for path, whole in zip(paths, wholes, strict=True):
        _report_all(report, describe_skipped(whole, path))
    train = [record for whole in wholes for record in whole.records]
    labels = task.labels(train)
    if not labels:
        raise DataError("found no label in any record", path=files.train)
    left_out = {"train": [error for whole in wholes for error in whole.left_out]}
    parts: dict[str, list[Any]] = {"dev": [], "test": []}
    for split, file in (("dev", files.dev), ("test", files.test)):
        if file is None:
            continue
        read = check_labels(task, task.read(file, format, skip_bad), labels, file, skip_bad)
        _report_all(report, describe_skipped(read, file))
        if not read.records:
            raise DataError("found no record that can be used", path=file)
        parts[split], left_out[split] = read.records, read.left_out
    if files.dev is not None and config.dev_fraction is not None:
        raise ConfigurationError("a dev file and dev_fraction exclude each other")
    if config.dev_fraction is not None:
        train, parts["dev"] = hold_out(
            train, config.dev_fraction, config.dev_split_by, config.order_seed, lambda record: task.mentions(record)[0]
        )
    train = take_fraction(train, config.train_fraction, config.order_seed)
    report(f"records: {len(train)} train, {len(parts['dev'])} dev, {len(parts['test'])} test")
    seen = {task.mentions(record)[0] for record in train}
    for split, records in parts.items():
        if leaked := sum(task.mentions(record)[0] in seen for record in records):
            report(f"{leaked} of {len(records)} {split} records have a text that is trained on too")
    listed = {split: errors for split, errors in left_out.items() if errors}
    return _Splits(train, parts["dev"], parts["test"], labels, listed)


def _training_examples(
    built: TaskModel, data: _Splits, config: FinetuningConfig, asked: Mapping[str, Any], report: Report
) -> list[Any]:
    if config.feature_cache is None:
        return built.encoding.encode(data.train, data.labels)
    source = {name: asked[name] for name in ("task", "data", "format", "skip_bad", "tag_names") if name in asked}
    folder = Path(config.feature_cache)
    return encode_cached(built.encoding, data.train, data.labels, folder, config, source, report)


def _report_all(report: Report, lines: Sequence[str]) -> None:
    for line in lines:
        report(line)


def _evaluation_set(task: Training[Any], built: TaskModel, records: list[Any]) -> EvaluationSet | None:
    if not records or not isinstance(task, Task):
        return None
    labels, encoding = built.labels, built.encoding
    examples = encoding.encode(records)
    score = built.scorer or task.score
    return EvaluationSet(examples, lambda outputs: score(records, encoding.join(examples, outputs), labels))


def _tell_nobody(_: str) -> None:
    """What processes but the first report to."""


def is_writer() -> bool:
    """Whether this is the only or the first of several processes."""
    return os.environ.get("RANK", "0") == "0"


def _save(built: TaskModel, folder: Path) -> None:
    with quiet():
        built.save_pretrained(folder)


def _hashes(files: DataFiles) -> dict[str, str]:
    """What the run read: names and content, so that a resumed run cannot read something else."""
    found = {"train": files.train, "dev": files.dev, "test": files.test}
    found |= dict(zip((f"train_{number}" for number in range(2, 2 + len(files.more))), files.more, strict=True))
    return {split: _hash_of(path) for split, path in found.items() if path is not None}


def _hash_of(path: Path) -> str:
    """Name and content of a data file, and of the file beside it whose names replace its label numbers."""
    info = info_beside(path) if path.is_file() else None
    beside = f", {info.name} sha256:{sha256_of(info)}" if info is not None else ""
    return f"{path.name} sha256:{sha256_of_data(path)}{beside}"
