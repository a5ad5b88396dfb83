"""Texts with mentions under a key, in any of the usual forms: `[start, end, label]`, `{start, end, label}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.files.rows import as_row, field
from loreweave.corpus.mention_formats.marked import (
    Item,
    Mark,
    Marked,
    MentionFormat,
    as_utf16,
    checked_text,
    entity_of,
    label_of,
    rest_of,
    text_id,
)  # fmt: skip
from loreweave.corpus.surfaces import SURFACE_KEYS
from loreweave.errors import DataError

KEYS = ("entities", "mentions", "ner", "spans", "ents", "label", "labels")
"""Key of the mentions: the first one that a row has; `ents` is that of spaCy's `Doc.to_json`."""

_SPANS = (("start", "end"), ("start_offset", "end_offset"), ("start_char", "end_char"), ("begin", "end"))


def texts(row: Any, number: str, utf16: bool = False) -> Iterator[Item]:
    """{text, entities: [...]}: see `mark_of`."""
    row = as_row(row)
    text = field(row, "text", str)
    key = next((key for key in KEYS if row.get(key) is not None), KEYS[0])
    marks = [mark_of(each) for each in field(row, key, list)]
    marked = Marked(text_id(row, number), text, marks, metadata=rest_of(row, key, *KEYS))
    yield from checked_text(marked, name="entities", utf16=utf16)


def mark_of(row: Any) -> Mark:
    """One mention: [start, end, label], [start, end, label, text], {start, end, label | type} or {span, type}.

    The entity of an object is its `kb_id`, as in spaCy and Prodigy. `start` and `end` may be called `start_offset` and
    `end_offset`, `start_char` and `end_char`, or `begin` and `end`.

    Raises:
        DataError: names what is missing or has another type.
    """
    match row:
        case [int(start), int(end), label] if type(start) is int and type(end) is int:
            return Mark(start, end, label_of(label, "label"))
        case [int(start), int(end), label, str(surface)] if type(start) is int and type(end) is int:
            return Mark(start, end, label_of(label, "label"), surface)
        case {"span": [int(start), int(end)]}:
            row = {**row, "start": start, "end": end}
        case list():
            raise DataError(f"found the mention {row!r}, expected [start, end, label] with whole numbers", field="entities")
    row = as_row(row)
    first, last = next((names for names in _SPANS if names[0] in row), _SPANS[0])
    start, end = field(row, first, int), field(row, last, int)
    key = next((key for key in ("label", "type", "labels", "entity_type", "entity_group") if key in row), "label")
    label = label_of(row[key], key) if key in row else (field(row, key, str),)
    return Mark(start, end, label, *surface_of(row), entity_of(row.get("kb_id"), "kb_id"))


def surface_of(row: Mapping[str, Any], keys: Sequence[str] = SURFACE_KEYS) -> tuple[str | None, str]:
    """The text given with a mention, and its key.

    Raises:
        DataError: it is not a string.
    """
    for key in keys:
        if row.get(key) is not None:
            return field(row, key, str), key
    return None, "text"


def _recognises(path: Path, row: Any) -> bool:
    keys = ("entities", "ner", "spans", "ents")
    return isinstance(row, Mapping) and "text" in row and any(isinstance(row.get(key), list) for key in keys)


FORMAT = MentionFormat(
    "JSON of {text, entities: [{start, end, label}]}, also [start, end, label] or {span, type, name}",
    '{"text": "Mia left Oslo.", "entities": [{"start": 0, "end": 3, "label": "PER"}, {"start": 9, "end": 13, "label": "LOC"}]}',
    texts,
    _recognises,
    utf16=as_utf16(texts),
)
