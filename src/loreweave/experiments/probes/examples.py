"""Data of the probes: labelled mentions, or pairs of mentions, from the files that the tasks read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted, tallied
from loreweave.corpus.files.reading import sha256_of_data
from loreweave.corpus.files.records import describe_skipped
from loreweave.corpus.files.rows import LeftOut, Span
from loreweave.errors import ConfigurationError, DataError
from loreweave.experiments.probes.settings import ProbeConfig, ProbeName
from loreweave.random_streams import stream
from loreweave.tasks.contract import Reading
from loreweave.tasks.files.data_folder import split_file
from loreweave.tasks.files.splits import hold_out
from loreweave.tasks.registry import load_training
from loreweave.tasks.relations.document import RelationDocument, pair_records
from loreweave.tasks.relations.files import negative_label

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Example:
    """A mention, or a pair of mentions, with its labels.

    Attributes:
        id: name in messages.
        text: the text.
        spans: characters of the mention, or of head and tail.
        labels: its types, or its relation.
        metadata: other content of the file.
    """

    id: str
    text: str
    spans: tuple[Span, ...]
    labels: tuple[str, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)


Converter = Callable[[Any], Iterable[Example | LeftOut]]
"""A record of a task -> examples, and what is left out."""


def _typed(record: Any) -> Iterator[Example | LeftOut]:
    if record.labels:
        yield Example(record.id, record.text, ((record.start, record.end),), record.labels, record.metadata)
    else:
        yield LeftOut("mentions without a type")


def _tagged(record: Any) -> Iterator[Example | LeftOut]:
    """The gold mentions of a sentence; several types of the same characters are one example."""
    labels: dict[Span, list[str]] = {}
    for mention in record.mentions:
        labels.setdefault((mention.start, mention.end), []).append(str(mention.label))
    if not labels:
        yield LeftOut("texts without a mention")
    for span, names in labels.items():
        yield Example(f"{record.id}:{span[0]}-{span[1]}", record.text, (span,), tuple(dict.fromkeys(names)), record.metadata)


def _related(record: Any) -> Iterator[Example | LeftOut]:
    """A pair of mentions; the pairs of a document that have one relation."""
    for item in pair_records(record) if isinstance(record, RelationDocument) else (record,):
        if isinstance(item, LeftOut):
            yield item
        elif item.label is None:
            yield LeftOut("pairs without a label")
        else:
            yield Example(item.id, item.text, (item.head, item.tail), (item.label,), item.metadata)


@dataclass(frozen=True)
class Probe:
    """A kind of data and what is measured on it.

    Attributes:
        task: task that reads its files.
        convert: a record of the task -> examples.
        episodes: whether episodes are drawn from one file, instead of learning from one file and testing on another.
        negatives: whether a label for no relation may be among the labels; then the score is the micro F1 of the others.
        counts: what a labelled example is, in messages.
    """

    task: str
    convert: Converter
    episodes: bool = False
    negatives: bool = False
    counts: str = "mention"


PROBES: dict[ProbeName, Probe] = {
    "few_shot": Probe("few-shot-relation", _related, episodes=True, counts="relation"),
    "typing": Probe("entity-typing", _typed),
    "mention_types": Probe("ner", _tagged),
    "relations": Probe("relation-classification", _related, negatives=True, counts="relation"),
}


@dataclass(frozen=True)
class ProbeData:
    """A data set of a probe.

    Attributes:
        probe: name of the probe.
        name: name of the data set.
        path: training file, for messages.
        train: examples to learn from; of `few_shot`, those from which episodes are drawn.
        test: examples to test on; none of `few_shot`.
        multi_label: whether an example can have several labels.
        no_label: label of no relation, if there is one.
        facts: files and numbers for the results.
    """

    probe: ProbeName
    name: str
    path: Path
    train: list[Example]
    test: list[Example]
    multi_label: bool
    no_label: str | None
    facts: dict[str, Any]

    @property
    def examples(self) -> list[Example]:
        """Those to learn from, then those to test on."""
        return [*self.train, *self.test]


def read_data(probe: ProbeName, name: str, files: Sequence[Path], config: ProbeConfig, report: Report) -> ProbeData:
    """Read a data set.

    Args:
        files: a training and a test file, a folder with both, or one file.

    Raises:
        ConfigurationError: wrong number of files.
        DataError: names the file; see the readers. Or there is nothing to learn or to test.
    """
    kind = PROBES[probe]
    train_file, test_file = _files(probe, name, files)
    counts = Counter[str]()
    train = _read(probe, name, train_file, config, counts, report)
    if kind.episodes:
        test: list[Example] = []
    elif test_file is not None:
        test = _read(probe, name, test_file, config, counts, report)
    else:
        train, test = _held_out(train, train_file, f"{probe}.{name}", config, report)
    no_label = (_no_label(train) or _no_label(test)) if kind.negatives else None
    whole = {"train": len(train), "test": len(test)}
    train = _of_each_label(train, config) if kind.episodes else _of_texts(train, config, 0)
    test = _of_texts(test, config, 1)
    labels = Counter(label for example in train for label in example.labels)
    if len(labels) < 2:
        only = ", ".join(labels) or "none"
        raise DataError(f"found one label in {counted(len(train), 'example')} ({only}), expected two or more", path=train_file)
    for part, kept in (("train", train), ("test", test)):
        if len(kept) < whole[part]:
            used = f"{len(kept)} of {whole[part]} {part} examples are used"
            report(f"{probe}.{name}: {used}: max_texts={config.max_texts}")
    shared = len({example.text for example in test} & {example.text for example in train})
    if shared:
        texts = f"{counted(shared, 'text')} of the test {'is' if shared == 1 else 'are'}"
        report(f"{probe}.{name}: {texts} also in the training file")
    facts = {
        "probe": probe, "data": name, "task": kind.task,
        "files": {str(path): sha256_of_data(path) for path in (train_file, test_file) if path is not None},
        "train": len(train), "test": len(test), "train_in_file": whole["train"], "test_in_file": whole["test"],
        "labels": len(labels), "left_out": dict(counts), "test_texts_in_train": shared,
    }  # fmt: skip
    multi_label = not kind.episodes and any(len(example.labels) > 1 for example in (*train, *test))
    return ProbeData(probe, name, train_file, train, test, multi_label, no_label, facts)


def _files(probe: ProbeName, name: str, files: Sequence[Path]) -> tuple[Path, Path | None]:
    """Training file, and test file if there is one."""
    kind = PROBES[probe]
    most = 1 if kind.episodes else 2
    if not 1 <= len(files) <= most:
        expected = "one file" if kind.episodes else "TRAIN,TEST, a folder, or one file"
        raise ConfigurationError(f"{probe}.{name}: found {counted(len(files), 'file')}, expected {expected}")
    if len(files) == 2:
        return files[0], files[1]
    (place,) = files
    splits = load_training(kind.task).splits
    if place.is_dir() and (train := split_file(splits, place, "train")) is not None:
        test = None if kind.episodes else split_file(splits, place, "test") or split_file(splits, place, "dev")
        return train, test
    return place, None


def _read(probe: ProbeName, name: str, path: Path, config: ProbeConfig, counts: Counter[str], report: Report) -> list[Example]:
    """The labelled examples of a file; what is left out is reported and added to `counts`.

    Raises:
        ConfigurationError: a format that the task does not have.
        DataError: names the file; see the readers. Or there is no labelled example.
    """
    kind = PROBES[probe]
    try:
        reading = Reading(format=config.formats.get(name), skip_bad=config.skip_bad)
        found = load_training(kind.task).records(path, reading)
    except ConfigurationError as error:
        raise ConfigurationError(f"{probe}.{name}: {error}{_shared_format(name, config)}") from None
    for line in describe_skipped(found, path):
        report(line)
    counts.update(found.skipped)
    examples, lost = list[Example](), Counter[str]()
    for record in found.records:
        for item in kind.convert(record):
            if isinstance(item, LeftOut):
                lost[item.reason] += 1
            else:
                examples.append(item)
    if lost:
        report(f"{path}: left out: {tallied(lost)}")
    counts.update(lost)
    if not examples:
        shows = f"'loreweave check {kind.task} {path}' shows more"
        raise DataError(f"found no labelled {kind.counts}, expected some: {shows}", path=path)
    return examples


def _shared_format(name: str, config: ProbeConfig) -> str:
    """What to do if the format of a data set is also that of a data set of another probe; empty if it is not."""
    same = [f"{probe}.{name}" for probe, sets in config.given().items() if name in sets]
    if name not in config.formats or len(same) < 2:
        return ""
    return f"; formats.{name} is the format of {' and '.join(same)}; if theirs differ, give them different names"


def _held_out(
    examples: list[Example], path: Path, place: str, config: ProbeConfig, report: Report
) -> tuple[list[Example], list[Example]]:
    """Examples of a single file to learn from, and those to test on.

    Whole documents are held out if all examples name theirs and there are several, otherwise single texts.

    Args:
        path: the file.
        place: name of the data set with its probe.

    Raises:
        DataError: a part would be empty.
    """
    documents = [example.metadata.get("doc") for example in examples]
    single = len(set(map(str, documents))) == 1
    by = None if single or None in documents else "doc"
    what = "documents" if by else "texts"
    try:
        train, test = hold_out(examples, config.test_fraction, by, config.seed, lambda example: example.text)
    except DataError as error:
        expected = f"expected a part for the test and one to learn from; name a test file ({place}=TRAIN,TEST)"
        raise DataError(f"{error.message} by {what}, {expected}, or change test_fraction", path=path) from None
    why = ", because all are in one document" if single and documents[0] is not None else ""
    verb = "is" if len(test) == 1 else "are"
    report(f"{path}: {counted(len(test), 'example')} of {len(examples)} {verb} held out for the test, by {what}{why}")
    return train, test


def _no_label(examples: list[Example]) -> str | None:
    """The label for no relation, if an example has it."""
    return negative_label(list({example.labels[0] for example in examples}))


def _of_texts(examples: list[Example], config: ProbeConfig, part: int) -> list[Example]:
    """The examples of at most `max_texts` texts, drawn at random."""
    texts = list(dict.fromkeys(example.text for example in examples))
    if config.max_texts is None or len(texts) <= config.max_texts:
        return examples
    chosen = stream(config.seed, "texts of a probe", part).permutation(len(texts))[: config.max_texts]
    kept = {texts[number] for number in chosen}
    return [example for example in examples if example.text in kept]


def _of_each_label(examples: list[Example], config: ProbeConfig) -> list[Example]:
    """About `max_texts` examples, equally many of each label, and enough of each for an episode."""
    if config.max_texts is None or len(examples) <= config.max_texts:
        return examples
    groups: dict[str, list[int]] = {}
    for number, example in enumerate(examples):
        groups.setdefault(example.labels[0], []).append(number)
    each = max(config.max_texts // len(groups), max(config.shots) + config.queries)
    kept: list[int] = []
    for place, label in enumerate(sorted(groups)):
        order = stream(config.seed, "texts of a probe", place).permutation(len(groups[label]))[:each]
        kept += np.array(groups[label])[order].tolist()
    return [examples[number] for number in sorted(kept)]
