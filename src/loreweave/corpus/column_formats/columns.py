"""Column files in CoNLL style: one token and its tag per line, blank lines between sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.column_formats.layout import DOCUMENT_START, ColumnLayout, FileLayout, find_layout
from loreweave.corpus.column_formats.tag_schemes import OUTSIDE, Scheme, TokenSpan, find_scheme, spans_of_tags
from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import Pathname, open_text
from loreweave.corpus.tokens import WHITE, text_of_file_tokens
from loreweave.errors import DataError

_OTHER_SEPARATORS = {",": "commas", ";": "semicolons", "|": "bars"}
"""Separators that are not supported."""


@dataclass(frozen=True, slots=True)
class ColumnSentence:
    """Tokens and tags of one sentence; `line` is the first line, `document` counts from 1 (0: none).

    Tags are those of `tag_schemes`, whatever their spelling in the file. `nested` has the tags of a second column for nested
    mentions, if there is one. `error` is the first error of a bad sentence, if these are requested; tokens and tags then
    end before the bad line. `characters` means that tokens are characters, and blank ones the spaces between words.
    """

    line: int
    document: int
    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    nested: tuple[str, ...] = ()
    characters: bool = False
    error: DataError | None = None

    def spans(self, scheme: Scheme | None) -> list[TokenSpan]:
        """Spans of the tags, followed by those of the nested tags.

        Raises:
            DataError: a tag has no prefix although one is expected.
        """
        inner = spans_of_tags(self.nested, find_scheme(self.nested)) if self.nested else []
        return [*spans_of_tags(self.tags, scheme or "prefixed"), *inner]

    def text(self, id: str, scheme: Scheme | None, dropped: Counter[str], **metadata: Any) -> AnnotatedText:
        """The text with the spans as mentions; see `text_of_file_tokens`.

        Raises:
            DataError: see `spans`.
        """
        spans = self.spans(scheme)
        return text_of_file_tokens(id, self.tokens, spans, dropped, metadata, characters=self.characters)


def scheme_of(sentences: Iterable[ColumnSentence], path: Pathname) -> Scheme:
    """Scheme of all tags of a file.

    Raises:
        DataError: names the first line whose tag has another scheme than those before it.
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
    path: Pathname, layout: FileLayout | ColumnLayout | None = None, keep_bad: bool = False
) -> Iterator[ColumnSentence]:
    """Sentences of a file (plain, .gz, .xz, .bz2). Comments are skipped, see `FileLayout.is_comment`.

    Args:
        path: the file.
        layout: its layout, or its columns if they are known. Default: recognised.
        keep_bad: also yield sentences with a bad line, with their first `error`, instead of raising it.

    Raises:
        DataError: names the file and the line; see `find_layout`.
    """
    lines = _Lines(path, layout if isinstance(layout, FileLayout) else find_layout(path, layout), keep_bad)
    with open_text(path) as file:
        for number, line in enumerate(chain(file, [""]), 1):
            if not line.strip() or line.startswith(DOCUMENT_START):
                yield from lines.end()
                lines.document += line.startswith(DOCUMENT_START)
            elif not lines.layout.is_comment(line, lines.began):
                yield from lines.add(line, number)


class _Lines:
    """Collects the lines of one file into sentences."""

    def __init__(self, path: Pathname, layout: FileLayout, keep_bad: bool) -> None:
        self.path, self.layout, self.keep_bad = path, layout, keep_bad
        self.document = 0
        self._header = layout.header
        self._good = False
        self._sentence: str | None = None
        self._clear()

    def _clear(self) -> None:
        self._start = 0
        self._error: DataError | None = None
        self._cells: list[tuple[str, ...]] = []

    @property
    def began(self) -> bool:
        return self._start > 0

    def end(self) -> Iterator[ColumnSentence]:
        if self.began:
            tokens, tags, *nested = list(zip(*self._cells, strict=True)) or [(), ()]
            inner = nested[0] if nested else ()
            yield ColumnSentence(self._start, self.document, tokens, tags, inner, self.layout.characters, self._error)
        self._clear()

    def add(self, line: str, number: int) -> Iterator[ColumnSentence]:
        """Process a line with a token; returns the previous sentence if this line begins another one without a blank line."""
        if self._header:
            self._header = False
            return
        cells = self.layout.split(line)
        if self.layout.sentence is not None and len(cells) == self.layout.width:
            name = cells[self.layout.sentence].strip()
            if name and name != self._sentence:
                yield from self.end()
                self._sentence = name
        self._start = self._start or number
        if self._error is not None:
            return
        try:
            self._cells.append(self._chosen(cells, line, number))
        except DataError as error:
            if not self.keep_bad:
                raise
            self._error = error

    def _chosen(self, cells: list[str], line: str, number: int) -> tuple[str, ...]:
        """The token, its tag, and its nested tag if there is one."""
        layout, width = self.layout, self.layout.width
        if len(cells) != width:
            shown = f"{counted(len(cells), 'column')}: {line.rstrip(WHITE)!r}"
            expected = f"{width} as on {'the lines before' if self._good else 'most lines'}"
            mark = next((mark for mark in _OTHER_SEPARATORS if line.count(mark) > (width > 0)), "")
            if len(cells) == 1 and mark:
                expected = f"a token and a tag, with a tab or spaces between, not {_OTHER_SEPARATORS[mark]}"
            elif not width:
                expected = "a token and a tag, with a tab or spaces between"
            raise DataError(f"found {shown}, expected {expected}", path=self.path, line=number)
        try:
            token, tag = cells[layout.token], cells[layout.tag]
        except IndexError:
            wanted = f"columns {layout.token} and {layout.tag}"
            raise DataError(f"found {counted(width, 'column')}, expected {wanted}", path=self.path, line=number) from None
        if not token or not tag:
            raise DataError(f"found an empty {'tag' if token else 'token'}: {line!r}", path=self.path, line=number)
        self._good = True
        plain = layout.spelling.plain
        return (token, plain(tag)) if layout.nested is None else (token, plain(tag), plain(cells[layout.nested]))
