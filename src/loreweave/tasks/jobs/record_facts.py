"""Counts over the records of one file that need no model, with the place of each case."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from loreweave.corpus.files.read_result import R, ReadResult
from loreweave.corpus.mentions.alignment import misaligned, shortened
from loreweave.corpus.words import word_offsets
from loreweave.errors import DataError
from loreweave.tasks.contract import Training
from loreweave.training.settings.finetuning import FinetuningConfig

Span = tuple[int, int]
Key = tuple[str, tuple[Span, ...]]

_COUNTS = ("bad", "repeated_ids", "unlabelled", "misaligned", "overlaps", "duplicates", "conflicts")
LISTED = ("bad", "unused", "dropped", "odd", *_COUNTS[1:], "leaks")
"""Kinds that `loreweave check --list` lists."""
PRETRAINING = "pretraining"
"""Given to `loreweave check` instead of a task: texts for pre-training."""
LISTED_OF_TEXTS = ("bad", "unused", "dropped", "without_mentions", "misaligned", "duplicates", "leaks")
"""Kinds that `loreweave check pretraining --list` lists."""


def places_of(read: ReadResult[Any]) -> list[str]:
    """Place of each record; its id if the reader has no place."""
    if len(read.places) == len(read.records):
        return read.places
    return [f"record {record.id}" for record in read.records]


def check_fit(
    training: Training[Any], config: FinetuningConfig, read: ReadResult[Any], path: Path, skip_bad: bool
) -> ReadResult[Any]:
    """Refuse (or leave out and count) training records that do not fit the settings.

    Raises:
        DataError: names the file and the place of the first one.
    """
    unfit = training.unfit
    if unfit is None:
        return read
    return accepted(read, path, skip_bad, partial(unfit, config), partial(_unfit_reason, training))


def accepted(
    read: ReadResult[R],
    path: Path,
    skip_bad: bool,
    error_of: Callable[[R], DataError | None],
    reason_of: Callable[[R, DataError], str],
) -> ReadResult[R]:
    """The records without an error. The first error is raised, with the file and the place; with `skip_bad`, records that have
    one are left out and counted under their reason."""
    kept = read.account()
    for place, record in zip(places_of(read), read.records, strict=True):
        found = error_of(record)
        if found is None:
            kept.records.append(record)
            kept.places.append(place)
        elif not skip_bad:
            raise DataError(found.message, path=path, record=place, field=found.field)
        else:
            kept.leave_out(reason_of(record, found), f"{place}: field {found.field!r}: {found.message}")
    return kept


def _unfit_reason(training: Training[Any], record: Any, found: DataError) -> str:
    """Name of the count of records that training leaves out, as this one."""
    if not training.labels([record]):
        return f"without {found.field}"
    what = "labels that do not go" if found.field == "labels" else f"{found.field} that does not go"
    return f"{what} with the settings"


def labels_of(training: Training[Any], records: Sequence[Any]) -> list[str]:
    """Labels of records, without the one for none."""
    return [label for label in training.labels(records) if label != training.no_label]


def words_of(training: Training[Any], record: Any, text: str) -> Sequence[Span]:
    """Characters of the words of a record: its own if it has any, otherwise words of the text."""
    return _words_in(text) if training.words is None else training.words(record)


@lru_cache(maxsize=1)
def _words_in(text: str) -> Sequence[Span]:
    """The words of a text; one that is the text of many records, such as mentions or questions, is split once."""
    return word_offsets(text)


def facts_of(
    training: Training[Any], read: ReadResult[Any], keys: Sequence[Key]
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Counts of one file, and lines that list what was counted, each with its place.

    A conflict is a text with the same mentions and different labels. `mentions` counts those with a label.
    """
    listed: dict[str, list[str]] = {name: [] for name in LISTED if name != "leaks"}
    listed["bad"] = list(read.left_out)
    for kind, line in read.lost:
        listed[kind].append(line)
    first: dict[Key, str] = {}
    ids: dict[str, str] = {}
    labels: dict[Key, dict[tuple[str, ...], str]] = defaultdict(dict)
    words = 0
    for place, key, record in zip(places_of(read), keys, read.records, strict=True):
        text, mentions = key
        own, found = words_of(training, record, text), tuple(labels_of(training, [record]))
        words += len(own)
        listed["misaligned"] += [f"{place}: {what}" for what in misaligned(own, text, mentions)]
        id = getattr(record, "given_id", None) or record.id  # without the number that `with_own_ids` adds
        if id and id in ids:
            listed["repeated_ids"].append(f"{place}: {id!r}, as {ids[id]}")
        ids.setdefault(id, place)
        if not found:
            listed["unlabelled"].append(f"{place}: {shortened(text)}")
        if (pair := _overlap(mentions)) is not None:
            listed["overlaps"].append(f"{place}: {text[slice(*pair[0])]!r} and {text[slice(*pair[1])]!r}")
        if key in first:
            listed["duplicates"].append(f"{place}: as {first[key]}, {shortened(text)}")
        first.setdefault(key, place)
        labels[key].setdefault(found, place)
    conflicts = {key: given for key, given in labels.items() if len(given) > 1}
    for (text, _), given in conflicts.items():
        each = "; ".join(f"{place} {', '.join(found) or 'none'}" for found, place in given.items())
        listed["conflicts"].append(f"{each}: {shortened(text)}")
    counts = {name: len(listed[name]) for name in _COUNTS}
    sizes = {"records": len(keys), "texts": len({text for text, _ in keys}), "words": words}
    return sizes | mention_counts(training, read, keys) | counts, listed


def mention_counts(training: Training[Any], read: ReadResult[Any], keys: Sequence[Key]) -> dict[str, int]:
    """Number of sentences and of mentions, if a task predicts mentions in sentences; otherwise of mentions."""
    mentions = sum(len(spans) for _, spans in keys)
    return {"mentions": mentions} if training.finds is None else {"sentences": len(read.records), "mentions": mentions}


def mentions_per_label(training: Training[Any], read: ReadResult[Any]) -> Mapping[str, int]:
    """Label -> number of mentions, for a task whose mentions have labels of their own; empty for others."""
    if training.mention_labels is None:
        return {}
    return Counter(label for record in read.records for label in training.mention_labels(record))


def _overlap(spans: Sequence[Span]) -> tuple[Span, Span] | None:
    """Two mentions of one record that share characters."""
    ordered = sorted(spans)
    for first, second in zip(ordered, ordered[1:], strict=False):
        if first[1] > second[0]:
            return first, second
    return None
