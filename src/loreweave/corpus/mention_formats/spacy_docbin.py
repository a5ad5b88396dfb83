"""spaCy's binary files (`.spacy`, a DocBin), read without spaCy: compressed MessagePack with a table of numbers per token.

Strings are stored as numbers: the 64-bit MurmurHash of their UTF-8, or, for spaCy's built-in names (`symbols`), their
index in its list. The file has the strings too, so that the numbers can be decoded.

The entity of a mention is its id in spaCy's knowledge base, if it has one. Span groups (`doc.spans`) are not used and are
counted. A text without any entity annotation (neither entities nor the
statement that there are none) is left out and counted.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.missing import file_not_found
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.mention_formats.marked import Item, Mark, Marked, MentionFormat, checked_text, entity_of
from loreweave.corpus.mention_formats.msgpack import unpack
from loreweave.errors import DataError

_ORTH, _ENT_IOB, _ENT_TYPE, _ENT_KB_ID = 65, 77, 78, 452
_MISSING, _INSIDE, _OUTSIDE, _BEGINS = range(4)
_MASK = 2**64 - 1

_SYMBOLS: dict[int, str] = {
    1: "IS_ALPHA IS_ASCII IS_DIGIT IS_LOWER IS_PUNCT IS_SPACE IS_TITLE IS_UPPER LIKE_URL LIKE_NUM LIKE_EMAIL IS_STOP",
    14: "IS_BRACKET IS_QUOTE IS_LEFT_PUNCT IS_RIGHT_PUNCT IS_CURRENCY",
    64: "ID ORTH LOWER NORM SHAPE PREFIX SUFFIX LENGTH CLUSTER LEMMA POS TAG DEP ENT_IOB ENT_TYPE HEAD SENT_START SPACY PROB",
    83: "LANG ADJ ADP ADV AUX CONJ CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X EOL SPACE",
    380: "PERSON NORP FACILITY ORG GPE LOC PRODUCT EVENT WORK_OF_ART LANGUAGE LAW DATE TIME PERCENT MONEY QUANTITY",
    396: "ORDINAL CARDINAL acomp advcl advmod agent amod appos attr aux auxpass cc ccomp complm conj cop csubj",
    413: "csubjpass dep det dobj expl hmod hyph infmod intj iobj mark meta neg nmod nn npadvmod nsubj nsubjpass num",
    432: "number oprd obj obl parataxis partmod pcomp pobj poss possessive preconj prep prt punct quantmod relcl rcmod",
    449: "root xcomp acl ENT_KB_ID MORPH ENT_ID IDX _",
}
"""First number of consecutive names -> the names, of all that may be a word or a type."""


@dataclass(frozen=True)
class _Document:
    """Words, whether a space follows each, and the entity annotation of each word."""

    words: Sequence[str]
    spaces: Sequence[bool]
    places: Sequence[int]
    types: Sequence[str]
    entities: Sequence[str]
    groups: int


def rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Documents of a file, or of the `.spacy` files of a folder, with their place."""
    files = sorted(path.glob("*.spacy")) if path.is_dir() else [path]
    for file in files:
        for number, document in enumerate(_documents(file), 1):
            yield (f"{file.name}, document {number}" if path.is_dir() else f"document {number}"), document


def texts(row: Any, number: str) -> Iterator[Item]:
    """A document with its entities, and its tokens as words."""
    assert isinstance(row, _Document), "made by `rows`"
    if row.groups:
        yield from (LeftOut("groups of spans of spaCy (doc.spans)", of_record=True) for _ in range(row.groups))
    missing = sum(place == _MISSING for place in row.places)
    if row.words and missing == len(row.words):
        yield LeftOut("texts without entity annotation (missing in all tokens)")
        return
    yield from (LeftOut("tokens whose entity is missing (taken as outside)", of_record=True) for _ in range(missing))
    offsets, text = [], ""
    for word, space in zip(row.words, row.spaces, strict=True):
        offsets.append((len(text), len(text) + len(word)))
        text += word + " " * space
    marks: list[Mark] = []
    for (start, end), place, kind, entity in zip(offsets, row.places, row.types, row.entities, strict=True):
        if place == _BEGINS:
            marks.append(Mark(start, end, (kind,), entity=entity_of(entity, "ENT_KB_ID")))
        elif place == _INSIDE:
            if not marks:
                raise DataError("found a token inside an entity that nothing begins", field="ENT_IOB")
            marks[-1] = marks[-1]._replace(end=end)
    yield from checked_text(Marked(number, text, marks, [span for span in offsets if text[slice(*span)].strip()]), name="spacy")


def _documents(file: Path) -> Iterator[_Document]:
    import numpy as np

    try:
        content = unpack(zlib.decompress(file.read_bytes()))
    except FileNotFoundError:
        raise file_not_found(file) from None
    except (zlib.error, DataError) as error:
        raise DataError(f"found no file of spaCy's DocBin ({error})", path=file) from None
    try:
        attributes = list(content["attrs"])
        lengths = np.frombuffer(content["lengths"], "<i4").tolist()
        table = np.frombuffer(content["tokens"], "<u8").reshape(-1, len(attributes))
        spaces = np.frombuffer(content["spaces"], "?")
        strings = [str(string) for string in content["strings"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"found no file of spaCy's DocBin ({error})", path=file) from None
    lacking = [name for name, at in (("ENT_IOB", _ENT_IOB), ("ENT_TYPE", _ENT_TYPE)) if at not in attributes]
    if lacking or _ORTH not in attributes:
        raise DataError(f"found no {' and '.join(lacking) or 'ORTH'} among the attributes of the tokens", path=file)
    if len(table) != sum(lengths) or len(spaces) != len(table):
        raise DataError(f"found {counted(len(table), 'token')}, expected {sum(lengths)}", path=file)
    names = _names(strings)
    flags, groups = (_of_documents(content.get(key), len(lengths)) for key in ("flags", "span_groups"))
    ends = [0]
    for length in lengths:
        ends.append(ends[-1] + length)
    columns = [attributes.index(at) for at in (_ORTH, _ENT_IOB, _ENT_TYPE)]
    linked = attributes.index(_ENT_KB_ID) if _ENT_KB_ID in attributes else None
    for number, (start, end) in enumerate(pairwise(ends)):
        words, places, types = (table[start:end, column].tolist() for column in columns)
        entities = [0] * len(words) if linked is None else table[start:end, linked].tolist()
        known = [[_named(value, names, file) for value in values] for values in (words, types, entities)]
        joined = spaces[start:end].tolist()
        if isinstance(flags[number], Mapping) and flags[number].get("has_unknown_spaces"):
            joined = [True] * max(0, len(words) - 1) + [False] * bool(words)
        yield _Document(known[0], joined, places, known[1], known[2], _groups_in(groups[number], file))


def _named(number: int, names: Mapping[int, str], file: Path) -> str:
    if number not in names:
        raise DataError(f"found the number {number}, which is none of the file's strings", path=file, field="strings")
    return names[number]


def _of_documents(value: Any, number: int) -> list[Any]:
    """Values of a file for each document; None for each if the file has none."""
    return value if isinstance(value, list) and len(value) == number else [None] * number


def _groups_in(packed: Any, file: Path) -> int:
    """Number of span groups of a document."""
    try:
        found = unpack(packed) if isinstance(packed, bytes) else []
    except DataError as error:
        raise DataError(error.message, path=file, field="span_groups") from None
    return len(found) if isinstance(found, list | dict) else 0


def _names(strings: Sequence[str]) -> dict[int, str]:
    """Number -> string, for the strings of a file. spaCy's built-in names have numbers of their own."""
    known = set(strings)
    names = {_hash(string.encode("utf-8")): string for string in known if string}
    for first, symbols in _SYMBOLS.items():
        names |= {number: name for number, name in enumerate(symbols.split(), first) if name in known}
    return names | {0: ""}


def _hash(data: bytes, seed: int = 1) -> int:
    """MurmurHash64A."""
    factor, shift = 0xC6A4A7935BD1E995, 47
    value = (seed ^ (len(data) * factor)) & _MASK
    whole = len(data) - len(data) % 8
    for place in range(0, whole, 8):
        part = int.from_bytes(data[place : place + 8], "little") * factor & _MASK
        part = (part ^ part >> shift) * factor & _MASK
        value = (value ^ part) * factor & _MASK
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * factor & _MASK
    value = (value ^ value >> shift) * factor & _MASK
    return value ^ value >> shift


def _recognises(path: Path, row: Any) -> bool:
    return row is None and (path.suffix == ".spacy" if path.is_file() else next(path.glob("*.spacy"), None) is not None)


FORMAT = MentionFormat(
    "spaCy's binary training files (.spacy, a DocBin); spaCy itself is not needed",
    "train.spacy",
    texts,
    _recognises,
    rows,
)
