"""JSON layouts of entity linking: a row becomes a record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.rows import LeftOut, Row, Span, as_row, check_span, field, id_of, objects, with_id, words
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.mention_formats.marked import MentionFormat
from loreweave.corpus.special_entities import NIL
from loreweave.corpus.tokens import token_offsets
from loreweave.errors import DataError
from loreweave.metrics.linking.cases import QUANTITIES, Label
from loreweave.tasks.entity_linking.record import LinkingRecord, with_children

_UNKNOWN = ("<NIL>", NIL, "Unknown", "null", "")
"""Entities that stand for none."""
_NUMBERED = re.compile("Unknown[A-Za-z0-9]*")
"""Further ones of ELEVANT, as `Unknown1`, but not a title such as `Unknown_Pleasures`."""


def annotated(row: Row, number: str) -> Iterator[LinkingRecord | LeftOut]:
    """Annotated text: {id, text, mentions: [{start, end, entity}]}; a mention with the entity null has none."""
    yield from _record(AnnotatedText.from_dict(with_id(as_row(row), number)))


def of_tool(format: MentionFormat, row: Any, number: str) -> Iterator[LinkingRecord | LeftOut]:
    """A row of an annotation tool's file; a mention without an entity has none."""
    for item in format.texts(row, number):
        yield from (item,) if isinstance(item, LeftOut) else _record(item)


def _record(text: AnnotatedText) -> Iterator[LinkingRecord | LeftOut]:
    """The record of a text; a mention that is listed twice is kept once."""
    mentions = [
        Label(one.start, one.end, None if one.entity in _UNKNOWN else one.entity, types=one.types, coreference=False)
        for one in text.mentions
    ]
    kept = tuple(dict.fromkeys(mentions))
    yield from [LeftOut("repeated mentions (kept once)", of_record=True)] * (len(mentions) - len(kept))
    yield LinkingRecord(text.id, text.text, kept, metadata=text.metadata)


def elevant(row: Row, number: str) -> Iterator[LinkingRecord | LeftOut]:
    """ELEVANT: {id, title, text, evaluation_span, labels: [{id, span, entity_id, name, type, parent, children, optional}]}."""
    row = as_row(row)
    text = field(row, "text", str)
    given = objects(row, "labels")
    index = {field(label, "id", int): place for place, label in enumerate(given)}
    if len(index) < len(given):
        raise DataError("found labels with the same id, expected different ids", field="labels.id")
    labels = [_elevant_label(label, text, index) for label in given]
    children = [_children(label, place, given, index) for place, label in enumerate(given)]
    evaluated = None if row.get("evaluation_span") is None else _span(row, "evaluation_span", text)
    links = tuple(_hyperlinks(row, text))
    metadata = {name: row[name] for name in ("title", "url") if name in row}
    yield LinkingRecord(
        id_of(row, number), text, with_children(labels, children), evaluated, links, metadata
    )  # fmt: skip


def _elevant_label(row: Row, text: str, index: Mapping[int, int]) -> Label:
    start, end = _span(row, "span", text)
    check_span(text, start, end, "labels.span")
    types = tuple(field(row, "type", str).split("|")) if row.get("type") else ()
    entity = field(row, "entity_id", str)
    if entity in QUANTITIES or entity in _UNKNOWN or _NUMBERED.fullmatch(entity):
        types = (*types, entity) if entity in QUANTITIES and entity not in types else types
        entity = ""
    parent = row.get("parent")
    if parent is not None and not _is_id(parent, index):
        raise DataError(f"found the parent {parent!r}, expected the id of a label", field="labels.parent")
    name = row.get("name") or ""
    coreference = row.get("coref")
    return Label(
        start, end, entity or None, "" if name == "Unknown" else name, types, bool(row.get("optional")),
        None if parent is None else index[parent], coreference=coreference if isinstance(coreference, bool) else None,
    )  # fmt: skip


def _children(row: Row, place: int, given: list[Row], index: Mapping[int, int]) -> list[int]:
    """Alternatives of a label: those that it names, otherwise those that name it as their parent."""
    named = row.get("children")
    if named:
        if not isinstance(named, list):
            raise DataError(f"found {in_json(named)}, expected a list of ids of labels", field="labels.children")
        unknown = [child for child in named if not _is_id(child, index)]
        if unknown:
            raise DataError(f"found the child {unknown[0]!r}, expected the id of a label", field="labels.children")
        return [index[child] for child in named]
    return [other for other, label in enumerate(given) if label.get("parent") == row["id"]]


def _is_id(found: Any, index: Mapping[int, int]) -> bool:
    return isinstance(found, int) and found in index


def _hyperlinks(row: Row, text: str) -> Iterator[Span]:
    """Characters of the hyperlinks, each of which is a list of its span and its title."""
    given = row.get("hyperlinks") or []
    for link in given if isinstance(given, list) else [given]:
        if not isinstance(link, list) or not link:
            raise DataError(f"found {in_json(link)}, expected a list of [start, end] and a title", field="hyperlinks")
        yield _span({"hyperlinks": link[0]}, "hyperlinks", text)


def _span(row: Mapping[str, Any], name: str, text: str) -> Span:
    match row.get(name):
        case [int(start), int(end)] if 0 <= start <= end <= len(text):
            return start, end
        case found:
            raise DataError(f"found {in_json(found)}, expected [start, end] in a text of {len(text)} characters", field=name)


def gum(row: Row, number: str) -> Iterator[LinkingRecord | LeftOut]:
    """GUM: {doc, sent_id, tokens, entities: [{start, end, wiki}]}; mentions without a title of Wikipedia are left out."""
    row = as_row(row)
    tokens = words(row, "tokens")
    text = AnnotatedText(id_of(row, number, "sent_id"), " ".join(tokens), metadata={"tokens": _offsets(tokens)})
    offsets = token_offsets(text)
    mentions: dict[Span, Label] = {}
    for each in objects(row, "entities"):
        start, end = field(each, "start", int), field(each, "end", int)
        if not 0 <= start < end <= len(offsets):
            expected = f"0 <= start < end <= {len(offsets)} (tokens)"
            raise DataError(f"found the span ({start}, {end}), expected {expected}", field="entities")
        if not each.get("wiki"):
            yield LeftOut("mentions without a title of Wikipedia", of_record=True)
            continue
        span = offsets[start][0], offsets[end - 1][1]
        if span in mentions:
            yield LeftOut("further entities of the same characters", of_record=True)
            continue
        kind = each.get("type")
        mentions[span] = Label(*span, field(each, "wiki", str), types=(kind,) if isinstance(kind, str) else ())
    if not text.text.strip():
        raise DataError("found no token, expected the tokens of a sentence", field="tokens")
    metadata = {"doc": str(row["doc"])} if row.get("doc") else {}
    yield LinkingRecord(text.id, text.text, tuple(mentions.values()), metadata=metadata)


def _offsets(tokens: list[str]) -> list[list[int]]:
    places, start = [], 0
    for token in tokens:
        places.append([start, start + len(token)])
        start += len(token) + 1
    return places


def joined(records: list[LinkingRecord]) -> list[LinkingRecord]:
    """Documents of consecutive sentences with the same `doc`, which are joined by line ends; without it, each is one alone."""
    found: list[LinkingRecord] = []
    for doc, group in groupby(records, lambda record: record.metadata.get("doc")):
        parts = list(group)
        found += parts if doc is None else [_joined(parts, str(doc))]
    return found


def _joined(parts: list[LinkingRecord], id: str) -> LinkingRecord:
    text, mentions = "", list[Label]()
    for part in parts:
        text += "\n" if text else ""
        place = len(text)
        text += part.text
        mentions += [replace(one, start=one.start + place, end=one.end + place) for one in part.mentions]
    return LinkingRecord(id, text, tuple(mentions), metadata=parts[0].metadata)
