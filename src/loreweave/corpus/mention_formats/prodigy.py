"""Prodigy's annotations (`prodigy db-out`): texts with spans, and whether they were accepted.

Rejected or ignored examples are left out and counted, and so are single rejected spans.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.files.rows import LeftOut, Row, as_row, field, objects
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.mention_formats.entities import surface_of
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
from loreweave.errors import DataError

_ANSWERS = ("accept", "reject", "ignore")
_SIGNS = ("answer", "_input_hash", "_task_hash", "_view_id", "_session_id", "_annotator_id")


def texts(row: Any, number: str, utf16: bool = False) -> Iterator[Item]:
    """{text, tokens, spans: [{start, end, label}], answer}; if `tokens` cover the text, they are its words.

    spaCy's `Doc.to_json` has the same, with its mentions under `ents`.
    """
    row = as_row(row)
    answer = row.get("answer", "accept")
    if answer not in _ANSWERS:
        raise DataError(f"found {in_json(answer)}, expected one of {', '.join(_ANSWERS)}", field="answer")
    if answer != "accept":
        yield LeftOut(f"examples with the answer {answer}")
        return
    text = field(row, "text", str)
    key = "ents" if row.get("ents") is not None else "spans"
    spans = objects(row, key) if row.get(key) is not None else []
    kept = [span for span in spans if span.get("answer", "accept") == "accept"]
    yield from (LeftOut("spans that were rejected", of_record=True) for _ in range(len(spans) - len(kept)))
    marks = [_mark(span) for span in kept]
    metadata = rest_of(row, "tokens", "spans", "ents", "answer", "options", "config", "html", *_SIGNS)
    yield from checked_text(Marked(text_id(row, number), text, marks, _words(row, text), metadata), name="prodigy", utf16=utf16)


def _mark(span: Row) -> Mark:
    start, end = field(span, "start", int), field(span, "end", int)
    entity = entity_of(span.get("kb_id"), "kb_id")
    return Mark(start, end, label_of(span.get("label"), "label"), *surface_of(span), entity)


def _words(row: Row, text: str) -> list[tuple[int, int]] | None:
    """Tokens of a text; None if they do not cover its characters, so that words have to be found."""
    tokens = row.get("tokens")
    if not isinstance(tokens, list) or not all(isinstance(token, Mapping) for token in tokens):
        return None
    spans = [(field(token, "start", int), field(token, "end", int)) for token in tokens]
    place = 0
    for start, end in spans:
        if not place <= start <= end <= len(text) or text[place:start].strip():
            return None
        place = end
    return None if text[place:].strip() else [(start, end) for start, end in spans if text[start:end].strip()]


def _recognises(path: Path, row: Any) -> bool:
    if not isinstance(row, Mapping) or "text" not in row:
        return False
    tokens = row.get("tokens")
    marked = isinstance(tokens, list) and bool(tokens) and all(isinstance(token, Mapping) for token in tokens)
    return marked or any(sign in row for sign in _SIGNS)


FORMAT = MentionFormat(
    "Prodigy: JSONL of {text, tokens, spans: [{start, end, label}], answer}; examples that were not accepted are left out",
    '{"text": "Mia left.", "spans": [{"start": 0, "end": 3, "label": "PER"}], "answer": "accept", "_input_hash": 5}',
    texts,
    _recognises,
    utf16=as_utf16(texts),
)
