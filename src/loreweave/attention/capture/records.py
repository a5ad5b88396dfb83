"""Records of a task's file as texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.errors import DataError
from loreweave.tasks.contract import Reading, Training

_MORE = "--examples takes more"
_PAIRS = (("question", "context"), ("text", "text_pair"), ("query", "text"))
"""Attributes of records with two texts, in the order in which models read them."""


@dataclass(frozen=True)
class TextRecord:
    """A record and its texts.

    Attributes:
        id: its id.
        record: the record.
        text: its text, or the first one.
        pair: its second text.
        mentions: (start, end) characters of the mentions of a record with one text.
    """

    id: str
    record: Any
    text: str
    pair: str | None = None
    mentions: Sequence[tuple[int, int]] = ()

    @property
    def joined(self) -> str:
        """The text, or both texts."""
        return self.text if self.pair is None else f"{self.text} {self.pair}"


def chosen_records(
    training: Training[Any],
    path: Path,
    number: int | None,
    ids: Sequence[str] = (),
    reading: Reading | None = None,
    report: Callable[[str], None] | None = None,
) -> Iterator[TextRecord]:
    """The first records of a file, or those with some ids.

    Args:
        training: reads the file.
        path: file of the task.
        number: maximum number of records. None: all.
        ids: ids of the records. Default: the first ones.
        reading: settings of reading.
        report: called with a message if the file has more records.

    Raises:
        DataError: the file has no such record.
    """
    records = training.records(path, reading or Reading()).records
    missing = set(ids) - {record.id for record in records}
    if missing or not records:
        have = counted(len(records), "record")
        what = f"no record with the id {sorted(missing)[0]!r} among {have}" if missing else "no record, expected some"
        raise DataError(f"found {what}", path=path)
    if report is not None and not ids and number is not None and number < len(records):
        report(f"{path}: the first {number} of {counted(len(records), 'record')} ({_MORE})")
    chosen = [record for record in records if record.id in ids] if ids else islice(records, number)
    return (_with_texts(training, record) for record in chosen)


def _with_texts(training: Training[Any], record: Any) -> TextRecord:
    for first, second in _PAIRS:
        texts = getattr(record, first, None), getattr(record, second, None)
        if None not in texts:
            return TextRecord(record.id, record, str(texts[0]), str(texts[1]))
    text, mentions = training.mentions(record)
    return TextRecord(record.id, record, text, mentions=mentions)
