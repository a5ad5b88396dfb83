"""Records of entity typing as rows of the layout of Open Entity (`ernie`), which every command reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import content_suffix
from loreweave.corpus.files.writing import write_json, write_json_lines
from loreweave.tasks.entity_typing.reader import TypingRecord


def row_of(record: TypingRecord) -> dict[str, Any]:
    """One row: `id`, `sent`, `start`, `end`, `labels` (none if they are unknown) and `entity`, the mention's characters."""
    own = {"id": record.id, "sent": record.text, "start": record.start, "end": record.end}
    return {**own, "labels": list(record.labels), "entity": record.mention} | {
        name: value for name, value in record.metadata.items() if name not in (*own, "labels", "entity")
    }


def write_records(path: Path, records: Iterable[TypingRecord]) -> None:
    """Write a JSON list if the name ends in `.json`, otherwise JSON Lines."""
    rows = [row_of(record) for record in records]
    if content_suffix(path) == ".json":
        write_json(path, rows)
    else:
        write_json_lines(path, rows)
