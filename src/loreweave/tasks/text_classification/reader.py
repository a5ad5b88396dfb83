"""Files of text classification: GLUE, tables, JSON and Parquet; what annotators and programs write is checked for sense."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.reading import content_suffix
from loreweave.corpus.files.records import BINARY_SUFFIXES, check_not_empty, read_records
from loreweave.corpus.plausibility import label_notes, refuse_labels
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.text_classification import layouts
from loreweave.tasks.text_classification.columns import parse_columns
from loreweave.tasks.text_classification.layouts import FORMATS, Opened
from loreweave.tasks.text_classification.record import TextRecord, has_numbers

_TABLES = (".csv", ".tsv")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?", re.ASCII)
_FEW, _FEW_TEXTS = 30, 4
"""Records from which on labels (texts) that hardly ever come again are doubted."""


def read(path: Path, format: str | None = None, skip_bad: bool = False, names: Sequence[str] = ()) -> ReadResult[TextRecord]:
    """Read a file (plain, .gz, .xz, .bz2), a table or a saved data set.

    Args:
        path: the file.
        format: one of `FORMATS`, with columns behind it where their names do not say what they hold
            (`table:text=review,label=stars`); None recognises it.
        skip_bad: leave bad records out, count and list them, instead of an error at the first.
        names: of classes that are numbers, from 0.

    Raises:
        DataError: names the file, the record and the field.
        ConfigurationError: no such format.
    """
    check_not_empty(path)
    name, colon, given = (format or recognise(path)).partition(":")
    if name not in FORMATS:
        raise ConfigurationError(f"unknown format {name!r}; this task reads {', '.join(FORMATS)}")
    opened = FORMATS[name].open(path, parse_columns(name, given) if colon else {}, names)
    found = read_records(path, name, skip_bad, {name: opened.format}, recognise)
    result = _of_one_kind(found, opened, name, path)
    try:
        notes = _notes(result.records, opened, name)
    except DataError as error:
        raise DataError(error.message, path=path, field=error.field) from None
    return replace(result, notes=[*result.notes, *opened.notes, *notes])


def recognise(path: Path) -> str:
    """The format of a file, by its name and its first row."""
    suffix = content_suffix(path)
    if path.is_dir() or suffix in BINARY_SUFFIXES or (suffix not in _TABLES and first_character(path) in ("{", "[")):
        return "json"
    _, first = next(layouts.tab_rows(path))
    return "glue" if suffix != ".csv" and layouts.is_glue(first) else "table"


def _of_one_kind(read: ReadResult[TextRecord], opened: Opened, name: str, path: Path) -> ReadResult[TextRecord]:
    """All labels as classes or all as numbers: as numbers where any has a fraction, and the user did not say what they are.

    Raises:
        DataError: a class among numbers.
    """
    labels = [record.label for record in read.records if record.label is not None]
    said = opened.columns.chosen or opened.columns.score is not None
    fractions = any("." in label or "," in label for label in labels if isinstance(label, str))
    guessed = fractions and all(isinstance(label, float) or _NUMBER.fullmatch(label) for label in labels)
    if said or not (has_numbers(read.records) or guessed):
        return read
    records = []
    for place, record in zip(read.places, read.records, strict=True):
        try:
            records.append(replace(record, label=layouts.number_of(record.label, str(opened.columns.label))))
        except DataError as error:
            way_out = f"{error.message}, as other records have (--format {name}:text=...,label=... reads all as classes)"
            raise DataError(way_out, path=path, record=place, field=error.field) from None
    note = f"labels are read as numbers, not as classes (--format {name}:text=...,label=... reads them as classes)"
    return replace(read, records=records, notes=[*read.notes, note])


def _notes(records: Sequence[TextRecord], opened: Opened, name: str) -> list[str]:
    """What is odd about texts and labels, a line each.

    Raises:
        DataError: texts that are numbers, or labels that are texts or tags.
    """
    columns, notes = opened.columns, list[str]()
    others = columns.others(opened.keys)
    if columns.label is None and columns.score is None and others:
        way_out = f"--format {name}:text=...,label=COLUMN chooses one"
        notes.append(f"no column is known as that of the label ({listed(others, 8)}); {way_out}")
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
            f"found another label for each record, and texts that come again: are {columns.label!r} the texts and "
            f"{columns.text!r} the labels?",
            field="label",
        )
    if labels.total() >= _FEW and 2 * len(labels) > labels.total():
        shown = listed(map(repr, labels), 3)
        notes.append(f"{len(labels)} classes in {counted(labels.total(), 'record')} ({shown}): are these labels?")
    return notes if all(map(str.isdecimal, labels)) else [*notes, *label_notes(labels)]
