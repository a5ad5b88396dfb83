"""spaCy's training pairs: a text, and {"entities": [[start, end, label]]}, as a list or one pair per line.

Annotation tools that write such files wrap the pairs as {"classes": ..., "annotations": [...]}; a text without annotation
is null there, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.files.json_rows import json_rows
from loreweave.corpus.files.rows import LeftOut, field
from loreweave.corpus.files.strict_json import kind_of
from loreweave.corpus.mention_formats.entities import mark_of
from loreweave.corpus.mention_formats.marked import Item, Marked, MentionFormat, as_utf16, checked_text
from loreweave.errors import DataError


def rows(path: Path) -> Iterator[tuple[str, Any]]:
    """The pairs with their places; a file with a single pair has one row."""
    found = list(json_rows(path))
    match [row for _, row in found]:
        case [str(), dict()] as pair:
            yield "record 1", pair
        case _:
            yield from found


def texts(row: Any, number: str, utf16: bool = False) -> Iterator[Item]:
    """[text, {entities: [[start, end, label]]}]; other annotations of spaCy are counted."""
    if row is None:
        yield LeftOut("texts without annotation")
        return
    match row:
        case [str(text), Mapping() as annotations]:
            pass
        case _:
            raise DataError(f"found {kind_of(row)}, expected [text, {{entities: [[start, end, label]]}}]")
    others = [name for name in annotations if name != "entities"]
    yield from (LeftOut(f"annotations {name} of spaCy", of_record=True) for name in others)
    # A fourth value is the id of an entity in a knowledge base.
    given = field(annotations, "entities", list) if "entities" in annotations else []
    marks = [mark_of(each[:3] if isinstance(each, list) else each) for each in given]
    yield from checked_text(Marked(number, text, marks), name="spacy-pairs", utf16=utf16)


def _recognises(path: Path, row: Any) -> bool:
    match row:
        case [str(), Mapping()] | str():
            return True
    return False


FORMAT = MentionFormat(
    'spaCy\'s training pairs: JSON of [["text", {"entities": [[start, end, label]]}]]',
    '[["Mia left Oslo.", {"entities": [[0, 3, "PER"], [9, 13, "LOC"]]}]]',
    texts,
    _recognises,
    rows,
    as_utf16(texts),
)
