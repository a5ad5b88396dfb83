"""Column files of the CoNLL kind: a token and its tag on a line, a blank line between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files import Pathname, open_text
from loreweave.corpus.tag_schemes import OUTSIDE, Scheme, find_scheme, spans_of_tags
from loreweave.corpus.tokens import text_of_tokens
from loreweave.errors import DataError

DOCUMENT_START = "-DOCSTART-"
_SPACES = re.compile(r"[ \t]+")
_COMMENT = re.compile(r"# ?(?:(?:id|sent_id|text|newdoc|newpar)\b|[\w.:]+ = )")
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
    """The tokens and tags of one sentence as the file has them; `line` is its first, `document` counts from 1 (0: none).

    `error` is what is wrong with it, where bad sentences were asked for; then tokens and tags end before the bad line.
    """

    line: int
    document: int
    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    error: DataError | None = None


def read_columns(path: Pathname, layout: ColumnLayout | None = None) -> list[AnnotatedText]:
    """One text a sentence: its tokens joined by spaces (see `corpus.tokens`), its spans as mentions.

    Ids are `<stem of the file>:<number from 1>`; `metadata["doc"]` is the number of the document where the file marks
    documents.

    Raises:
        DataError: names the file and the line: columns that a line lacks, an empty token, tags of two schemes.
    """
    layout, name = layout or ColumnLayout(), Path(path).name.partition(".")[0]
    sentences = list(read_column_sentences(path, layout))
    scheme = layout.scheme or scheme_of(sentences, path)
    texts = []
    for number, sentence in enumerate(sentences, 1):
        document = {"doc": str(sentence.document)} if sentence.document else {}
        try:
            spans = spans_of_tags(sentence.tags, scheme)
            texts.append(text_of_tokens(f"{name}:{number}", sentence.tokens, spans, **document))
        except DataError as error:
            raise DataError(error.message, path=path, line=sentence.line, field=error.field) from None
    return texts


def scheme_of(sentences: Iterable[ColumnSentence], path: Pathname) -> Scheme:
    """The scheme of all tags of a file.

    Raises:
        DataError: names the first line whose tag is of another scheme than those before it.
    """
    first = ""
    for sentence in sentences:
        for number, tag in enumerate(sentence.tags, sentence.line):
            if tag == OUTSIDE:
                continue
            try:
                find_scheme((first or tag, tag))
            except DataError as error:
                raise DataError(error.message, path=path, line=number) from None
            first = first or tag
    return find_scheme([first or OUTSIDE])


def read_column_sentences(
    path: Pathname, layout: ColumnLayout | None = None, keep_bad: bool = False
) -> Iterator[ColumnSentence]:
    """The sentences of a file (plain, .gz, .xz, .bz2), tags untouched. Comments (`# id ...`, `# key = ...`) are passed over.

    Args:
        path: the file.
        layout: its columns.
        keep_bad: give sentences with a bad line too, with their first `error`, instead of raising it.

    Raises:
        DataError: names the file and the line.
    """
    lines = _Lines(path, layout or ColumnLayout())
    start, document = 1, 0
    tokens: list[str] = []
    tags: list[str] = []
    bad: DataError | None = None
    with open_text(path) as file:
        for number, line in enumerate(chain(file, [""]), 1):
            if not line.strip(_WHITE) or line.startswith(DOCUMENT_START):
                if tokens or bad:
                    yield ColumnSentence(start, document, tuple(tokens), tuple(tags), bad)
                    tokens, tags, bad = [], [], None
                document += line.startswith(DOCUMENT_START)
                continue
            if not tokens and bad is None:
                if _COMMENT.match(line):
                    continue
                start = number
            if bad is not None:
                continue
            try:
                token, tag = lines.token_and_tag(line, number)
            except DataError as error:
                if not keep_bad:
                    raise
                bad = error
                continue
            tokens.append(token)
            tags.append(tag)


@dataclass
class _Lines:
    """Cuts the lines of one file; the first says how many columns there are and what separates them."""

    path: Pathname
    layout: ColumnLayout
    width: int = 0

    def token_and_tag(self, line: str, number: int) -> tuple[str, str]:
        layout = self.layout
        if layout.separator is None:
            layout = self.layout = replace(layout, separator="\t" if "\t" in line.strip(_WHITE) else " ")
        columns = _split(line, layout.separator or " ")
        width = self.width or len(columns)
        if len(columns) != width or width < 2:
            shown = f"{len(columns)} column{'s' * (len(columns) != 1)}: {line.rstrip(_WHITE)!r}"
            expected = f"{width} as on the lines before" if width > 1 else "a token and a tag"
            raise DataError(f"found {shown}, expected {expected}", path=self.path, line=number)
        try:
            token, tag = columns[layout.token], columns[layout.tag]
        except IndexError:
            wanted = f"columns {layout.token} and {layout.tag}"
            raise DataError(f"found {width} columns, expected {wanted}", path=self.path, line=number) from None
        if not token or not tag:
            raise DataError(f"found an empty {'tag' if token else 'token'}: {line!r}", path=self.path, line=number)
        self.width = width
        return token, tag


def _split(line: str, separator: str) -> list[str]:
    if separator == " ":
        return _SPACES.split(line.strip(_WHITE))
    return [column.strip(_WHITE) for column in line.rstrip("\r\n").split(separator)]
