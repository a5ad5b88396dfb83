"""Reads files of text classification, and checks whether texts and labels are plausible."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from loreweave.corpus.class_labels import NO_LABEL, UNUSED_NAMES
from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import check_not_empty, read_records
from loreweave.corpus.plausibility import label_notes, refuse_labels
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.text_classification.columns import parse_columns
from loreweave.tasks.text_classification.formats import FORMATS, Opened, number_of, recognise
from loreweave.tasks.text_classification.record import NUMBER, TextRecord, has_numbers

_AS_CLASSES = "labels are read as classes"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"-?\d+", re.ASCII)
_HIDDEN = str(NO_LABEL)
_FRACTION = re.compile(r"[+-]?\d*\.\d+", re.ASCII)
_FEW, _FEW_TEXTS = 30, 4
"""Number of records from which labels that are nearly all different (and texts that are all numbers) are doubted."""


def read(path: Path, format: str | None = None, skip_bad: bool = False, names: Sequence[str] = ()) -> ReadResult[TextRecord]:
    """Read a file (plain, .gz, .xz, .bz2), a table or a saved data set.

    Args:
        path: the file.
        format: one of `FORMATS`, followed by the columns if their names do not say what they hold
            (`table:text=review,label=stars`). None: recognised.
        skip_bad: leave out bad records, count and list them, instead of raising an error at the first.
        names: names of the classes, if the file has numbers instead.

    Raises:
        DataError: names the file, the record and the field.
        ConfigurationError: an unknown format.
    """
    check_not_empty(path)
    name, colon, given = (format or recognise(path)).partition(":")
    if name not in FORMATS:
        raise ConfigurationError(f"unknown format {name!r}; this task reads {', '.join(FORMATS)}")
    opened = FORMATS[name].open(path, parse_columns(name, given) if colon else {}, names)
    found = read_records(path, name, skip_bad, {name: opened.format}, recognise)
    unused = [UNUSED_NAMES] if names and _has_names(path, name, colon + given) else []
    result = _of_one_kind(found, opened, name, path)
    try:
        notes = _notes(result.records, opened, name)
    except DataError as error:
        raise DataError(error.message, path=path, field=error.field) from None
    return replace(result, notes=[*result.notes, *opened.notes, *unused, *notes])


def _has_names(path: Path, name: str, given: str) -> bool:
    """Whether a file has labels, and none of them is a number."""
    layout = FORMATS[name].open(path, parse_columns(name, given[1:]) if given else {}, ()).format
    labels = [record.label for record in read_records(path, name, True, {name: layout}, recognise).records]
    kept = [label for label in labels if label is not None]
    return bool(kept) and not any(isinstance(label, float) or _WHOLE.fullmatch(label) for label in kept)


def _of_one_kind(read: ReadResult[TextRecord], opened: Opened, name: str, path: Path) -> ReadResult[TextRecord]:
    """All labels as classes, or all as numbers: numbers if any has a fraction and the user did not choose.

    Raises:
        DataError: a class among numbers.
    """
    columns = opened.columns
    # GLUE's own labels have no fractions: a file of numbers can have the header of one of its tasks.
    chosen, format = (False, "table") if name == "glue" else (columns.chosen, name)
    read = _without_hidden_labels(read)
    labels = [record.label for record in read.records if record.label is not None]
    if columns.score is not None or not any(isinstance(each, float) or _FRACTION.fullmatch(each) for each in labels):
        return read
    numbers = all(isinstance(label, float) or _NUMBER.fullmatch(label) for label in labels)
    whole = numbers and all(float(label).is_integer() for label in labels)
    note = f"{_AS_CLASSES}, not as numbers (--format {format}:text=...,score=... reads them as numbers)"
    if chosen or whole or not (numbers or has_numbers(read.records)):
        records = [replace(record, label=_class_of(record.label, whole and not chosen)) for record in read.records]
        return replace(read, records=records, notes=[*read.notes, *([note] if whole and not chosen else [])])
    records = []
    for place, record in zip(read.places, read.records, strict=True):
        try:
            records.append(replace(record, label=number_of(record.label, str(columns.label))))
        except DataError as error:
            way_out = f"{error.message}, as other records have (--format {format}:text=...,label=... reads all as classes)"
            raise DataError(way_out, path=path, record=place, field=error.field) from None
    note = f"labels are read as numbers, not as classes (--format {format}:text=...,label=... reads them as classes)"
    return replace(read, records=records, notes=[*read.notes, note])


def as_model(read: ReadResult[TextRecord], labels: Sequence[str]) -> ReadResult[TextRecord]:
    """The same with numbers in place of classes that are numbers, for a model of numbers: a file without fractions has such
    classes.
    """
    names = [record.label for record in read.records if record.label is not None]
    if list(labels) != [NUMBER] or not names or not all(isinstance(name, str) and _NUMBER.fullmatch(name) for name in names):
        return read
    records = [r if r.label is None else replace(r, label=number_of(r.label, "label")) for r in read.records]
    notes = [note for note in read.notes if not note.startswith(_AS_CLASSES)]
    return replace(read, records=records, notes=[*notes, "labels are read as numbers, as those of the training data"])


def _class_of(label: str | float | None, whole: bool) -> str | None:
    """The name of a class; of numbers that are all `whole` without the point, as of 1.0."""
    if label is None or (isinstance(label, str) and not whole):
        return label
    return str(int(float(label))) if float(label).is_integer() else str(label)


def _without_hidden_labels(read: ReadResult[TextRecord]) -> ReadResult[TextRecord]:
    """Records without the label -1, if it stands for "no label", as in data sets of Hugging Face.

    It does if all labels are -1, or if the others are numbers from 0 to 2 or more. In -1, 0, 1 it may be a class.
    """
    labels = {record.label for record in read.records if record.label is not None}
    if _HIDDEN not in labels or not all(isinstance(label, str) and _WHOLE.fullmatch(label) for label in labels):
        return read
    numbers = sorted(int(label) for label in labels)
    if numbers[0] != NO_LABEL or (len(numbers) > 1 and numbers[-1] < 2):
        return read
    records = [replace(record, label=None) if record.label == _HIDDEN else record for record in read.records]
    hidden = sum(record.label == _HIDDEN for record in read.records)
    note = f"{counted(hidden, 'record has', 'records have')} no label (-1 stands for 'no label')"
    return replace(read, records=records, notes=[*read.notes, note])


def _notes(records: Sequence[TextRecord], opened: Opened, name: str) -> list[str]:
    """Notes about unusual texts and labels, one line each.

    Raises:
        DataError: the texts are numbers, or the labels are texts or tags.
    """
    columns, notes = opened.columns, list[str]()
    others = columns.others(opened.keys)
    if columns.label is None and columns.score is None and others and name != "glue":
        way_out = f"--format {name}:text=...,label=COLUMN chooses one"
        notes.append(f"no column has the name of a label, found {listed(others, 8)} ({way_out})")
    elif others and not columns.chosen:
        notes.append(f"the columns are {columns}; not read: {listed(others, 8)}")
    texts = [record.text for record in records]
    if len(texts) >= _FEW_TEXTS and all(_NUMBER.fullmatch(text.strip()) for text in texts):
        shown = listed(map(repr, texts), 3)
        raise DataError(f"found numbers as texts ({shown}): is {columns.text!r} the column of the texts?", field="text")
    if blank := sum(not each.strip() for record in records for each in (record.text, record.text_pair) if each is not None):
        notes.append(f"{counted(blank, 'text is', 'texts are')} blank")
    labels = Counter(record.label for record in records if isinstance(record.label, str))
    refuse_labels(labels)
    if len(records) >= _FEW_TEXTS and len(labels) == len(records) > len(set(texts)):
        raise DataError(
            f"found a different label for each record, but repeated texts: are {columns.label!r} the texts and "
            f"{columns.text!r} the labels?",
            field="label",
        )
    if labels.total() >= _FEW and 2 * len(labels) > labels.total():
        shown = listed(map(repr, labels), 3)
        notes.append(f"{len(labels)} classes in {counted(labels.total(), 'record')} ({shown}): are these labels?")
    return notes if all(map(str.isdecimal, labels)) else [*notes, *label_notes(labels)]
