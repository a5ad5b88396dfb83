"""Checks of a task's files before training: labels, duplicates, overlaps, lengths, truncation, leaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.missing import file_not_found
from loreweave.corpus.files.read_result import ReadResult
from loreweave.errors import ConfigurationError, DataError, records_of
from loreweave.tasks.contract import Execution, Reading, Task, Training
from loreweave.tasks.episodes.training import EpisodesEncoding
from loreweave.tasks.jobs.data_statistics import Statistics, drift_rows, spread, statistics_of, together_rows
from loreweave.tasks.jobs.record_facts import Key, facts_of, labels_of, mentions_per_label, places_of
from loreweave.tasks.registry import trained_task_names
from loreweave.training.settings.configuration import fill, unknown_name
from loreweave.training.settings.finetuning import FinetuningConfig
from loreweave.training.task_model import Encoding


@dataclass(frozen=True)
class _File:
    """Records of a file; `keys` are text and mentions of each, `counts` and `listed` describe their content."""

    name: str
    read: ReadResult[Any]
    keys: list[Key]
    counts: dict[str, Any]
    listed: dict[str, list[str]]
    statistics: Statistics

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self.keys]


def check_files(
    task: Task,
    paths: Sequence[Path],
    *,
    reading: Reading | None = None,
    model: str | None = None,
    max_length: int | None = None,
    no_label: str | None = None,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Read files of a task, the first one as the training file, and report what a training run would find.

    For a few-shot task, the first file is the source, and the others have the labels of the evaluation. Bad records are left
    out and listed. With `model` (an encoder, or a checkpoint of the task), the records are encoded
    for it, with at most `max_length` sub-words or its own maximum. `no_label` names the label for none of the others.

    Returns:
        `files`: one row per file, with its `errors` and `listed`, the lines behind each count; `labels`: one row per label with
        its number of records in each file; `mentions`: the same for mentions, if they have labels; `together`: the same for
        pairs of labels of one record; `leaks` and `drift`: one row per pair of files; `findings`: what to look at, one line
        each.

    Raises:
        ConfigurationError: a file is given twice, or the task has no training files.
        DataError: a file does not exist, or the only file cannot be read at all. One of several that cannot be read has a
            finding with the reason.
    """
    if task.training is None:
        raise ConfigurationError(
            f"'loreweave check' reads training files, which {task.name} does not have; 'loreweave evaluate {task.name}' reads "
            f"its data and says what is wrong or unused in them (tasks with training files: {', '.join(trained_task_names())})"
        )
    check_paths(paths)
    training, files = task.training, list[_File]()
    task.refuse_options(Execution(reading=reading or Reading()), training=True)
    for name, path in zip(names_of(paths), paths, strict=True):
        read = _read(training, path, reading or Reading(), files, alone=len(paths) == 1)
        keys = [_key(*training.mentions(record)) for record in read.records]
        files.append(_File(name, read, keys, *facts_of(training, read, keys), statistics_of(training, read.records, keys)))
    labels = _label_rows(training, files)
    rows = [_file_row(file) for file in files]
    if model is not None:
        all_labels = [str(row["label"]) for row in labels]
        encoding = _encoding(training, model, all_labels, files[0].read.records, max_length, report)
        for row, file in zip(rows, files, strict=True):
            row |= _encoded(encoding, file)
    elif max_length is not None:
        raise ConfigurationError("--max-length needs --model, whose sub-words it counts")
    leaks = [_leak_row(first, second) for place, first in enumerate(files) for second in files[place + 1 :]]
    for file in files:
        file.listed["leaks"] = [line for row in leaks if row["second"] == file.name for line in row.pop("listed")]
    of_labels = _few_shot_findings if training.score is None else _label_findings
    findings = [*_file_findings(training, rows, files), *of_labels(labels, files), *_leak_findings(leaks, files)]
    findings += [*_only_label_findings(training, files[0]), *_unfit_findings(training, files[0])]
    findings += [] if no_label is None else _none_findings(no_label, labels, files)
    statistics = {file.name: file.statistics for file in files}
    return {
        "task": task.name, "files": rows, "labels": labels, "mentions": _mention_rows(training, files),
        "together": together_rows(statistics), "leaks": leaks, "drift": drift_rows(statistics), "findings": findings,
    }  # fmt: skip


def check_paths(paths: Sequence[Path]) -> None:
    """Refuse a path that is given twice, or does not exist, before anything is read.

    Raises:
        ConfigurationError: a path is given twice.
        DataError: a path does not exist.
    """
    twice = next((path for place, path in enumerate(paths) if path in paths[:place]), None)
    if twice is not None:
        raise ConfigurationError(f"{twice}: given twice; name each file once")
    missing = next((path for path in paths if not path.exists()), None)
    if missing is not None:
        raise file_not_found(missing)


def unread(path: Path, error: DataError) -> ReadResult[Any]:
    """The result of one of several files that cannot be read at all: no records, and a note with the reason."""
    inside = None if str(error.path) == str(path) else error.path  # a file of a folder
    found = DataError(error.message, path=inside, line=error.line, record=error.record, field=error.field)
    return ReadResult([], notes=[str(found)])


def _read(training: Training[Any], path: Path, reading: Reading, before: Sequence[_File], *, alone: bool) -> ReadResult[Any]:
    """The records of a file, with labels as a model of the first file has them.

    Raises:
        DataError: the file cannot be read at all, and there are no others.
    """
    try:
        read = training.records(path, replace(reading, skip_bad=True))
    except DataError as error:
        if alone:
            raise
        return unread(path, error)
    if training.as_model is None or not before:
        return read
    return training.as_model(read, labels_of(training, before[0].read.records))


def names_of(paths: Sequence[Path]) -> list[str]:
    """File names; whole paths if names are repeated, or there is none (`.`)."""
    once = Counter(path.name for path in paths)
    return [path.name if path.name and once[path.name] == 1 else str(path) for path in paths]


def _key(text: str, mentions: Iterable[tuple[int, int]]) -> Key:
    return text, tuple(mentions)


def _label_rows(training: Training[Any], files: Sequence[_File]) -> list[dict[str, Any]]:
    order = labels_of(training, [record for file in files for record in file.read.records])
    return [{"label": label} | {file.name: file.statistics.labels[label] for file in files} for label in order]


def _mention_rows(training: Training[Any], files: Sequence[_File]) -> list[dict[str, Any]]:
    counts = [mentions_per_label(training, file.read) for file in files]
    labels = sorted({label for count in counts for label in count})
    return [
        {"label": label} | {file.name: count.get(label, 0) for file, count in zip(files, counts, strict=True)}
        for label in labels
    ]


def _file_row(file: _File) -> dict[str, Any]:
    return {
        "file": file.name,
        **file.counts,
        **file.statistics.facts(),
        "unused": dict(file.read.unused),
        "dropped": dict(file.read.dropped),
        "errors": file.read.left_out,
        "notes": file.read.remarks(),
        "listed": file.listed,
        "characters": spread([len(text) for text in file.texts]),
    }


def _encoding(
    training: Training[Any],
    model: str,
    labels: Sequence[str],
    records: Sequence[Any],
    max_length: int | None,
    report: Callable[[str], None],
) -> Encoding:
    """Encoding of a checkpoint of the task, or of an encoder as `loreweave finetune` would start it."""
    from loreweave.encoding.model_names import resolve
    from loreweave.tasks.jobs.checkpoints import load_checkpoint_of, task_of

    source = resolve(model)
    if task_of(source) == training.name:
        if max_length is not None:
            raise ConfigurationError(f"{model}: a fine-tuned checkpoint has its own limit; leave --max-length out")
        found = load_checkpoint_of(training, source).encoding
    else:
        report(f"encoding for {model}")
        config = _settings(training, records, max_length=max_length)
        found = training.build(str(source), labels or ["any"], config).encoding
    return found.sentences if isinstance(found, EpisodesEncoding) else found


def _settings(training: Training[Any], records: Sequence[Any], **changes: Any) -> FinetuningConfig:
    """Settings with which `loreweave finetune` would train on such records."""
    config = fill(training.config, changes)
    return config if training.adapt is None else training.adapt(config, records)


def _encoded(encoding: Encoding, file: _File) -> dict[str, Any]:
    """Number of sub-words after truncation, and what was truncated in this file only."""
    own = copy(encoding)  # each file counts separately
    with records_of(file.name):
        lengths = [example.length for example in own.encode(file.read.records)]
    return {"sub_words": spread(lengths), "cut": own.report()}


def _leak_row(first: _File, second: _File) -> dict[str, Any]:
    """Records of the second file that are also in the first: the same text, and whether with the same mentions."""
    texts, keys = set(first.texts), set(first.keys)
    leaks = [
        (f"{place}: {text!r}" + (", with its mentions" if spans and (text, spans) in keys else ""), (text, spans) in keys)
        for place, (text, spans) in zip(places_of(second.read), second.keys, strict=True)
        if text in texts
    ]
    return {
        "first": first.name,
        "second": second.name,
        "same_text": len(leaks),
        "same_mentions": sum(whole for _, whole in leaks),
        "listed": [f"{line} (of {first.name})" for line, _ in leaks],
    }


_SAME = " with the same mentions"
_COUNTED = {  # name -> what is said of one, of any other number; {same} is _SAME if a file has mentions
    "bad": ("bad record, which 'finetune --skip-bad' leaves out", "bad records, which 'finetune --skip-bad' leaves out"),
    "repeated_ids": (
        "record repeats an id, by which score finds its prediction (--list repeated_ids)",
        "records repeat an id, by which score finds their predictions (--list repeated_ids)",
    ),
    "unlabelled": ("record without a label", "records without a label"),
    "misaligned": (
        "mention cuts a word or has blanks at its edges (--list misaligned)",
        "mentions cut a word or have blanks at their edges (--list misaligned)",
    ),
    "duplicates": ("record repeats a text{same}", "records repeat a text{same}"),
    "conflicts": ("text{same} has several labels", "texts{same} have several labels"),
    "overlaps": ("record has mentions that overlap", "records have mentions that overlap"),
}


def _file_findings(training: Training[Any], rows: Sequence[dict[str, Any]], files: Sequence[_File]) -> list[str]:
    """If a task predicts mentions, a text may have none, but not all texts of a file."""
    found = []
    for row, file in zip(rows, files, strict=True):
        for name, words in _COUNTED.items():
            if row[name] and not (name == "unlabelled" and training.finds is not None):
                said = counted(row[name], *words).format(same=_SAME if row["mentions"] else "")
                found.append(f"{row['file']}: {said}")
        if not file.keys:
            found.append(f"{row['file']}: no record is left")
        elif row["unlabelled"] == len(file.keys):
            found.append(f"{row['file']}: no record has a label")
        for name in ("unused", "dropped"):
            found += [f"{row['file']}: {count} {name}, {reason}" for reason, count in sorted(row[name].items())]
        found += [f"{row['file']}: {note}" for note in row["notes"]]
        if row.get("cut"):
            found.append(f"{row['file']}: {row['cut']}")
    return found


def _label_findings(labels: Sequence[dict[str, Any]], files: Sequence[_File]) -> list[str]:
    if len(files) < 2:
        return []
    train = files[0].name
    found = []
    for file in files[1:]:
        unseen = [str(row["label"]) for row in labels if row[file.name] and not row[train]]
        if unseen:
            found.append(f"{file.name}: labels that are not in {train}: {', '.join(unseen)}")
    return found


def _only_label_findings(training: Training[Any], train: _File) -> list[str]:
    records = train.read.records
    labels = labels_of(training, records)
    if not training.cannot_learn(_settings(training, records), labels):
        return []
    return [f"{train.name}: all records have the label {labels[0]}; a model needs two or more labels to learn from"]


def _unfit_findings(training: Training[Any], train: _File) -> list[str]:
    """Records that `loreweave finetune` with its default settings would refuse in a training file."""
    if training.unfit is None:
        return []
    records = train.read.records
    config = _settings(training, records)
    places = zip(places_of(train.read), records, strict=True)
    refused = [(place, error) for place, record in places if (error := training.unfit(config, record)) is not None]
    if not refused:
        return []
    place, error = refused[0]
    many = counted(len(refused), "record")
    return [f"{train.name}: as a training file, finetune refuses {many}; {place}, field {error.field!r}: {error.message}"]


def _few_shot_findings(labels: Sequence[dict[str, Any]], files: Sequence[_File]) -> list[str]:
    """A label must be new in the evaluation, and needs one sentence for the support and one for the query."""
    source, found = files[0].name, []
    for file in files:
        rare = [str(row["label"]) for row in labels if row[file.name] == 1]
        if rare:
            found.append(f"{file.name}: labels of a single record, too few for support and query: {', '.join(rare)}")
        known = [str(row["label"]) for row in labels if row[file.name] and row[source]]
        if known and file is not files[0]:
            found.append(f"{file.name}: labels that are also in {source}, so they are not unseen: {', '.join(known)}")
        if copies := len(file.texts) - len(set(file.texts)):
            found.append(
                f"{file.name}: {counted(copies, 'record copies', 'records copy')} the text of another: "
                "if one is in the support and the other in the query, any model is right"
            )
    return found


def _none_findings(no_label: str, labels: Sequence[dict[str, Any]], files: Sequence[_File]) -> list[str]:
    """Number of records without any of the other labels.

    Raises:
        ConfigurationError: no record of any file has that label.
    """
    names = [str(row["label"]) for row in labels]
    if no_label not in names:
        raise ConfigurationError(f"setting 'no_label': {no_label!r} is not a label{unknown_name(no_label, names)}")
    row = labels[names.index(no_label)]
    return [
        f"{file.name}: {counted(row[file.name], 'record has', 'records have')} the label for 'no relation' ({no_label!r}), of "
        f"{len(file.read.records)}"
        for file in files
    ]


def _leak_findings(leaks: Sequence[dict[str, Any]], files: Sequence[_File]) -> list[str]:
    mentions = any(spans for file in files for _, spans in file.keys)
    return [
        f"{row['second']}: {counted(row['same_text'], 'record has', 'records have')} a text of {row['first']}"
        + (f", {row['same_mentions']} with its mentions" if mentions else "")
        for row in leaks
        if row["same_text"]
    ]
