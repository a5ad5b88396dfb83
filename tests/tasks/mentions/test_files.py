"""Formats of texts with mentions as those of a task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.mention_formats import MENTION_FORMATS
from loreweave.tasks.mentions.files import file_formats, named_format


@dataclass(frozen=True)
class Counted:
    id: str
    mentions: int
    metadata: dict[str, Any] = field(default_factory=dict)


def counted(text: AnnotatedText) -> Iterator[Counted | LeftOut]:
    yield Counted(text.id, len(text.mentions))
    if not text.mentions:
        yield LeftOut("texts without a mention")


def test_every_format_gives_the_tasks_records(tmp_path: Path) -> None:
    formats = file_formats(counted)
    assert list(formats) == list(MENTION_FORMATS)
    path = tmp_path / "texts.jsonl"
    rows = [{"text": "Mia ran.", "label": [[0, 3, "PER"]]}, {"text": "Nobody.", "label": []}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    doccano = formats["doccano"]
    items = [item for place, row in doccano.rows(path) for item in doccano.convert(row, place)]
    assert [item.mentions for item in items if isinstance(item, Counted)] == [1, 0]
    assert [item.reason for item in items if isinstance(item, LeftOut)] == ["texts without a mention"]


def test_offsets_in_utf_16_are_a_format_of_their_own() -> None:
    (format,) = named_format("entities:utf16", counted).values()
    row = {"text": "\U0001f600 Mia ran.", "entities": [[3, 6, "PER"]]}
    texts: list[AnnotatedText] = []

    def kept(text: AnnotatedText) -> Iterator[Counted]:
        texts.append(text)
        yield Counted(text.id, 1)

    list(named_format("entities:utf16", kept)["entities:utf16"].convert(row, "1"))
    assert [(mention.start, mention.end) for mention in texts[0].mentions] == [(2, 5)]
    assert format.summary and named_format("nothing:utf16", counted) == {}
