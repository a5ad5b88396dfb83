"""brat's standoff format: a folder of texts (.txt) with their annotations (.ann); each document is a text.

A text-bound annotation is `T1<TAB>Type start end<TAB>text`, in characters of the file. A normalization
`N1<TAB>Reference T1 Wikidata:Q585<TAB>name` gives the entity of a mention: the part after the name of the resource and a
colon. Mentions of several parts are left out and counted, and so are relations, events, attributes and notes.

Some tools count Windows line ends, or a byte-order mark, differently. The text given with each mention decides: the way of
counting is the one that all mentions of a document fit.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.mention_formats.marked import (
    FURTHER_ENTITIES,
    Item,
    Mark,
    Marked,
    MentionFormat,
    as_utf16,
    checked_text,
    entity_of,
)  # fmt: skip
from loreweave.corpus.surfaces import surfaces_agree
from loreweave.errors import DataError

_MENTION = re.compile(r"(?P<id>T\S*)\t(?P<type>\S+) (?P<spans>\d+ \d+(?:;\d+ \d+)*)(?:\t(?P<text>.*))?")
_ENTITY = re.compile(r"N\S*\t\S+ (?P<mention>T\S*) (?P<resource>[^:\s]+):(?P<entity>[^\t]*\S)(?:\t.*)?")
_UNUSED_ENTITY = "normalizations of brat (of no mention, or without an id)"
_OTHERS = {
    "R": "relations of brat", "*": "relations of brat", "E": "events of brat", "A": "attributes of brat",
    "M": "attributes of brat", "N": _UNUSED_ENTITY, "#": "notes of brat",
}  # fmt: skip
_IN_PARTS = "mentions of several parts"


@dataclass
class _Document:
    """A document's text in each way of counting, its marks with their lines, and what is not read."""

    id: str
    texts: tuple[str, ...]
    marks: list[tuple[int, Mark]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Documents of a folder and its subfolders, sorted by name; an error instead of a broken one."""
    if not path.is_dir():
        raise DataError("found no folder, expected one of .txt files with .ann files", path=path)
    files = sorted(file for file in path.rglob("*") if file.suffix in (".txt", ".ann") and file.name[0] != ".")
    known = set(files)
    for file in files:
        if file.suffix == ".ann" and file.with_suffix(".txt") not in known:
            error = DataError(f"found no {file.with_suffix('.txt').name} next to it", path=file)
            yield str(file.relative_to(path)), error
        elif file.suffix == ".txt":
            ann = file.with_suffix(".ann")
            place = str((ann if ann in known else file).relative_to(path))
            try:
                yield place, _document(file, ann if ann in known else None, str(file.relative_to(path).with_suffix("")))
            except DataError as error:
                yield place, DataError(str(error))


def texts(row: Any, number: str, utf16: bool = False) -> Iterator[Item]:
    """A document with its mentions; one without an .ann file is counted."""
    if not isinstance(row, _Document):
        yield LeftOut("texts without an .ann file")
        return
    for reason, count in row.others.items():
        yield from (LeftOut(reason, of_record=True) for _ in range(count))
    text = row.texts[0] if utf16 else _fitting(row)
    if text != row.texts[0]:
        yield LeftOut("offsets of a document that count line ends differently from the file", converted=True)
    for line, mark in row.marks:
        try:
            list(checked_text(Marked("", text, [mark]), name="brat", utf16=utf16))
        except DataError as error:
            raise DataError(f"line {line}: {error.message}", field=error.field) from None
    yield from checked_text(Marked(row.id, text, [mark for _, mark in row.marks]), name="brat", utf16=utf16)


def _fitting(document: _Document) -> str:
    """The text in the way of counting that all mentions fit; as in the file if there is none."""
    for text in document.texts:
        if all(mark.surface is None or surfaces_agree(text[mark.start : mark.end], mark.surface) for _, mark in document.marks):
            return text
    return document.texts[0]


def _document(file: Path, ann: Path | None, id: str) -> _Document | None:
    """The document of a text file; None if it has no annotations."""
    raw = _decoded(file)
    if ann is None:
        return None
    bare = raw.removeprefix("\ufeff")
    document = _Document(id, tuple(dict.fromkeys((bare, bare.replace("\r\n", "\n"), raw))))
    places: dict[str, int] = {}
    entities: list[tuple[str, str]] = []
    for number, line in enumerate(_lines(_decoded(ann).removeprefix("\ufeff")), 1):
        if not line.strip():
            continue
        if (linked := _ENTITY.fullmatch(line)) is not None:
            entity = entity_of(linked["entity"], "ann")
            entities += [(linked["mention"], entity)] if entity is not None else []
            continue
        if line[0] in _OTHERS:
            document.others[_OTHERS[line[0]]] += 1
            continue
        found = _MENTION.fullmatch(line)
        if found is None:
            raise DataError(f"line {number}: found {line!r}, expected T1<TAB>Type start end<TAB>text", field="ann")
        if ";" in found["spans"]:
            document.others[_IN_PARTS] += 1
            continue
        start, end = map(int, found["spans"].split(" "))
        places[found["id"]] = len(document.marks)
        document.marks.append((number, Mark(start, end, (found["type"],), found["text"])))
    _link(document, places, entities)
    return document


def _link(document: _Document, places: Mapping[str, int], entities: Iterable[tuple[str, str]]) -> None:
    """Give the marks their entities; what cannot be used is counted.

    Args:
        document: its marks are changed.
        places: id of a mention -> the place of its mark.
        entities: id of a mention, and an entity.
    """
    for mention, entity in entities:
        if mention not in places:
            document.others[_UNUSED_ENTITY] += 1
            continue
        line, mark = document.marks[places[mention]]
        if mark.entity is None:
            document.marks[places[mention]] = line, mark._replace(entity=entity)
        elif mark.entity != entity:
            document.others[FURTHER_ENTITIES] += 1


def _lines(text: str) -> list[str]:
    """Lines of a text, separated by line ends only; `str.splitlines` would also split at a U+2028 in a mention."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _decoded(file: Path) -> str:
    """Text of a file with its original line ends.

    Raises:
        DataError: it is not UTF-8.
    """
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        message = f"{file.name}, line {line}: found bytes that are not UTF-8 ({error.reason}), expected UTF-8 text"
        raise DataError(message) from None


def _recognises(path: Path, row: Any) -> bool:
    return path.is_dir() and not isinstance(row, Mapping) and next(path.rglob("*.ann"), None) is not None


FORMAT = MentionFormat(
    "brat: a folder of .txt files with .ann files (T1<TAB>Type start end<TAB>text)",
    "T1\tPER 0 3\tMia\nT2\tLOC 9 13\tOslo",
    texts,
    _recognises,
    rows,
    as_utf16(texts),
)
