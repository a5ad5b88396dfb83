"""Files of entity typing: Open Entity in ERNIE's layout, the crowd data of UFET, and annotated text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loreweave.corpus.files import open_text, read_json, read_json_lines
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.registry import ReadResult

COARSE_LABELS = ("entity", "event", "group", "location", "object", "organization", "person", "place", "time")
"""The nine labels of Open Entity, in the order of the published checkpoints' classes (specs/luke.md 4.1)."""

Row = Mapping[str, Any]


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
        if not 0 <= self.start < self.end <= len(self.text):
            raise DataError(
                f"found the span ({self.start}, {self.end}) in a text of {len(self.text)} characters, "
                "expected 0 <= start < end <= length",
                field="end" if 0 <= self.start < len(self.text) else "start",
            )
        if not self.mention.strip():
            raise DataError(f"found a blank mention at ({self.start}, {self.end})", field="start")

    @property
    def mention(self) -> str:
        """The characters that are typed."""
        return self.text[self.start : self.end]


def read(path: Path, format: str | None = None, skip_bad: bool = False) -> ReadResult[TypingRecord]:
    """Read a file (.json or .jsonl; plain, .gz, .xz, .bz2).

    Args:
        path: the file.
        format: one of `FORMATS`; None recognises it by the keys of the first record.
        skip_bad: leave bad records out and count them, instead of an error at the first.

    Raises:
        DataError: names the file, the record and the field.
    """
    rows = _rows(path)
    if not rows:
        raise DataError("found no records", path=path)
    convert, _ = FORMATS[_known(format)] if format is not None else _recognised(rows[0][1], path)
    records: list[TypingRecord] = []
    skipped: Counter[str] = Counter()
    for number, (place, row) in enumerate(rows, 1):
        try:
            records += convert(row, str(number))
        except DataError as error:
            if not skip_bad:
                raise DataError(error.message, path=path, record=place, field=error.field) from None
            skipped[f"bad {error.field or 'record'}"] += 1
    return ReadResult(records, skipped)


def labels_of(records: Sequence[TypingRecord]) -> list[str]:
    """The sorted set of labels, which is the order of the classes."""
    return sorted({label for record in records for label in record.labels})


def query(row: Row, id: str) -> list[TypingRecord]:
    """One JSON object that asks for types: `text` (or `sent`), `start`, `end`; gold `labels` are kept if given."""
    return _ernie({"labels": [], "id": row.get("id", id), **row}, id)


def ask(text: str, mentions: Sequence[tuple[int, int]], id: str) -> list[TypingRecord]:
    """One record for each mention of a text."""
    return [TypingRecord(f"{id}:{start}-{end}", text, start, end) for start, end in mentions]


def _ernie(row: Row, id: str) -> list[TypingRecord]:
    """`sent` (or `text`), `start`, `end`, `labels`; other keys are metadata."""
    if not isinstance(row, Mapping):
        raise DataError(f"found {type(row).__name__}, expected an object")
    key = "sent" if "sent" in row else "text"
    text = _field(row, key, str)
    start, end = _field(row, "start", int), _field(row, "end", int)
    metadata = {name: value for name, value in row.items() if name not in (key, "start", "end", "labels", "id")}
    return [TypingRecord(str(row.get("id", id)), text, start, end, _labels(row, "labels"), metadata)]


def _ufet(row: Row, id: str) -> list[TypingRecord]:
    """`left_context_token`, `mention_span`, `right_context_token`, `y_str` (UFET); tokens joined by spaces."""
    left = " ".join(_words(row, "left_context_token"))
    mention = _field(row, "mention_span", str)
    right = " ".join(_words(row, "right_context_token"))
    start = len(left) + 1 if left else 0
    text = " ".join(part for part in (left, mention, right) if part)
    known = ("left_context_token", "mention_span", "right_context_token", "y_str", "annot_id")
    metadata = {name: value for name, value in row.items() if name not in known}
    return [TypingRecord(str(row.get("annot_id", id)), text, start, start + len(mention), _labels(row, "y_str"), metadata)]


def _ufet_coarse(row: Row, id: str) -> list[TypingRecord]:
    """UFET with the nine general labels of Open Entity alone (specs/luke.md 6.2)."""
    return _ufet({**row, "y_str": [label for label in _labels(row, "y_str") if label in COARSE_LABELS]}, id)


def _annotated_text(row: Row, id: str) -> list[TypingRecord]:
    """Annotated text: each mention with a label is a record; several labels of one span are one record."""
    from loreweave.corpus.annotated_text import AnnotatedText

    text = AnnotatedText.from_dict(row)
    labels: dict[tuple[int, int], list[str]] = {}
    for mention in text.mentions:
        if mention.label is not None:
            labels.setdefault((mention.start, mention.end), []).append(mention.label)
    return [
        TypingRecord(f"{text.id}:{start}-{end}", text.text, start, end, tuple(names), {**text.metadata, "doc": text.id})
        for (start, end), names in labels.items()
    ]


FORMATS: dict[str, tuple[Callable[[Row, str], list[TypingRecord]], str]] = {
    "ernie": (_ernie, "JSON list (or lines) of {sent, start, end, labels}: Open Entity as packed for ERNIE and LUKE"),
    "ufet": (_ufet, "JSON lines of {left_context_token, mention_span, right_context_token, y_str}: crowd data of UFET"),
    "ufet-coarse": (_ufet_coarse, "the same with Open Entity's nine general labels alone"),
    "annotated-text": (_annotated_text, "JSON lines of {id, text, mentions: [{start, end, label}]}"),
}
"""Format name -> converter of one row, and a line of help."""

_SIGNS = {"left_context_token": "ufet", "mentions": "annotated-text", "sent": "ernie", "start": "ernie"}


def _known(format: str) -> str:
    if format not in FORMATS:
        raise ConfigurationError(f"unknown format {format!r} of entity typing; known: {', '.join(FORMATS)}")
    return format


def _recognised(row: Any, path: Path) -> tuple[Callable[[Row, str], list[TypingRecord]], str]:
    for sign, format in _SIGNS.items():
        if isinstance(row, Mapping) and sign in row:
            return FORMATS[format]
    found = f"the keys {', '.join(map(str, row))}" if isinstance(row, Mapping) else type(row).__name__
    raise DataError(f"record 1: found {found}, expected a record of {', '.join(FORMATS)}", path=path)


def _rows(path: Path) -> list[tuple[str, Any]]:
    """Rows with their place; a JSON list or JSON lines, whichever the first character says."""
    with open_text(path) as file:
        is_list = next((line.lstrip()[0] for line in file if line.strip()), "") == "["
    if not is_list:
        return [(f"line {number}", row) for number, row in read_json_lines(path)]
    return [(f"record {number}", row) for number, row in enumerate(read_json(path), 1)]


def _field(row: Row, name: str, kind: type) -> Any:
    value = row.get(name)
    if type(value) is not kind:
        found = f"found {value!r}" if name in row else "found nothing"
        raise DataError(f"{found}, expected {'a string' if kind is str else 'an integer'}", field=name)
    return value


def _words(row: Row, name: str) -> list[str]:
    value = row.get(name)
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise DataError(f"found {value!r}, expected a list of strings", field=name)
    return value


def _labels(row: Row, name: str) -> tuple[str, ...]:
    labels = _words(row, name)
    return tuple(dict.fromkeys(labels))


def gold_rows(records: Sequence[TypingRecord], labels: Sequence[str]) -> Iterator[list[float]]:
    """One row of 0 and 1 per record. Labels that are not in `labels` must have been refused before."""
    index = {label: column for column, label in enumerate(labels)}
    for record in records:
        row = [0.0] * len(labels)
        for label in record.labels:
            row[index[label]] = 1.0
        yield row
