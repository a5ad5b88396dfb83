"""Shared part of all mention formats: marked characters or tokens of a text become annotated text, checked and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from loreweave.corpus.annotated_text import PARAGRAPHS, AnnotatedText, Mention
from loreweave.corpus.files.json_rows import json_rows
from loreweave.corpus.files.rows import LeftOut, check_span, id_of, trimmed
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.special_entities import NIL
from loreweave.corpus.surfaces import UTF16_HINT, check_surface, fits_utf16, from_utf16
from loreweave.corpus.tokens import BLANK_EDGES, TOKENS
from loreweave.errors import DataError

Item = AnnotatedText | LeftOut
Texts = Callable[[Any, str], Iterable[Item]]
"""(a row, its number) -> its texts, and what they lack."""


@dataclass(frozen=True)
class MentionFormat:
    """One format for texts with typed mentions.

    Attributes:
        summary: one line of help.
        example: example of a file, for the documentation.
        texts: a row -> annotated texts; raises a DataError for a bad row.
        recognises: (file, its first row, or None for a folder or a binary file) -> whether it is this format.
        rows: rows of a file or a folder, each with its place.
        utf16: as `texts`, with offsets in UTF-16 code units; None if offsets are not characters.
    """

    summary: str
    example: str
    texts: Texts
    recognises: Callable[[Path, Any], bool]
    rows: Callable[[Path], Iterable[tuple[str, Any]]] = json_rows
    utf16: Texts | None = None


UNLABELLED = "mentions without a label"
FURTHER_ENTITIES = "further entities of a mention"


class Mark(NamedTuple):
    """A marked part of a text: characters from `start` to `end` (exclusive), its types (none if the file says
    that it has none), and its text and its entity if the file has them.

    `field` is the name of `surface` in the file.
    """

    start: int
    end: int
    labels: tuple[str, ...]
    surface: str | None = None
    field: str = "text"
    entity: str | None = None


@dataclass
class Marked:
    """A text with its marks before they are checked."""

    id: str
    text: str
    marks: Iterable[Mark]
    tokens: Sequence[tuple[int, int]] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def checked_text(marked: Marked, *, name: str, utf16: bool = False) -> Iterator[Item]:
    """The annotated text, and what it loses: blanks at the edges of mentions, repeated mentions, further entities, and fields
    that are places in annotated text only.

    Args:
        marked: a text and its marks.
        name: name of the format, for messages.
        utf16: whether the offsets count UTF-16 code units.

    Raises:
        DataError: a mark is blank or outside the text, or its characters are not the text given with it.
    """
    text = marked.text
    found: dict[tuple[int, int], Mention] = {}
    for mark in marked.marks:
        start, end = _code_points(text, mark) if utf16 else (mark.start, mark.end)
        try:
            if mark.surface is not None:
                check_surface(text, start, end, mark.surface, mark.field)
            check_span(text, start, end)
        except DataError as error:
            hint = "" if utf16 else _utf16_hint(text, mark, name)
            said = error.message.partition(f"; {UTF16_HINT}")[0]
            raise DataError(said + hint if hint else error.message, field=error.field) from None
        span = trimmed(text, start, end)
        if span != (start, end):
            yield LeftOut(BLANK_EDGES, of_record=True, detail=repr(text[start:end]))
        before = found.get(span, Mention(*span))
        if span in found and set(mark.labels) <= set(before.types) and mark.entity in (None, before.entity):
            yield LeftOut("repeated mentions (kept once)", of_record=True)
        if mark.entity is not None and before.entity not in (None, mark.entity):
            yield LeftOut(FURTHER_ENTITIES, of_record=True)
        found[span] = Mention(*span, before.entity or mark.entity, labels=(*before.types, *mark.labels))
    mentions = tuple(found.values())
    metadata = dict(marked.metadata)
    yield from without_places(metadata)
    if marked.tokens is not None:
        metadata[TOKENS] = [list(span) for span in marked.tokens]
    yield AnnotatedText(marked.id, text, mentions, metadata=metadata)


def _code_points(text: str, mark: Mark) -> tuple[int, int]:
    start, end = from_utf16(text, mark.start), from_utf16(text, mark.end)
    if start is None or end is None:
        length = len(text.encode("utf-16-le", "surrogatepass")) // 2
        expected = f"places between characters in a text of {length} UTF-16 code units"
        raise DataError(f"found the span ({mark.start}, {mark.end}), expected {expected}", field="start")
    return start, end


def _utf16_hint(text: str, mark: Mark, name: str) -> str:
    """A suggestion if the offsets fit in UTF-16 code units: they give the surface, or only they are inside the text."""
    if mark.surface is not None:
        fits = fits_utf16(text, mark.start, mark.end, mark.surface)
    else:
        fits = mark.end > len(text) and from_utf16(text, mark.start) is not None and from_utf16(text, mark.end) is not None
    return f"; {UTF16_HINT}: read the file with --format {name}:utf16" if fits else ""


def label_of(value: Any, name: str) -> tuple[str, ...]:
    """Types of a mention, given as one string or as a list of strings; none for null and for an empty list.

    Raises:
        DataError: something else, or a blank type; numbers are refused with a message of their own.
    """
    if value is None or value == []:
        return ()
    labels = value if isinstance(value, list) else [value]
    if not all(isinstance(label, str) for label in labels):
        if any(isinstance(label, int | float) and not isinstance(label, bool) for label in labels):
            raise DataError(f"found the number {value!r}, expected the name of a type", field=name)
        raise DataError(f"found {in_json(value)}, expected a string", field=name)
    if not all(label.strip() for label in labels):
        raise DataError(f"found {in_json(value)}, expected the name of a type", field=name)
    return tuple(labels)


def entity_of(value: Any, name: str) -> str | None:
    """Entity of a mention in a knowledge base; none for null, an empty string and spaCy's `NIL`.

    Raises:
        DataError: it is not a string.
    """
    if value is not None and not isinstance(value, str):
        raise DataError(f"found {in_json(value)}, expected a string or null", field=name)
    return None if value is None or value.strip() in ("", NIL) else value


def as_utf16(texts: Callable[..., Iterable[Item]]) -> Texts:
    """The same converter for offsets in UTF-16 code units."""
    return lambda row, number: texts(row, number, utf16=True)


def text_id(row: Mapping[str, Any], number: str) -> str:
    """Id of a text: the first of its usual keys that it has; otherwise its number."""
    return id_of(row, number, "id", "sent_id", "doc_id")


def others_of(row: Mapping[str, Any], *used: str) -> dict[str, Any]:
    """Fields of a row: everything but the text, its ids and these keys."""
    return {key: value for key, value in row.items() if key not in (*used, "text", "id", "sent_id", "doc_id")}


def rest_of(row: Mapping[str, Any], *used: str) -> dict[str, Any]:
    """Metadata of a row: `others_of` with the fields of an object `metadata`, as in annotated text."""
    given = row.get("metadata")
    return {**given, **others_of(row, *used, "metadata")} if isinstance(given, Mapping) else others_of(row, *used)


def without_places(metadata: dict[str, Any]) -> Iterator[LeftOut]:
    """Remove the fields that are characters of the text in annotated text, but something else in other formats."""
    for name in (TOKENS, PARAGRAPHS):
        if metadata.pop(name, None) is not None:
            yield LeftOut(f"values of the field {name!r}, which this format does not read", of_record=True)
