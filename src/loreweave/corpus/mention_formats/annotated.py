"""Annotated text, loreweave's own format: see `corpus.annotated_text`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_text import KEYS, AnnotatedText, in_code_points
from loreweave.corpus.files.rows import LeftOut, as_row, check_span, trimmed, with_id
from loreweave.corpus.mention_formats.marked import Item, MentionFormat, as_utf16
from loreweave.corpus.tokens import BLANK_EDGES


def texts(row: Any, number: str, utf16: bool = False) -> Iterator[Item]:
    """{id, text, mentions}; a text without an id has its number."""
    row = with_id(as_row(row), number)
    text = AnnotatedText.from_dict(in_code_points(row) if utf16 else row)
    mentions = []
    for mention in text.mentions:
        check_span(text.text, mention.start, mention.end, "mentions")
        start, end = trimmed(text.text, mention.start, mention.end)
        if (start, end) != (mention.start, mention.end):
            yield LeftOut(BLANK_EDGES, of_record=True)
        mentions.append(replace(mention, start=start, end=end))
    yield replace(text, mentions=tuple(mentions))


def _recognises(path: Path, row: Any) -> bool:
    return isinstance(row, Mapping) and "text" in row and ("mentions" in row or set(row) <= KEYS)


FORMAT = MentionFormat(
    "JSON lines or Parquet of {id, text, mentions: [{start, end, label}]}, with labels if a mention has several types",
    '{"id": "1", "text": "Mia left Oslo.", "mentions": [{"start": 0, "end": 3, "label": "PER", "text": "Mia"}]}',
    texts,
    _recognises,
    utf16=as_utf16(texts),
)
