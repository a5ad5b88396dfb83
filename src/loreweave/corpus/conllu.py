"""CoNLL-U files (Universal Dependencies): words with gold part-of-speech tags, and mentions where the file has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.files import Pathname, open_text
from loreweave.corpus.tokens import POS, TOKENS
from loreweave.errors import DataError

_COLUMNS = 10
_ABSENT = "_"
_COMMENT = re.compile(r"#\s*([^=]+?)\s*=\s*(.*)")
_ID = re.compile(r"\d+(-\d+|\.\d+)?")
_BRACKET = re.compile(r"\(([^()]*)(\))?|([^()]+)\)")


def read_conllu(path: Pathname) -> Iterator[AnnotatedText]:
    """Stream a file (plain, .gz, .xz, .bz2), one text a sentence.

    The text is that of the forms and their `SpaceAfter=No`; `metadata` has `tokens` (the characters of each word), `pos` (the
    universal tag of each, where the file gives one) and `doc`. A multi-word token whose words do not spell it (French `du`)
    is one word here, with the tags of its words joined by `+`. Empty nodes are not in the text, nor mentions of them alone.

    Mentions are read from `Entity=` in the last column where the file declares its fields (`# global.Entity = ...`, as GUM
    and CorefUD do); the field `etype` is their label. Parts of a discontinuous mention are mentions of their own.

    Raises:
        DataError: names the file and the line: a row without ten columns, an id that is none, an empty form, brackets that do
            not match.
    """
    name = Path(path).name.partition(".")[0]
    sentence, document, fields, number = _Sentence(), "", list[str](), 0
    with open_text(path) as file:
        for line, row in enumerate(file, 1):
            stripped = row.rstrip("\r\n")
            if stripped.startswith("#"):
                match = _COMMENT.match(stripped)
                key, value = match.groups() if match else ("", "")
                document = value if key == "newdoc id" else document
                fields = value.split("-") if key == "global.Entity" else fields
                sentence.id = value if key == "sent_id" else sentence.id
            elif stripped.strip():
                sentence.rows.append(_row(stripped, path, line))
            elif sentence.rows:
                number += 1
                yield _text(sentence, f"{name}:{number}", document, fields, path)
                sentence = _Sentence()
    if sentence.rows:
        yield _text(sentence, f"{name}:{number + 1}", document, fields, path)


class _Row(NamedTuple):
    line: int
    id: str
    form: str
    tag: str
    misc: dict[str, str]


@dataclass
class _Sentence:
    id: str = ""
    rows: list[_Row] = field(default_factory=list)


class _Word(NamedTuple):
    """A word of the text, its rows, and whether a space follows; an empty node has the form ""."""

    form: str
    rows: Sequence[_Row]
    space: bool


def _row(text: str, path: Pathname, line: int) -> _Row:
    columns = text.split("\t")
    if len(columns) != _COLUMNS:
        raise DataError(f"found {len(columns)} columns, expected {_COLUMNS} with tabs between them", path=path, line=line)
    id, form, tag = columns[0], columns[1].strip(), columns[3]
    if not _ID.fullmatch(id):
        raise DataError(f"found the id {id!r}, expected 3, 3-4 or 3.1", path=path, line=line)
    if not form:
        raise DataError("found an empty form", path=path, line=line)
    return _Row(line, id, form, tag, dict(item.partition("=")[::2] for item in columns[9].split("|")))


def _text(sentence: _Sentence, id: str, document: str, fields: Sequence[str], path: Pathname) -> AnnotatedText:
    text, places, tokens, tags = "", list[tuple[_Row, int, int]](), list[list[int]](), list[str]()
    for form, rows, space in _words(sentence.rows):
        start, end = (len(text), len(text) + len(form)) if form else (len(text), len(text.rstrip(" ")))
        places += [(row, start, end) for row in rows]
        if form:
            tokens.append([start, end])
            tags.append("+".join(row.tag for row in rows))
            text += form + " " * space
    metadata: dict[str, Any] = {"doc": document} if document else {}
    metadata |= {TOKENS: tokens, **({POS: tags} if any(tag != _ABSENT for tag in tags) else {})}
    mentions = _mentions(places, fields.index("etype") if "etype" in fields else None, path) if fields else ()
    return AnnotatedText(sentence.id or id, text.rstrip(" "), tuple(mentions), metadata=metadata)


def _words(rows: Sequence[_Row]) -> Iterator[_Word]:
    """The words of a sentence's rows; the words of a multi-word token where they spell it, else the token as one."""
    at = 0
    while at < len(rows):
        row = rows[at]
        at += 1
        first, _, last = row.id.partition("-")
        if "." in row.id:
            yield _Word("", [row], False)
            continue
        parts = [row]
        if last:
            parts = [part for part in rows[at : at + int(last) - int(first) + 1] if "." not in part.id]
            at += len(parts)
        space = row.misc.get("SpaceAfter") != "No"
        if "".join(part.form for part in parts) == row.form:
            yield from (_Word(part.form, [part], False) for part in parts[:-1])
            yield _Word(parts[-1].form, parts[-1:], space)
        else:
            yield _Word(row.form, parts, space)


def _mentions(places: Sequence[tuple[_Row, int, int]], label: int | None, path: Pathname) -> Iterator[Mention]:
    """What the brackets of `Entity=` enclose, by the characters of the rows; `label` is the place of the type's field."""
    opened: list[tuple[str, str | None, int, int]] = []  # group, label, first character, line
    for row, start, end in places:
        for content, single, closed in _BRACKET.findall(row.misc.get("Entity", "")):
            if not closed:
                parts = content.split("-")
                opened.append((parts[0], parts[label] if label is not None and label < len(parts) else None, start, row.line))
                if not single:
                    continue
            group = closed or opened[-1][0]
            found = next((place for place in reversed(opened) if place[0] == group), None)
            if found is None:
                raise DataError(f"found the end of the mention {group!r}, expected its begin before", path=path, line=row.line)
            opened.remove(found)
            if found[2] < end:
                yield Mention(found[2], end, label=found[1] or None)
    if opened:
        group, _, _, line = opened[-1]
        raise DataError(f"found no end of the mention {group!r} in its sentence", path=path, line=line)
