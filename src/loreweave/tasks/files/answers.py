"""Gold answers in a row of questions: the field that has them, whatever it is called, and a single answer as a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loreweave.corpus.files.rows import Row
from loreweave.errors import DataError

ANSWERS = ("answers", "answer", "answer_text")
"""Fields of a row that have its answers: the first that is there and not null."""
STARTS = ("answer_start", "start")
"""Fields with the first character of an answer."""
_WRITTEN = (("[", "]"), ("{", "}"))


def given_answers(row: Row) -> tuple[str, Any]:
    """The field with the answers of a row, and a list of them (or an object of lists); `answers` and None if there is none.

    A single answer, a text or an object with a text, becomes a list. The start of a single text may stand beside it.

    Raises:
        DataError: the row has no answer in one field and some in another; or a text that is a written list.
    """
    found = [(name, row[name]) for name in ANSWERS if row.get(name) is not None]
    if not found:
        return ANSWERS[0], None
    (name, value), *others = found
    other = next(((field, text) for field, text in others if text), None)
    if not value and other is not None:
        raise DataError(f"found no answer here, and {other[1]!r} in the field {other[0]}", field=name)
    if isinstance(value, str):
        return name, [] if row.get("is_impossible") and not value.strip() else [_single(row, name, value)]
    if isinstance(value, Mapping) and not isinstance(value.get("text"), list):
        return name, [value]
    return name, value


def _single(row: Row, name: str, text: str) -> dict[str, Any]:
    begins, ends = text.strip()[:2], text.strip()[-1:]
    if any(begins in (f"{opening}'", f'{opening}"') and ends == closing for opening, closing in _WRITTEN):
        raise DataError(f"found {text!r}, a list or an object written as a text; expected it as JSON", field=name)
    return {"text": text} | {start: row[start] for start in STARTS[:1] if row.get(start) is not None}
