"""GLiNER's training data: tokens, and their spans as [start, end, type] with an inclusive end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.rows import as_row, field, words
from loreweave.corpus.mention_formats.marked import Item, MentionFormat
from loreweave.corpus.mention_formats.tokens import TAG_KEYS, ends_of, spans_of, token_text
from loreweave.errors import DataError


def texts(row: Any, number: str) -> Iterator[Item]:
    """{tokenized_text, ner: [[start, end, type]]}; also `tokens`, `entities`, and spans as {start, end, type}."""
    row = as_row(row)
    tokens = words(row, "tokenized_text" if "tokenized_text" in row else "tokens")
    key = "entities" if "ner" not in row and "entities" in row else "ner"
    spans = [span for each in field(row, key, list) for span in spans_of(each, tokens, included=1)]
    for span in spans:
        if span.end > len(tokens):
            shown = f"({span.start}, {span.end - 1})"
            raise DataError(f"found the span {shown} in {counted(len(tokens), 'token')}, expected an inclusive end", field=key)
    yield from token_text(row, number, tokens, spans)


def _recognises(path: Path, row: Any) -> bool:
    if not isinstance(row, Mapping):
        return False
    if "tokenized_text" in row:
        return True
    tags = any(row.get(key) is not None for key in TAG_KEYS)
    spans = isinstance(row.get("ner"), list) and all(isinstance(each, list | Mapping) for each in row["ner"])
    return isinstance(row.get("tokens"), list) and not tags and spans and ends_of(path) == "included"


FORMAT = MentionFormat(
    "GLiNER: JSON of {tokenized_text, ner: [[start, end, type]]} in tokens, with an inclusive end",
    '{"tokenized_text": ["Mia", "Brandt", "left"], "ner": [[0, 1, "person"]]}',
    texts,
    _recognises,
)
