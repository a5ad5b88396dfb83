"""Records with labels that a model does not know: refused, or left out and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.read_result import R, ReadResult
from loreweave.corpus.files.records import describe_skipped
from loreweave.errors import DataError
from loreweave.tasks.contract import Reading, Training
from loreweave.tasks.jobs.record_facts import accepted, places_of
from loreweave.training.class_names import LABELS_WANTED, are_numbered


def read_known(
    training: Training[R], path: Path, reading: Reading, labels: Sequence[str], report: Callable[[str], None]
) -> ReadResult[R]:
    """The records of a file for a model; see `check_labels`. What is unusual in the file is reported, also if a label is
    an error, which it may explain.

    Raises:
        DataError: the file cannot be read, or has a record that cannot be scored, or a label that the model does not have.
    """
    found = training.records(path, reading)
    if training.as_model is not None:
        found = training.as_model(found, labels)
    try:
        found = _with_gold(training, found, path, reading.skip_bad)
        found = check_labels(training, found, labels, path, reading.skip_bad)
    finally:
        for line in describe_skipped(found, path):
            report(line)
    return found


def _with_gold(training: Training[R], read: ReadResult[R], path: Path, skip_bad: bool) -> ReadResult[R]:
    """Refuse (or leave out and count) records that cannot be scored, before anything is trained or predicted."""
    if training.unscored is None:
        return read
    return accepted(read, path, skip_bad, training.unscored, lambda _, error: f"without {error.field}")


def check_labels(
    training: Training[R], read: ReadResult[R], labels: Sequence[str], path: Path, skip_bad: bool
) -> ReadResult[R]:
    """Refuse (or leave out and count) records with a label that the model does not have. Records with any number of labels
    that say so (`labels_may_be_missed`) are kept: a model misses the others.

    Raises:
        DataError: names the label and the first record with it.
    """
    known = set(labels)
    kept = read.account()
    missed = Counter[str]()
    places = places_of(read)
    for place, record in zip(places, read.records, strict=True):
        unknown = [label for label in training.labels([record]) if label not in known]
        missable = bool(getattr(record, "labels_may_be_missed", False))
        missed.update(unknown if missable else ())
        if missable or not unknown:
            kept.records.append(record)
            kept.places.append(place)
            continue
        found = f"found the label {unknown[0]!r}"
        if not skip_bad:
            message = f"{found}, expected one of the model's: {listed(labels, 12)}{_way_out(unknown[0], labels)}"
            raise DataError(message, path=path, record=place, field="labels")
        kept.leave_out(f"label {unknown[0]!r} unknown to the model", f"{place}: {found}")
    if missed:
        names = listed(sorted(missed), 12)
        words = counted(missed.total(), "record has", "records have")
        kept.notes.append(f"{words} labels that the model does not know and cannot predict: {names}")
    if len(kept.records) < len(read.records):
        lost = len(read.records) - len(kept.records)
        words = counted(lost, "record with labels unknown to the model is", "records with labels unknown to the model are")
        kept.notes.append(f"{words} left out: the scores are those of the others")
    return kept


def _way_out(label: str, labels: Sequence[str]) -> str:
    if are_numbered(labels):
        return f"; {LABELS_WANTED}"
    same = next((name for name in labels if name.casefold() == label.casefold()), None)
    if same is not None:
        return f" ({same!r} differs only in case; 'loreweave evaluate' takes --labels FILE, one name per class in their order)"
    return " (--skip-bad leaves such records out and counts them; the scores are of the others then)"
