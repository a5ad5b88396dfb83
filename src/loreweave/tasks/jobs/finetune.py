"""`loreweave finetune`, for any task that learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import set_seed

from loreweave.checkpoints.folder_readme import readme_of, reads_entities
from loreweave.corpus.class_labels import info_file_of
from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.reading import sha256_of, sha256_of_data
from loreweave.corpus.files.records import describe_skipped
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError, DataError, records_of
from loreweave.models.head_settings import unknown_to_transformers
from loreweave.tasks.contract import Execution, Reading, Task, Training
from loreweave.tasks.files.data_folder import split_file
from loreweave.tasks.files.feature_cache import encode_cached
from loreweave.tasks.files.splits import hold_out, take_balanced, take_fraction
from loreweave.tasks.heads import check_for_encoder
from loreweave.tasks.jobs.evaluate import is_writer
from loreweave.tasks.jobs.known_labels import read_known
from loreweave.tasks.jobs.record_facts import check_fit
from loreweave.tasks.left_out_heads import head_in
from loreweave.tasks.registry import training_of
from loreweave.training.devices import choose_device
from loreweave.training.finetuning import AfterEpoch, EvaluationSet, FinetuningJob, finetune
from loreweave.training.precision import with_settled_precision
from loreweave.training.retention import RULES
from loreweave.training.runs.inputs import hashes_of
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import to_dict, unknown_name
from loreweave.training.settings.finetuning import FinetuningConfig, check_selection
from loreweave.training.task_model import TaskModel

Report = Callable[[str], None]

_SHOWN_LABELS = 12


@dataclass(frozen=True, kw_only=True)
class DataFiles:
    """Files of a fine-tuning run; without `dev`, a part of `train` may be held out. `more` are further training files."""

    train: Path
    dev: Path | None = None
    test: Path | None = None
    more: tuple[Path, ...] = ()

    @classmethod
    def choose(
        cls,
        task: Task,
        folder: Path | None,
        *,
        train: Path | None,
        dev: Path | None,
        test: Path | None,
        more: Sequence[Path] = (),
    ) -> DataFiles:
        """Files by name, or the splits in a data folder; a given file takes precedence over the folder's.

        Raises:
            ConfigurationError: neither a training file nor a folder is given, or both.
            DataError: there is no folder, or no training file in it.
        """
        if (train is None) == (folder is None):
            raise ConfigurationError("give --train FILE (with --dev and --test as you have them), or --data FOLDER")
        if train is not None or folder is None:
            assert train is not None
            return cls(train=train, dev=dev, test=test, more=tuple(more))
        if not folder.is_dir():
            raise DataError("found no such folder", path=folder)
        splits = training_of(task).splits
        found = split_file(splits, folder, "train")
        if found is None:
            others = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
            expected = f"expected a name like {splits['train'][0]}.json"
            way_out = f" (files here: {listed(others)}); --train and --dev name other files" if others else ""
            raise DataError(f"found no training file, {expected}{way_out}", path=folder)
        dev, test = dev or split_file(splits, folder, "dev"), test or split_file(splits, folder, "test")
        return cls(train=found, dev=dev, test=test)

    def by_split(self) -> dict[str, str]:
        """The paths by name: train, dev and test as far as they are given, and train_2, ... for further training files."""
        found = {"train": self.train, "dev": self.dev, "test": self.test}
        found |= {f"train_{number}": path for number, path in enumerate(self.more, 2)}
        return {split: str(path) for split, path in found.items() if path is not None}

    @classmethod
    def from_splits(cls, paths: Mapping[str, Path]) -> DataFiles:
        """The inverse of `by_split`."""
        more = [paths[name] for name in paths if name.startswith("train_")]
        return cls(train=paths["train"], dev=paths.get("dev"), test=paths.get("test"), more=tuple(more))


def finetune_task(
    task: Task,
    source: str,
    files: DataFiles,
    config: FinetuningConfig,
    output: Path,
    *,
    reading: Reading | None = None,
    overwrite: bool = False,
    resume: bool = False,
    report: Report = print,
    after_epoch: AfterEpoch | None = None,
    command: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Read, build, train, and write everything to the run's folder; returns the content of `results.json`.

    A search gives `after_epoch` (see `training.finetuning.finetune`) and the `command` that repeats the run, for its record.

    Raises:
        LoreweaveError: see `Training`, `RunRecord` and `training.finetuning.finetune`.
    """
    training, reading = training_of(task), reading or Reading()
    task.refuse_options(Execution(reading=reading), training=True)
    check_for_encoder(config, str(resolve(source)))  # report wrong names and settings before reading the data
    metric = _metric(training, files, config)
    told = report if is_writer() else _tell_nobody
    config = with_settled_precision(config, choose_device(config.device), told, output if resume else None)
    data = _read_splits(training, files, config, reading, report)
    config = _adapted(training, config, data)
    if training.cannot_learn(config, data.labels):
        raise DataError(f"found one label, {data.labels[0]!r}, in all records, expected two or more", path=files.train)
    asked = _asked(training, source, files, config, reading)
    if training.score is not None and not data.dev:
        scored = "nothing is scored" if not data.test else "only the test data are scored"
        told(f"no dev data: the last epoch is kept and {scored}; --dev FILE or dev_fraction=0.1 selects the best epoch")
    record = RunRecord.open(
        output, "finetuning", asked,
        resume=resume, overwrite=overwrite, command=command, origin={"files": files.by_split()}, is_writer=is_writer(),
    )  # fmt: skip
    with record.watch():
        record.keep_inputs(lambda: {"model": hashes_of(resolve(source))})
        set_seed(config.seed)
        built = training.build(str(resolve(source)), data.labels, config)
        _describe(built, source, report)
        dev = _evaluation_set(training, built, data.dev, files.dev or files.train, tune=True)
        test = _evaluation_set(training, built, data.test, files.test)
        with records_of(files.train):
            examples = _training_examples(built, data, config, asked, report)
        if done := built.prepare(examples):
            report(done)
        metric = config.metric or built.metric or metric
        job = FinetuningJob(built=built, examples=examples, load=training.load, metric=metric, dev=dev, test=test)
        if built.encoding.report():
            report(f"encoding: {built.encoding.report()}")
        record.save_left_out(data.left_out)
        if config.dev_fraction is not None or config.train_balance is not None or config.train_fraction != 1:
            record.save_records({"train": [r.id for r in data.train], "dev": [r.id for r in data.dev]})
        results = finetune(job, config, record, report=report, after_epoch=after_epoch)
    _explain(built, record.model_path, told)
    return results


def _asked(
    training: Training[Any], source: str, files: DataFiles, config: FinetuningConfig, reading: Reading
) -> dict[str, Any]:
    """Description of the run's task for its record."""
    asked: dict[str, Any] = {"task": training.name, "model": source, "data": hashes_of_files(files)}
    asked |= {"format": reading.format, "skip_bad": reading.skip_bad}
    asked |= {"tag_names": list(reading.tag_names)} if reading.tag_names else {}
    return asked | {"settings": to_dict(config)}


def _describe(built: TaskModel, source: str, report: Report) -> None:
    """Report what is trained: the model, its labels, and the head of the source that it leaves out."""
    labels = built.labels
    more = f" and {len(labels) - _SHOWN_LABELS} more" if len(labels) > _SHOWN_LABELS else ""
    head = head_in(resolve(source))
    if built.keeps_head:
        report(f"{source}: training goes on with its head")
    elif head is not None:
        report(f"{source}: {head} is left out; the new head starts at random")
    report(f"{type(built.model).__name__} with {counted(len(labels), 'label')}: {', '.join(labels[:_SHOWN_LABELS])}{more}")


def _explain(built: TaskModel, folder: Path, report: Report) -> None:
    """Say what plain transformers cannot do with the model, and write to its folder how to make its inputs."""
    if ignored := unknown_to_transformers(built.model.config):
        report(f"plain transformers ignores {listed(ignored)} of {folder} and gives other outputs (docs/models.md)")
    tokenizer = getattr(built.encoding, "tokenizer", None)
    if is_writer() and reads_entities(built.model) and (text := readme_of(built.model, tokenizer)) is not None:
        (folder / "README.md").write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class _Splits:
    train: list[Any]
    dev: list[Any]
    test: list[Any]
    labels: list[str]
    left_out: dict[str, list[str]]


def _metric(training: Training[Any], files: DataFiles, config: FinetuningConfig) -> str:
    """Dev metric that selects the epoch; none if training scores nothing.

    Raises:
        ConfigurationError: the task does not have the metric, something to score although nothing is scored, or dev data
            are missing for settings that need them.
    """
    if training.score is None:
        if files.dev or files.test or config.dev_fraction or config.metric or RULES[config.keep].needs_dev:
            raise ConfigurationError(
                f"{training.name} is trained on a source without scoring it: give no dev or test file, dev_fraction, metric or "
                f"keep=best; 'loreweave evaluate {training.name}' scores the checkpoint"
            )
        return ""
    metric = config.metric or training.metric
    if metric not in training.metrics:
        hint = unknown_name(metric, training.metrics)
        raise ConfigurationError(f"setting 'metric': {metric!r} is not a metric of {training.name}{hint}")
    has_dev = files.dev is not None or config.dev_fraction is not None
    check_selection(config, has_dev=has_dev, has_test=files.test is not None)
    return metric


def _adapted(training: Training[Any], config: FinetuningConfig, data: _Splits) -> FinetuningConfig:
    """The settings that fit the training records.

    Raises:
        ConfigurationError: a setting that does not, or a metric by which the dev records cannot select an epoch.
    """
    if training.adapt is not None:
        config = training.adapt(config, data.train)
    if config.metric is not None and data.dev and training.dev_metrics is not None:
        known = training.dev_metrics(config, data.dev)
        if config.metric not in known:
            raise ConfigurationError(
                f"setting 'metric': found {config.metric}, by which these dev data cannot select an epoch; expected one of "
                f"{', '.join(known)}"
            )
    return config


def _read_splits(
    training: Training[Any], files: DataFiles, config: FinetuningConfig, reading: Reading, report: Report
) -> _Splits:
    """All records. The labels are those of the whole training file, even if only a part of it is used."""
    paths = (files.train, *files.more)
    wholes = [check_fit(training, config, training.records(path, reading), path, reading.skip_bad) for path in paths]
    for path, whole in zip(paths, wholes, strict=True):
        _report_all(report, describe_skipped(whole, path))
    train = [record for whole in wholes for record in whole.records]
    labels = training.labels(train)
    if not labels:
        raise DataError("found no label in any record", path=files.train)
    left_out = {"train": [error for whole in wholes for error in whole.left_out]}
    parts: dict[str, list[Any]] = {"dev": [], "test": []}
    for split, file in (("dev", files.dev), ("test", files.test)):
        if file is None:
            continue
        read = read_known(training, file, reading, labels, report)
        if not read.records:
            raise DataError("found no record that can be used", path=file)
        if split == "dev" and training.finds is None and not training.labels(read.records):
            raise DataError("found no label in any record, expected labels to select the epoch by", path=file)
        parts[split], left_out[split] = read.records, read.left_out
    if files.dev is not None and config.dev_fraction is not None:
        raise ConfigurationError("a dev file and dev_fraction exclude each other")
    if config.dev_fraction is not None:
        train, parts["dev"] = _held_out(training, train, files.train, config)
    train = _chosen(training, train, config, report)
    report(f"records: {len(train)} train, {len(parts['dev'])} dev, {len(parts['test'])} test")
    seen = {training.mentions(record)[0] for record in train}
    for split, records in parts.items():
        if leaked := sum(training.mentions(record)[0] in seen for record in records):
            have = f"{counted(len(records), f'{split} record')} {'has' if leaked == 1 else 'have'}"
            report(f"{leaked} of {have} a text that is also in the training data")
    listed = {split: errors for split, errors in left_out.items() if errors}
    return _Splits(train, parts["dev"], parts["test"], labels, listed)


def _held_out(training: Training[Any], records: list[Any], path: Path, config: FinetuningConfig) -> tuple[list[Any], list[Any]]:
    """The training records without the dev records, and the dev records.

    Raises:
        DataError: names the file; see `hold_out`.
    """
    assert config.dev_fraction is not None
    try:
        return hold_out(
            records, config.dev_fraction, config.dev_split_by, config.order_seed, lambda record: training.mentions(record)[0]
        )
    except DataError as error:
        raise DataError(error.message, path=path, field=error.field) from None


def _chosen(training: Training[Any], train: list[Any], config: FinetuningConfig, report: Report) -> list[Any]:
    """The part of the training records that is trained on, which is reported if it is balanced."""
    if config.train_balance is None:
        return take_fraction(train, config.train_fraction, config.order_seed)
    found = take_balanced(train, training.labels, config.train_balance, config.train_fraction, config.order_seed)
    order = sorted(found.of, key=lambda name: -found.of[name])
    each = listed([f"{name} {found.taken[name]:,} of {found.of[name]:,}" for name in order], _SHOWN_LABELS)
    report(f"train_balance={config.train_balance:g}: {len(found.records):,} of {counted(len(train), 'record')} ({each})")
    return found.records


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


def _evaluation_set(
    training: Training[Any], built: TaskModel, records: list[Any], file: Path | None, tune: bool = False
) -> EvaluationSet | None:
    score = built.scorer or training.score
    if not records or file is None or training.score is None or score is None:
        return None
    labels, encoding = built.labels, built.encoding
    with records_of(file):
        examples = encoding.encode(records)
    return EvaluationSet(
        examples,
        lambda outputs: score(records, encoding.join(examples, outputs), labels),
        (lambda outputs: built.tune(records, examples, outputs)) if tune else None,
    )


def _tell_nobody(_: str) -> None:
    """Ignores the messages of all processes but the first."""


def hashes_of_files(files: DataFiles) -> dict[str, str]:
    """Names and content of the input files, so that a run cannot be resumed with others."""
    return {split: _hash_of(Path(path)) for split, path in files.by_split().items()}


def _hash_of(path: Path) -> str:
    """Name and content of a data file, and of the file next to it whose names replace its label numbers."""
    info = info_file_of(path) if path.is_file() else None
    beside = f", {info.name} sha256:{sha256_of(info)}" if info is not None else ""
    return f"{path.name} sha256:{sha256_of_data(path)}{beside}"
