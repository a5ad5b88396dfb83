"""CoNLL-U files (Universal Dependencies): words with gold part-of-speech tags, and mentions if the file has them.

Mentions are spans in brackets, which may nest (`Entity=(4-person-new` ... `Entity=4)`, as in GUM and CorefUD), or tags
(`NER=B-PER`, `name=B-PER`, or only `B-PER`), both in the last column; see `conllu_misc`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.column_formats.conllu_misc import COLUMNS, ENTITY, Misc, find_misc, items_of_misc
from loreweave.corpus.column_formats.tag_schemes import OUTSIDE, find_scheme, spans_of_tags
from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import Pathname, open_text
from loreweave.corpus.tokens import BLANK_TOKENS, POS, TOKENS
from loreweave.errors import DataError

UNDECLARED = "mentions whose fields no '# global.Entity' declares"
_ABSENT = "_"
_COMMENT = re.compile(r"#\s*([^=]*?)\s*(?:=\s*(.*))?")
_ID = re.compile(r"\d+(-\d+|\.\d+)?")
_BRACKET = re.compile(r"\(([^()]*)(\))?|([^()]+)\)")


@dataclass(frozen=True, slots=True)
class ConlluSentence:
    """A sentence of a file as text, or its error.

    Attributes:
        line: first line.
        text: None if there is an error.
        undeclared: number of mentions in `Entity=` that are not read, because the file does not declare their fields.
        blanks: number of words of white space only, which are not in the text.
        error: names the file and the line.
    """

    line: int
    text: AnnotatedText | None
    undeclared: int = 0
    blanks: int = 0
    error: DataError | None = None


def read_conllu(path: Pathname, dropped: Counter[str] | None = None, notes: list[str] | None = None) -> Iterator[AnnotatedText]:
    """Stream the texts of a file, see `read_conllu_sentences`.

    Args:
        path: the file.
        dropped: receives what texts lost.
        notes: receives unusual observations, one per line.

    Raises:
        DataError: names the file and the line: a row without ten columns, an invalid id, an empty form, brackets that do
            not match, tags of two schemes in a sentence.
    """
    misc = find_misc(path)
    if notes is not None:
        notes += misc.notes
    for sentence in read_conllu_sentences(path, misc):
        if sentence.text is None:
            assert sentence.error is not None
            raise sentence.error
        if dropped is not None:
            dropped.update({UNDECLARED: sentence.undeclared, BLANK_TOKENS: sentence.blanks})
        yield sentence.text


def read_conllu_sentences(path: Pathname, misc: Misc | None = None) -> Iterator[ConlluSentence]:
    """Stream a file (plain, .gz, .xz, .bz2), one text per sentence; bad sentences have their first error.

    The text is made from the forms and their `SpaceAfter=No`; `metadata` has `tokens` (the characters of each word), `pos` (the
    universal tag of each word, if the file has it) and `doc`. A multi-word token is one word here if its words do not
    spell it (French `du`) or if it has mentions itself; it has the tags of its words joined by `+`, and their mentions.
    Empty nodes are not in the text, and neither are mentions of empty nodes only.

    Mentions are read from `Entity=` if the file declares its fields (`# global.Entity = ...`); the field `etype` is their
    label. Parts of a discontinuous mention are separate mentions. Mentions are also read from tags, if `misc` says that
    the last column has them; by default the file decides.
    """
    misc = find_misc(path) if misc is None else misc
    sentence = _Sentence(path, misc)
    document, fields, number, documents = "", list[str](), 0, 0
    with open_text(path) as file:
        for line, row in enumerate(chain(file, [""]), 1):
            stripped = row.rstrip("\r\n")
            if stripped.startswith("#"):
                key, value = _comment(stripped)
                if key in ("newdoc", "newdoc id"):
                    documents += 1
                    document = value or str(documents)
                fields = value.split("-") if key == "global.Entity" else fields
                sentence.id = value if key == "sent_id" else sentence.id
            elif stripped.strip():
                sentence.add(line, stripped)
            elif sentence.line:
                number += 1
                yield sentence.finished(number, document, fields)
                sentence = _Sentence(path, misc)


def is_conllu(path: Pathname) -> bool:
    """Whether the first line of a file that is not a comment is a row of CoNLL-U."""
    with open_text(path) as file:
        line = next((line for line in file if line.strip() and not line.startswith("#")), "")
    cells = line.rstrip("\r\n").split("\t")
    return len(cells) == COLUMNS and _ID.fullmatch(cells[0]) is not None


def _comment(text: str) -> tuple[str, str]:
    match = _COMMENT.fullmatch(text)
    return (match[1], match[2] or "") if match else ("", "")


class _Row(NamedTuple):
    line: int
    id: str
    form: str
    tag: str
    misc: dict[str, str]
    entity_tag: str

    @property
    def is_empty_node(self) -> bool:
        """Whether the row is a word that the text does not have (`3.1`)."""
        return "." in self.id


class _Word(NamedTuple):
    """A word of the text, its rows, and whether a space follows; an empty node has the form ""."""

    form: str
    rows: Sequence[_Row]
    space: bool


class _Place(NamedTuple):
    """Characters of a row."""

    row: _Row
    start: int
    end: int


@dataclass
class _Sentence:
    path: Pathname
    misc: Misc
    id: str = ""
    line: int = 0
    rows: list[_Row] = field(default_factory=list)
    error: DataError | None = None

    def add(self, line: int, text: str) -> None:
        self.line = self.line or line
        try:
            self.rows.append(_row(text, self.misc, self.path, line))
        except DataError as error:
            self.error = self.error or error

    def finished(self, number: int, document: str, fields: Sequence[str]) -> ConlluSentence:
        undeclared = 0 if fields else sum(row.misc.get(ENTITY, "").count("(") for row in self.rows)
        blanks = sum(not row.form for row in self.rows)
        id = self.id or f"{Path(self.path).name.partition('.')[0]}:{number}"
        try:
            if self.error is not None:
                raise self.error
            text = _text(self.rows, id, document, fields, self.path)
            return ConlluSentence(self.line, text, undeclared, blanks)
        except DataError as error:
            return ConlluSentence(self.line, None, undeclared, blanks, error)


def _row(text: str, misc: Misc, path: Pathname, line: int) -> _Row:
    columns = text.split("\t")
    if len(columns) != COLUMNS:
        found = f"{counted(len(columns), 'column')}: {text[:60]!r}"
        raise DataError(f"found {found}, expected {COLUMNS} of CoNLL-U, with tabs between them", path=path, line=line)
    id, form, tag = columns[0], columns[1].strip(), columns[3]
    if not _ID.fullmatch(id):
        raise DataError(f"found the id {id!r}, expected 3, 3-4 or 3.1", path=path, line=line)
    if not columns[1]:
        raise DataError("found an empty form", path=path, line=line)
    items = items_of_misc(columns[9])
    return _Row(line, id, form, tag, dict(items), misc.tag_of(items))


def _text(rows: Sequence[_Row], id: str, document: str, fields: Sequence[str], path: Pathname) -> AnnotatedText:
    text, words, places, tags = "", list[_Place](), list[_Place](), list[str]()
    entity_tags = list[str]()
    for form, parts, space in _words(rows):
        start, end = (len(text), len(text) + len(form)) if form else (len(text), len(text.rstrip(" ")))
        places += [_Place(row, start, end) for row in parts]
        if form:
            words.append(places[-1])
            written = [row for row in parts if not row.is_empty_node]
            tags.append("+".join(row.tag for row in written if "-" not in row.id))
            entity_tags.append(next((row.entity_tag for row in written if row.entity_tag != OUTSIDE), OUTSIDE))
            text += form + " " * space
    metadata: dict[str, Any] = {"doc": document} if document else {}
    metadata[TOKENS] = [[word.start, word.end] for word in words]
    metadata |= {POS: tags} if any(tag != _ABSENT for tag in tags) else {}
    bracketed = _bracketed(places, fields.index("etype") if "etype" in fields else None, path) if fields else ()
    mentions = sorted([*bracketed, *_tagged(words, entity_tags, path)], key=lambda mention: (mention.start, mention.end))
    return AnnotatedText(id, text.rstrip(" "), tuple(mentions), metadata=metadata)


def _words(rows: Sequence[_Row]) -> Iterator[_Word]:
    """Words of a sentence's rows; the words of a multi-word token if they spell it, otherwise the token as one word."""
    at = 0
    while at < len(rows):
        row = rows[at]
        at += 1
        first, _, last = row.id.partition("-")
        if row.is_empty_node or not row.form:
            yield _Word("", [row], False)
            continue
        end = _end_of_words(rows, at, int(last) - int(first) + 1) if last else at
        inside = rows[at:end] if last else [row]
        at = end
        parts = [part for part in inside if not part.is_empty_node]
        space = row.misc.get("SpaceAfter") != "No"
        annotated = ENTITY in row.misc or row.entity_tag != OUTSIDE
        if "".join(part.form for part in parts) == row.form and not (last and annotated):
            for part in inside:
                yield _Word("" if part.is_empty_node else part.form, [part], space and part is parts[-1])
        else:
            yield _Word(row.form, [row, *inside], space)


def _end_of_words(rows: Sequence[_Row], at: int, number: int) -> int:
    """The place after a number of words from `at` on; empty nodes among them are not counted."""
    while at < len(rows) and number > 0:
        number -= not rows[at].is_empty_node
        at += 1
    return at


def _bracketed(places: Sequence[_Place], label: int | None, path: Pathname) -> Iterator[Mention]:
    """Mentions in the brackets of `Entity=`; `label` is the position of the type's field."""
    opened: list[tuple[str, str | None, int, int]] = []  # group, label, first character, line
    for row, start, end in places:
        for content, single, closed in _BRACKET.findall(row.misc.get(ENTITY, "")):
            if not closed:
                parts = content.split("-")
                opened.append((parts[0], parts[label] if label is not None and label < len(parts) else None, start, row.line))
                if not single:
                    continue
            group = closed or opened[-1][0]
            found = next((place for place in reversed(opened) if place[0] == group), None)
            if found is None:
                expected = "expected its begin before"
                raise DataError(f"found the end of the mention {group!r}, {expected}", path=path, line=row.line, field=ENTITY)
            opened.remove(found)
            alone = row.is_empty_node and found[3] == row.line  # inside a multi-word token, it has the characters of that
            if found[2] < end and not alone:
                yield Mention(found[2], end, label=found[1] or None)
    if opened:
        group, _, _, line = opened[-1]
        raise DataError(f"found no end of the mention {group!r} in its sentence", path=path, line=line, field=ENTITY)


def _tagged(words: Sequence[_Place], tags: Sequence[str], path: Pathname) -> Iterator[Mention]:
    """Mentions in the tags of the words."""
    try:
        spans = spans_of_tags(tags, find_scheme(tags))
    except DataError as error:
        line = next(word.row.line for word, tag in zip(words, tags, strict=True) if tag != OUTSIDE)
        raise DataError(error.message, path=path, line=line, field="NER") from None
    yield from (Mention(words[start].start, words[end - 1].end, label=label) for start, end, label in spans)
