"""Reads files of questions, and says what is unusual in them."""

from __future__ import annotations

from pathlib import Path

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import read_records
from loreweave.tasks.extractive_qa.formats import FORMATS, recognise
from loreweave.tasks.extractive_qa.record import QuestionRecord
from loreweave.tasks.files.answers import ANSWERS
from loreweave.tasks.files.own_ids import with_own_ids

_SHOWN = 3
_ODD = {
    "moved": "answer that does not stand at its answer_start",
    "absent": "answer that does not occur in its context",
}
"""Places of answers that are noted, in words."""


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
    found.notes.extend(_odd_answers(found))
    found.notes.extend(_unread_answers(found.records))
    return with_own_ids(found, "question", "questions")


def _unread_answers(records: list[QuestionRecord]) -> list[str]:
    """A note about fields that may be answers and are not read, if no question has answers."""
    if any(record.answers is not None for record in records):
        return []
    fields = dict.fromkeys(name for record in records for name in record.metadata if "answer" in name.lower())
    known = f"{', '.join(ANSWERS[:-1])} or {ANSWERS[-1]}"
    return [f"no question has answers, which are read from the fields {known}; not read: {listed(fields)}"] if fields else []


def _odd_answers(found: ReadResult[QuestionRecord]) -> list[str]:
    """Notes about answers that do not stand where the file says, or nowhere in their context; each is listed in `lost`."""
    odd = [
        (place, record.id, answer)
        for place, record in zip(found.places, found.records, strict=True)
        for answer in record.answers or ()
        if answer.place in _ODD
    ]
    found.lost.extend(("odd", f"{place}: {_ODD[answer.place]}, {answer.text!r}") for place, _, answer in odd)
    moved = [id for _, id, answer in odd if answer.place == "moved"]
    absent = len(odd) - len(moved)
    notes = []
    if moved:
        words = counted(len(moved), "answer does not stand at its answer_start", "answers do not stand at their answer_start")
        notes.append(f"{words}; the nearest occurrence is used: {listed(dict.fromkeys(moved), _SHOWN)}")
    if absent:
        words = counted(absent, "answer does not occur in its context", "answers do not occur in their contexts")
        them = "it is scored" if absent == 1 else "they are scored"
        notes.append(f"{words}: {them}, but cannot be learned or predicted")
    return notes
