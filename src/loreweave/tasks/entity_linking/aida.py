"""Column files of entity linking: AIDA-CoNLL (Hoffart et al., 2011) and the sets of Guo and Barbosa (2018) in its layout.

A line is a token. The tokens of a mention also have B or I, the whole mention, the entity in YAGO (`--NME--` for none) and, if
there is one, the address in Wikipedia, the number of its page and the Freebase id, separated by tabs. A blank line ends a
sentence, `-DOCSTART- (947testa CRICKET)` begins a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import open_text
from loreweave.corpus.surfaces import surfaces_agree
from loreweave.errors import DataError
from loreweave.metrics.linking.cases import Label
from loreweave.tasks.entity_linking.record import LinkingRecord

START = "-DOCSTART-"
PARTS = ("train", "testa", "testb")
"""Parts of AIDA's one file, which the names of its documents contain."""
NO_ENTITY = ("--NME--", "*null*", "NIL", "O")

_NAME, _PART = re.compile(r"\((.*)\)\s*$"), re.compile(r"\d+(testa|testb)\b")
_LEAST = 4
"""Number of columns of a token in a mention without an entity."""


@dataclass
class Document:
    """Lines of a document: its name, and (line number, columns) of the tokens by sentence."""

    name: str
    line: int
    sentences: list[list[tuple[int, list[str]]]] = field(default_factory=lambda: [[]])


def recognises(path: Path) -> bool:
    """Whether a file begins with `-DOCSTART-` and has the columns of mentions."""
    with open_text(path) as file:
        for number, line in enumerate(file):
            if number == 0 and not line.startswith(START):
                return False
            columns = line.rstrip("\r\n").split("\t")
            if len(columns) >= _LEAST and columns[1] in ("B", "I"):
                return True
            if number > 10_000:
                return False
    return False


def rows_of(path: Path, part: str | None = None) -> Iterator[tuple[str, Any]]:
    """Documents with their places; `part` selects one of `PARTS` by the names of the documents.

    Raises:
        DataError: the file does not begin with a document.
    """
    document: Document | None = None
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\r\n")
            if line.startswith(START):
                if document is not None:
                    yield from _of_part(document, part)
                name = _NAME.search(line)
                document = Document(name[1] if name else f"document at line {number}", number)
            elif document is None:
                if line.strip():
                    raise DataError(f"found {line!r}, expected a line that begins with {START}", path=path, line=number)
            elif line.strip():
                document.sentences[-1].append((number, line.split("\t")))
            elif document.sentences[-1]:
                document.sentences.append([])
    if document is not None:
        yield from _of_part(document, part)


def _of_part(document: Document, part: str | None) -> Iterator[tuple[str, Any]]:
    found = _PART.match(document.name)
    if part is None or part == (found[1] if found else "train"):
        yield f"line {document.line}", document


def records_of_document(document: Document, number: str) -> Iterator[LinkingRecord]:
    """The record of a document: tokens are joined by spaces and sentences by line ends.

    Raises:
        DataError: names the line and the column.
    """
    text, mentions, place = "", list[Label](), 0
    open_mention: list[Any] | None = None  # start, end, columns, line
    for sentence in filter(None, document.sentences):
        text += "\n" if text else ""
        for index, (line, columns) in enumerate(sentence):
            text += " " if index else ""
            place = len(text)
            text += columns[0]
            tag = columns[1] if len(columns) > 1 else ""
            if tag not in ("", "B", "I", "O"):
                raise DataError(f"line {line}: found {tag!r}, expected B or I", field="tag")
            if tag == "I" and (open_mention is None or index == 0):
                raise DataError(f"line {line}: found I without B before it", field="tag")
            if tag in ("B", "", "O") and open_mention is not None:
                mentions.append(_label(text, open_mention))
                open_mention = None
            if tag == "B":
                open_mention = [place, len(text), columns, line]
            elif tag == "I" and open_mention is not None:
                open_mention[1] = len(text)
        if open_mention is not None:
            mentions.append(_label(text, open_mention))
            open_mention = None
    if not text:
        raise DataError(f"found no token in the document {document.name!r}, expected one per line", field="token")
    yield LinkingRecord(document.name, text, tuple(mentions))


def _label(text: str, found: list[Any]) -> Label:
    start, end, columns, line = found
    if len(columns) < _LEAST:
        expected = "the tag, the mention and the entity after the token, separated by tabs"
        raise DataError(f"line {line}: found {len(columns)} columns, expected {expected}", field="entity")
    if not surfaces_agree(text[start:end], columns[2]):
        message = f"line {line}: found the mention {columns[2]!r}, but the tokens are {text[start:end]!r}"
        raise DataError(f"{message}, expected the same", field="mention")
    entity = columns[4] if len(columns) > _LEAST and columns[4].strip() else columns[3]
    if entity.strip() in NO_ENTITY or not entity.strip():
        return Label(start, end, coreference=False)
    return Label(start, end, entity.strip(), coreference=False)
