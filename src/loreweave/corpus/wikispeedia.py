"""Wikispeedia: 4,130 English Wikipedia articles with placed links (West & Leskovec, 2012), as JSON Lines."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.files.reading import Pathname, open_text, read_json_lines
from loreweave.errors import DataError

_METADATA = ("wikipedia_title", "categories", "paragraphs", "outlinks")


def read_wikispeedia(path: Pathname, exclude: Collection[str] = ()) -> Iterator[AnnotatedText]:
    """Yield one text per article, its links as mentions; titles are as in the file (`Acetic_acid`).

    `metadata` has `wikipedia_title`, `categories`, `paragraphs` ([start, end, kind]; kind p is prose, h a heading,
    x the rest of a table) and `outlinks`.

    Args:
        path: `articles.jsonl`, compressed or not.
        exclude: titles of articles to exclude (`read_reserved_titles`).

    Raises:
        DataError: names the line and the field.
    """
    left_out = frozenset(exclude)
    for number, row in read_json_lines(path):
        try:
            if row["title"] not in left_out:
                yield _article(row)
        except KeyError as error:
            way_out = "; it is an annotated text, which --format annotated reads" if {"id", "text"} <= row.keys() else ""
            raise DataError(f"found no {error}{way_out}", path=path, line=number) from None
        except DataError as error:
            raise DataError(str(error), path=path, line=number) from None


def read_reserved_titles(path: Pathname) -> frozenset[str]:
    """Titles that pre-training must never see, one per line of the file."""
    with open_text(path) as file:
        return frozenset(filter(None, map(str.strip, file)))


def _article(row: dict[str, Any]) -> AnnotatedText:
    try:
        mentions = tuple(Mention(start, end, title) for start, end, title in row["links"])
    except (TypeError, ValueError):
        raise DataError("found a link of another form, expected [start, end, title]", field="links") from None
    metadata = {name: row[name] for name in _METADATA if name in row}
    return AnnotatedText(row["title"], row["text"], mentions, language="en", metadata=metadata)


def category_name(category: str) -> str:
    """Readable name of a category: `Great Britain` for `subject.Geography.Great_Britain`."""
    return category.rpartition(".")[2].replace("_", " ")
