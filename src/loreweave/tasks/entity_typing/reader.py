"""Files of entity typing: Open Entity in ERNIE's layout, the crowd data of UFET, and annotated text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loreweave.tasks import record_files
from loreweave.tasks.record_files import FileFormat, Row, as_row, check_span, first_row, read_records, recognise_by_keys
from loreweave.tasks.registry import ReadResult

COARSE_LABELS = ("entity", "event", "group", "location", "object", "organization", "person", "place", "time")
"""The nine labels of Open Entity, in the order of the published checkpoints' classes (specs/luke.md 4.1)."""


@dataclass(frozen=True, slots=True)
class TypingRecord:
    """A mention in its text, and its gold types (none where nobody knows them).

    Raises:
        DataError: the characters `text[start:end]` are empty, blank or outside the text.
    """

    id: str
    text: str
    start: int
    end: int
    labels: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_span(self.text, self.start, self.end)

    @property
    def mention(self) -> str:
        """The characters that are typed."""
        return self.text[self.start : self.end]


def read(path: Path, format: str | None = None, skip_bad: bool = False) -> ReadResult[TypingRecord]:
    """Read a file (.json or .jsonl; plain, .gz, .xz, .bz2).

    Args:
        path: the file.
        format: one of `FORMATS`; None recognises it by the keys of the first record.
        skip_bad: leave bad records out, count and list them, instead of an error at the first.

    Raises:
        DataError: names the file, the record and the field.
    """
    return read_records(path, format, skip_bad, FORMATS, _recognise)


def labels_of(records: Sequence[TypingRecord]) -> list[str]:
    """The sorted set of labels, which is the order of the classes."""
    return sorted({label for record in records for label in record.labels})


def mentions_of(record: TypingRecord) -> tuple[str, Sequence[tuple[int, int]]]:
    """Its text and the characters of its mentions."""
    return record.text, [(record.start, record.end)]


def query(row: Row, id: str) -> list[TypingRecord]:
    """One JSON object that asks for types: `text` (or `sent`), `start`, `end`; gold `labels` are kept if given."""
    return _ernie({"labels": [], "id": row.get("id", id), **row}, id)


def ask(text: str, mentions: Sequence[tuple[int, int]], id: str) -> list[TypingRecord]:
    """One record for each mention of a text."""
    return [TypingRecord(f"{id}:{start}-{end}", text, start, end) for start, end in mentions]


def _ernie(row: Row, id: str) -> list[TypingRecord]:
    """`sent` (or `text`), `start`, `end`, `labels`; other keys are metadata."""
    row = as_row(row)
    key = "sent" if "sent" in row else "text"
    text = record_files.field(row, key, str)
    start, end = record_files.field(row, "start", int), record_files.field(row, "end", int)
    metadata = {name: value for name, value in row.items() if name not in (key, "start", "end", "labels", "id")}
    return [TypingRecord(str(row.get("id", id)), text, start, end, _labels(row, "labels"), metadata)]


def _ufet(row: Row, id: str) -> list[TypingRecord]:
    """`left_context_token`, `mention_span`, `right_context_token`, `y_str` (UFET); tokens joined by spaces."""
    row = as_row(row)
    left = " ".join(record_files.words(row, "left_context_token"))
    mention = record_files.field(row, "mention_span", str)
    right = " ".join(record_files.words(row, "right_context_token"))
    start = len(left) + 1 if left else 0
    text = " ".join(part for part in (left, mention, right) if part)
    known = ("left_context_token", "mention_span", "right_context_token", "y_str", "annot_id")
    metadata = {name: value for name, value in row.items() if name not in known}
    return [TypingRecord(str(row.get("annot_id", id)), text, start, start + len(mention), _labels(row, "y_str"), metadata)]


def _ufet_coarse(row: Row, id: str) -> list[TypingRecord]:
    """UFET with the nine general labels of Open Entity alone (specs/luke.md 6.2)."""
    row = as_row(row)
    return _ufet({**row, "y_str": [label for label in _labels(row, "y_str") if label in COARSE_LABELS]}, id)


def _annotated_text(row: Row, id: str) -> list[TypingRecord]:
    """Annotated text: each mention with a label is a record; several labels of one span are one record."""
    from loreweave.corpus.annotated_text import AnnotatedText

    text = AnnotatedText.from_dict(as_row(row))
    labels: dict[tuple[int, int], list[str]] = {}
    for mention in text.mentions:
        if mention.label is not None:
            labels.setdefault((mention.start, mention.end), []).append(mention.label)
    return [
        TypingRecord(f"{text.id}:{start}-{end}", text.text, start, end, tuple(names), {**text.metadata, "doc": text.id})
        for (start, end), names in labels.items()
    ]


FORMATS: dict[str, FileFormat[TypingRecord]] = {
    "ernie": FileFormat("JSON list (or lines) of {sent, start, end, labels}: Open Entity as packed for ERNIE and LUKE", _ernie),
    "ufet": FileFormat("JSON lines of {left_context_token, mention_span, right_context_token, y_str}: UFET", _ufet),
    "ufet-coarse": FileFormat("the same with Open Entity's nine general labels alone", _ufet_coarse),
    "annotated-text": FileFormat("JSON lines of {id, text, mentions: [{start, end, label}]}", _annotated_text),
}

_SIGNS = {"left_context_token": "ufet", "mentions": "annotated-text", "sent": "ernie", "start": "ernie"}


def _recognise(path: Path) -> str:
    return recognise_by_keys(path, first_row(path), _SIGNS)


def _labels(row: Row, name: str) -> tuple[str, ...]:
    labels = record_files.words(row, name)
    return tuple(dict.fromkeys(labels))


def gold_rows(records: Sequence[TypingRecord], labels: Sequence[str]) -> Iterator[list[float]]:
    """One row of 0 and 1 per record. Labels that are not in `labels` must have been refused before."""
    index = {label: column for column, label in enumerate(labels)}
    for record in records:
        row = [0.0] * len(labels)
        for label in record.labels:
            row[index[label]] = 1.0
        yield row
