"""Reads files of questions, and says what is unusual in them."""

from __future__ import annotations

from pathlib import Path

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import read_records
from loreweave.tasks.extractive_qa.formats import ABSENT, FORMATS, recognise
from loreweave.tasks.extractive_qa.record import QuestionRecord
from loreweave.tasks.files.answers import ANSWERS
from loreweave.tasks.files.own_ids import with_own_ids

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
    found.notes.extend(_absent_answers(found.dropped.pop(ABSENT, 0)))
    found.notes.extend(_unread_answers(found.records))
    return with_own_ids(found, "question", "questions")


def _unread_answers(records: list[QuestionRecord]) -> list[str]:
    """A note about fields that may be answers and are not read, if no question has answers."""
    if any(record.answers is not None for record in records):
        return []
    fields = dict.fromkeys(name for record in records for name in record.metadata if "answer" in name.lower())
    known = f"{', '.join(ANSWERS[:-1])} or {ANSWERS[-1]}"
    return [f"no question has answers, which are read from the fields {known}; not read: {listed(fields)}"] if fields else []


def _absent_answers(number: int) -> list[str]:
    """A note about answers that do not occur in their context, if there are any."""
    words = counted(number, "answer does not occur in its context", "answers do not occur in their contexts")
    them = "it is scored" if number == 1 else "they are scored"
    return [f"{words}: {them}, but cannot be learned or predicted"] if number else []


def _moved_answers(records: list[QuestionRecord]) -> list[str]:
    """A note about answers that do not stand where the file says, if there are any."""
    ids = [record.id for record in records for answer in record.answers or () if answer.place == "moved"]
    if not ids:
        return []
    words = counted(len(ids), "answer does not stand at its answer_start", "answers do not stand at their answer_start")
    return [f"{words}; the nearest occurrence is used: {listed(dict.fromkeys(ids), _SHOWN)}"]
