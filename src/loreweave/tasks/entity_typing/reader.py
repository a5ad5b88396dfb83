"""Files of entity typing: Open Entity in ERNIE's layout, UFET's crowd data, annotated text, and files of annotation tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files import rows as row_files
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import FileFormat, check_not_empty, read_records, wrong_keys
from loreweave.corpus.files.rows import LeftOut, Row, as_row, check_span
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.mention_formats import (
    MENTION_FORMATS,
    UTF16,
    brackets,
    first_mention_row,
    format_of_file,
    recognised_mentions,
)
from loreweave.corpus.mention_formats.marked import UNLABELLED, Mark, Marked, checked_text
from loreweave.corpus.plausibility import label_notes, refuse_labels
from loreweave.corpus.surfaces import SURFACE_KEYS
from loreweave.corpus.tokens import TOKENS
from loreweave.errors import DataError
from loreweave.plugins import Live
from loreweave.tasks.mentions import files as mention_files

COARSE_LABELS = ("entity", "event", "group", "location", "object", "organization", "person", "place", "time")
"""The nine labels of Open Entity, in the order of the published checkpoints' classes."""


@dataclass(frozen=True, slots=True)
class TypingRecord:
    """A mention in its text, and its gold types (none if they are unknown).

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
        """Characters of the mention."""
        return self.text[self.start : self.end]


def read(path: Path, format: str | None = None, skip_bad: bool = False) -> ReadResult[TypingRecord]:
    """Read a file (.json or .jsonl; plain, .gz, .xz, .bz2).

    Args:
        path: the file.
        format: one of `FORMATS`, followed by `:utf16` if character offsets count UTF-16 code units; None
            recognises it by the keys of the first record.
        skip_bad: skip, count and list bad records, instead of raising the first error.

    Raises:
        DataError: names the file, the record and the field.
    """
    formats = FORMATS
    if format == f"ernie{UTF16}":
        formats = {**formats, format: replace(formats["ernie"], convert=partial(_ernie, utf16=True))}
    elif format is not None and format.endswith(UTF16):
        formats = {**formats, **mention_files.named_format(format, _mentions)}
    check_not_empty(path)
    chosen, notes = format or _recognise(path), list[str]()
    if chosen in MENTION_FORMATS:
        layout, notes = format_of_file(chosen, path)
        formats = {**formats, chosen: mention_files.file_format(layout, _CONVERTERS.get(chosen, _mentions))}
    result = read_records(path, chosen, skip_bad, formats, _recognise)
    if chosen == brackets.NAME:
        result = _labelled(result)
    labels = Counter(label for record in result.records for label in record.labels)
    try:
        refuse_labels(labels)
    except DataError as error:
        raise DataError(error.message, path=path, field=error.field) from None
    unlabelled = [_UNLABELLED_FILE] if result.records and not labels else []
    return replace(result, notes=[*result.notes, *notes, *label_notes(labels), *unlabelled])


def labels_of(records: Sequence[TypingRecord]) -> list[str]:
    """The labels, sorted: the order of the classes."""
    return sorted({label for record in records for label in record.labels})


def mentions_of(record: TypingRecord) -> tuple[str, Sequence[tuple[int, int]]]:
    """The text and the characters of its mentions."""
    return record.text, [(record.start, record.end)]


def query(row: Row, id: str) -> list[TypingRecord]:
    """One JSON object that asks for types: `text` (or `sent`), `start`, `end`; gold `labels` are kept if given and not null."""
    asked = {**row, "labels": []} if row.get("labels") is None else row
    (record,) = (each for each in _ernie(asked, id) if isinstance(each, TypingRecord))
    return [record]


def _ernie(row: Row, id: str, utf16: bool = False) -> Iterator[TypingRecord | LeftOut]:
    """`sent` (or `text`), `start`, `end`, `labels`; other keys are metadata. The mention's text, if given, is checked."""
    row = as_row(row)
    key = "sent" if "sent" in row else "text"
    text = row_files.field(row, key, str)
    start, end = row_files.field(row, "start", int), row_files.field(row, "end", int)
    name = next((name for name in SURFACE_KEYS if name != key and isinstance(row.get(name), str)), key)
    mark = Mark(start, end, (), row[name] if name != key else None, name)
    for item in checked_text(Marked(id, text, [mark]), name="ernie", utf16=utf16):
        if isinstance(item, LeftOut):
            yield item
        else:
            (mention,) = item.mentions
    metadata = {name: value for name, value in row.items() if name not in (key, "start", "end", "labels", "id")}
    yield TypingRecord(row_files.id_of(row, id), text, mention.start, mention.end, _labels(row, "labels"), metadata)


def _ufet(row: Row, id: str) -> list[TypingRecord]:
    """`left_context_token`, `mention_span`, `right_context_token`, `y_str` (UFET); tokens joined by spaces."""
    row = as_row(row)
    left = " ".join(row_files.words(row, "left_context_token"))
    mention = row_files.field(row, "mention_span", str).strip()
    if not mention:
        raise DataError("found a blank mention", field="mention_span")
    right = " ".join(row_files.words(row, "right_context_token"))
    start = len(left) + 1 if left else 0
    text = " ".join(part for part in (left, mention, right) if part)
    known = ("left_context_token", "mention_span", "right_context_token", "y_str", "annot_id")
    metadata = {name: value for name, value in row.items() if name not in known}
    name = row_files.id_of(row, id, "annot_id")
    return [TypingRecord(name, text, start, start + len(mention), _labels(row, "y_str"), metadata)]


def _ufet_coarse(row: Row, id: str) -> list[TypingRecord]:
    """UFET with the nine general labels of Open Entity only."""
    row = as_row(row)
    return _ufet({**row, "y_str": [label for label in _labels(row, "y_str") if label in COARSE_LABELS]}, id)


def _bracketed(text: AnnotatedText) -> Iterator[TypingRecord | LeftOut]:
    """As `_mentions`, but mentions without a label are kept, and a text with one mention keeps its id."""
    metadata = {key: value for key, value in text.metadata.items() if key != TOKENS} | {"doc": text.id}
    if not text.mentions:
        yield LeftOut("texts without a mention")
    for mention in text.mentions:
        id = text.id if len(text.mentions) == 1 else mention_id(text.id, mention.start, mention.end)
        yield TypingRecord(id, text.text, mention.start, mention.end, tuple(dict.fromkeys(mention.types)), metadata)


def mention_id(text: str, start: int, end: int) -> str:
    """Id of a mention in a text of that id."""
    return f"{text}:{start}-{end}"


def _labelled(result: ReadResult[TypingRecord]) -> ReadResult[TypingRecord]:
    """The records with labels if there are any; otherwise all."""
    if not any(record.labels for record in result.records):
        return result
    kept = result.account()
    for place, record in zip(result.places, result.records, strict=True):
        if record.labels:
            kept.records.append(record)
            kept.places.append(place)
        else:
            kept.leave_out(UNLABELLED, None)
            kept.lost.append(("unused", f"{place}: {UNLABELLED}, {record.mention!r}"))
    return kept


def _mentions(text: AnnotatedText) -> Iterator[TypingRecord | LeftOut]:
    """Each mention of a text with its labels.

    Several labels of one span are one record. Mentions without a label, and texts without mentions, are counted.
    """
    labels: dict[tuple[int, int], list[str]] = {}
    for mention in text.mentions:
        if mention.types:
            labels.setdefault((mention.start, mention.end), []).extend(mention.types)
        else:
            yield LeftOut(UNLABELLED)
    if not text.mentions:
        yield LeftOut("texts without a mention")
    metadata = {key: value for key, value in text.metadata.items() if key != TOKENS} | {"doc": text.id}
    for (start, end), names in labels.items():
        yield TypingRecord(mention_id(text.id, start, end), text.text, start, end, tuple(dict.fromkeys(names)), metadata)


_UNLABELLED_FILE = "no mention has a label, so there is nothing to train on or to score; predictions and attention need none"
_CONVERTERS = {brackets.NAME: _bracketed}
"""Format of texts with mentions -> text with mentions to records, if it is not `_mentions`."""

_OWN: dict[str, FileFormat[TypingRecord]] = {
    "ernie": FileFormat("JSON list (or lines) of {sent, start, end, labels}: Open Entity as packed for ERNIE and LUKE", _ernie),
    "ufet": FileFormat("JSON lines of {left_context_token, mention_span, right_context_token, y_str}: UFET", _ufet),
    "ufet-coarse": FileFormat(
        "the files of ufet, of which only Open Entity's nine general labels are kept; must be given by --format", _ufet_coarse
    ),
}
FORMATS: Mapping[str, FileFormat[TypingRecord]] = Live(lambda: {**_OWN, **mention_files.file_formats(_mentions)})
"""Name of `--format` -> the format: those of entity typing alone, and all of texts with mentions."""

_SIGNS = {"left_context_token": "ufet", "sent": "ernie", "start": "ernie"}
"""A key of the first row -> the format."""


def _recognise(path: Path) -> str:
    row = first_mention_row(path)
    found = next((format for sign, format in _SIGNS.items() if isinstance(row, Mapping) and sign in row), None)
    found = found or recognised_mentions(path, row)
    if found is None:
        raise wrong_keys(path, row, FORMATS)
    return found


def _labels(row: Row, name: str) -> tuple[str, ...]:
    """Types of a mention.

    Raises:
        DataError: they are not a list of names, or one is blank; numbers are refused with a message of their own.
    """
    value = row.get(name)
    if isinstance(value, list | Mapping) and any(_is_number(each) for each in (*value, *_values(value))):
        expected = "names of the types; probabilities of labels (soft labels) and numbers are not supported"
        raise DataError(f"found {in_json(value)}, expected {expected}", field=name)
    labels = row_files.words(row, name)
    if not all(label.strip() for label in labels):
        raise DataError(f"found the labels {', '.join(map(repr, labels))}, expected names", field=name)
    return tuple(dict.fromkeys(labels))


def _values(value: Any) -> tuple[Any, ...]:
    return tuple(value.values()) if isinstance(value, Mapping) else ()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def gold_rows(records: Sequence[TypingRecord], labels: Sequence[str]) -> Iterator[list[float]]:
    """One row of 0 and 1 per record. Labels outside `labels` have been refused before."""
    index = {label: column for column, label in enumerate(labels)}
    for record in records:
        row = [0.0] * len(labels)
        for label in record.labels:
            row[index[label]] = 1.0
        yield row
