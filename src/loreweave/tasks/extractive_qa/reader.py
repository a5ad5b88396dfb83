"""Reads files of questions, and says what is unusual in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import read_records
from loreweave.tasks.extractive_qa.formats import FORMATS, recognise
from loreweave.tasks.extractive_qa.record import QuestionRecord

_SHOWN = 3


def read(path: Path, format: str | None = None, skip_bad: bool = False) -> ReadResult[QuestionRecord]:
    """Read a file (plain, .gz, .xz, .bz2), a table, or the files of a folder.

    Args:
        path: the file or folder.
        format: one of `FORMATS`. None: recognised.
        skip_bad: leave out bad records, count and list them, instead of raising an error at the first.

    Raises:
        DataError: names the file, the question and the field.
        ConfigurationError: an unknown format.
    """
    found = read_records(path, format, skip_bad, FORMATS, recognise)
    found.notes.extend(_moved_answers(found.records))
    return _with_own_ids(found)


def _moved_answers(records: list[QuestionRecord]) -> list[str]:
    """A note about answers that do not stand where the file says, if there are any."""
    ids = [record.id for record in records for answer in record.answers or () if answer.place == "moved"]
    if not ids:
        return []
    words = counted(len(ids), "answer does not stand at its answer_start", "answers do not stand at their answer_start")
    return [f"{words}; the nearest occurrence is used: {listed(dict.fromkeys(ids), _SHOWN)}"]


def _with_own_ids(found: ReadResult[QuestionRecord]) -> ReadResult[QuestionRecord]:
    """Add a number to an id that another question has too, which is noted."""
    seen, taken = Counter[str](), {record.id for record in found.records}
    changed: list[str] = []
    for number, record in enumerate(found.records):
        seen[record.id] += 1
        if seen[record.id] == 1:
            continue
        while (own := f"{record.id}#{seen[record.id]}") in taken:
            seen[record.id] += 1
        taken.add(own)
        changed.append(own)
        found.records[number] = replace(record, id=own, given_id=record.id)
    if changed:
        many = counted(len(changed), "question has the id of another", "questions have the id of another")
        found.notes.append(f"{many}; all are kept, and a number was added to the id: {listed(changed, _SHOWN)}")
    return found
