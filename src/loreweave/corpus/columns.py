"""Column files of the CoNLL kind: a token and its tag on a line, a blank line between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files import Pathname, open_text
from loreweave.corpus.tag_schemes import Scheme, find_scheme, spans_of_tags
from loreweave.corpus.tokens import text_of_tokens
from loreweave.errors import DataError

DOCUMENT_START = "-DOCSTART-"
_SPACES = re.compile(r"[ \t]+")
_WHITE = " \t\r\n"
"""Not what `str.split` takes for white space: tokens may hold a no-break space."""


@dataclass(frozen=True, kw_only=True)
class ColumnLayout:
    """Which columns hold what; negative numbers count from the right.

    `separator` None is a tab where the file's first line has one, else any spaces. `scheme` None is found in the tags.
    """

    token: int = 0
    tag: int = -1
    separator: str | None = None
    scheme: Scheme | None = None


@dataclass(frozen=True, slots=True)
class ColumnSentence:
    """The tokens and tags of one sentence as the file has them; `line` is its first, `document` counts from 1 (0: none)."""

    line: int
    document: int
    tokens: tuple[str, ...]
    tags: tuple[str, ...]


def read_columns(path: Pathname, layout: ColumnLayout | None = None) -> list[AnnotatedText]:
    """One text a sentence: its tokens joined by spaces (see `corpus.tokens`), its spans as mentions.

    Ids are `<stem of the file>:<number from 1>`; `metadata["doc"]` is the number of the document where the file marks
    documents.

    Raises:
        DataError: names the file and the line: columns that a line lacks, an empty token, tags of two schemes.
    """
    layout, name = layout or ColumnLayout(), Path(path).name.partition(".")[0]
    sentences = list(read_column_sentences(path, layout))
    try:
        scheme = layout.scheme or find_scheme(tag for sentence in sentences for tag in sentence.tags)
    except DataError as error:
        raise DataError(error.message, path=path) from None
    texts = []
    for number, sentence in enumerate(sentences, 1):
        document = {"doc": str(sentence.document)} if sentence.document else {}
        try:
            spans = spans_of_tags(sentence.tags, scheme)
            texts.append(text_of_tokens(f"{name}:{number}", sentence.tokens, spans, **document))
        except DataError as error:
            raise DataError(error.message, path=path, line=sentence.line, field=error.field) from None
    return texts


def read_column_sentences(path: Pathname, layout: ColumnLayout | None = None) -> Iterator[ColumnSentence]:
    """The sentences of a file (plain, .gz, .xz, .bz2), tags untouched.

    Raises:
        DataError: names the file and the line.
    """
    layout = layout or ColumnLayout()
    separator, width = layout.separator, 0
    start, document = 1, 0
    tokens: list[str] = []
    tags: list[str] = []
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip(_WHITE) or line.startswith(DOCUMENT_START):
                if tokens:
                    yield ColumnSentence(start, document, tuple(tokens), tuple(tags))
                    tokens, tags = [], []
                document += line.startswith(DOCUMENT_START)
                continue
            separator = separator or ("\t" if "\t" in line.strip(_WHITE) else " ")
            columns = _split(line, separator)
            if not tokens:
                start = number
            width = width or len(columns)
            if len(columns) != width or width < 2:
                shown = f"{len(columns)} column{'s' * (len(columns) != 1)}: {line.rstrip(_WHITE)!r}"
                expected = f"{width} as on the lines before" if width > 1 else "a token and a tag"
                raise DataError(f"found {shown}, expected {expected}", path=path, line=number)
            try:
                token, tag = columns[layout.token], columns[layout.tag]
            except IndexError:
                wanted = f"columns {layout.token} and {layout.tag}"
                raise DataError(f"found {width} columns, expected {wanted}", path=path, line=number) from None
            if not token or not tag:
                raise DataError(f"found an empty {'tag' if token else 'token'}: {line!r}", path=path, line=number)
            tokens.append(token)
            tags.append(tag)
    if tokens:
        yield ColumnSentence(start, document, tuple(tokens), tuple(tags))


def _split(line: str, separator: str) -> list[str]:
    if separator == " ":
        return _SPACES.split(line.strip(_WHITE))
    return [column.strip(_WHITE) for column in line.rstrip("\r\n").split(separator)]
