"""Queries of `loreweave predict` from sentences with their mentions in angle brackets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.json_rows import first_character, json_rows
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.files.tables import is_table
from loreweave.corpus.mention_formats import brackets
from loreweave.errors import DataError
from loreweave.tasks.jobs.queries import Query

MarkedQueries = Callable[[str, Sequence[tuple[int, int]]], list[dict[str, Any]]]
"""(a text, the characters of its mentions) -> the fields of queries; see `contract.Task.rows`."""


def has_marked_sentences(path: Path) -> bool:
    """Whether a file is a JSON object of sentences with brackets, by its first row."""
    if is_table(path) or first_character(path) != "{":
        return False
    try:
        row = next((row for _, row in json_rows(path)), None)
    except DataError:  # broken JSON, which reading it reports
        return False
    return brackets.FORMAT.recognises(path, row)


def queries_of_rows(
    rows: Iterable[tuple[str, Any]], called: str, marked: MarkedQueries, where: Mapping[str, Any]
) -> Iterator[Query]:
    """Queries of sentences, or of objects with `text`, each with its place ("line 3").

    A sentence with several queries has a query of the id `sentence:start-end` for each mention; the other fields of an object
    are fields of its queries. Labels in the brackets are gold labels, `labels`.

    Args:
        rows: sentences with their places; an error instead of one is the query's error.
        called: name of the file, for messages.
        marked: (a text, its mentions) -> fields of its queries.
        where: place of the file in answers.
    """
    for number, (place, row) in enumerate(rows, 1):
        kind, _, at = place.partition(" ")
        own = row.get("id") if isinstance(row, Mapping) else at if kind == "line" and isinstance(row, str) else None
        id = str(number if own is None else own)
        here = {**where, kind: int(at)}
        try:
            found = [row] if isinstance(row, DataError) else list(_of_row(row, id, marked))
        except DataError as error:
            found = [error]
        yield from (Query(f"{called}, {place}", id, each, here) for each in found)


def rows_of_sentence(sentence: str, marked: MarkedQueries) -> list[dict[str, Any]]:
    """Fields of the queries of one sentence.

    Raises:
        DataError: brackets that do not belong together; no mention; or labels for a query of several mentions.
    """
    return _rows_of(_text_of(sentence, ""), marked)


def _of_row(row: Any, number: str, marked: MarkedQueries) -> Iterator[dict[str, Any]]:
    """Fields of the queries of one row, with its own fields and ids (see `queries_of_rows`)."""
    text = _text_of(row, number)
    found = _rows_of(text, marked)
    for fields in found:
        own = f"{text.id}:{fields['id']}" if len(found) > 1 else text.id
        yield {**text.metadata, **fields, "id": own}


def _text_of(row: Any, number: str) -> AnnotatedText:
    (text,) = (item for item in brackets.texts(row, number) if not isinstance(item, LeftOut))
    if not text.mentions:
        expected = "each mention in angle brackets, as in '<Ada> wrote a program.'"
        raise DataError(f"found a text without a mention, expected {expected}", field="text")
    return text


def _rows_of(text: AnnotatedText, marked: MarkedQueries) -> list[dict[str, Any]]:
    found = marked(text.text, [(mention.start, mention.end) for mention in text.mentions])
    labels = _labels(text, len(found))
    return [fields | ({"labels": list(own)} if own else {}) for fields, own in zip(found, labels, strict=True)]


def _labels(text: AnnotatedText, queries: int) -> list[tuple[str, ...]]:
    """Labels of the mention of each query."""
    labels = [mention.types for mention in text.mentions]
    if queries == len(labels):
        return labels
    if given := next((each for each in labels if each), None):
        raise DataError(f"found the label {given[0]!r} in brackets, expected none: a query has several mentions", field="text")
    return [()] * queries
