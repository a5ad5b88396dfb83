"""doccano's exports: JSONL of triples, JSONL with relations, and the older ones with `labels` or `annotations`.

Later versions call the text `data` in files of sequence labelling. Relations and comments are not used and are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.files.rows import LeftOut, as_row, field
from loreweave.corpus.mention_formats.entities import mark_of
from loreweave.corpus.mention_formats.marked import Item, Marked, MentionFormat, as_utf16, checked_text, rest_of, text_id

_KEYS = ("entities", "label", "labels", "annotations")
_OTHERS = {"relations": "relations", "Comments": "comments", "comments": "comments"}


def texts(row: Any, number: str, utf16: bool = False) -> Iterator[Item]:
    """{id, text, label: [[start, end, label]]} or {id, text, entities: [{start_offset, end_offset, label}], relations}."""
    row = as_row(row)
    text = field(row, "data" if "data" in row and "text" not in row else "text", str)
    key = next((key for key in _KEYS if row.get(key) is not None), _KEYS[0])
    marks = [mark_of(each) for each in field(row, key, list)]
    for name, what in _OTHERS.items():
        if isinstance(row.get(name), list):
            yield from (LeftOut(f"{what} of doccano", of_record=True) for _ in row[name])
    metadata = rest_of(row, "data", *_KEYS, *_OTHERS)
    yield from checked_text(Marked(text_id(row, number), text, marks, metadata=metadata), name="doccano", utf16=utf16)


def _recognises(path: Path, row: Any) -> bool:
    if not isinstance(row, Mapping) or not isinstance(row.get("text", row.get("data")), str):
        return False
    if isinstance(row.get("entities"), list):
        return any(isinstance(each, Mapping) and "start_offset" in each for each in row["entities"]) or "Comments" in row
    marks = next((row[key] for key in _KEYS if isinstance(row.get(key), list)), None)
    return marks is not None and "result" not in row and all(isinstance(mark, list) or _is_offset(mark) for mark in marks)


def _is_offset(mark: Any) -> bool:
    return isinstance(mark, Mapping) and "start_offset" in mark


FORMAT = MentionFormat(
    "doccano: JSONL of {id, text, label: [[start, end, label]]}, or with entities of start_offset and end_offset",
    '{"id": 7, "text": "Mia left Oslo.", "label": [[0, 3, "PER"], [9, 13, "LOC"]]}',
    texts,
    _recognises,
    utf16=as_utf16(texts),
)
