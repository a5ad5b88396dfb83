"""Published layouts of pairs of mentions, each from one row of its file to records; `formats.FORMATS` lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from loreweave.corpus.files.rows import LeftOut, Row, Span, as_row, field, id_of, join_words, objects, with_id, words
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.surfaces import surfaces_agree
from loreweave.errors import DataError
from loreweave.tasks.relations.record import RelationRecord
from loreweave.tasks.relations.spans import (
    GAPS,
    check_named_characters,
    check_named_tokens,
    check_relation,
    checked,
    pair_of_numbers,
    runs_of,
    scalars,
    token_span,
    type_in,
    without_blanks,
)

Converted = Iterator[RelationRecord | LeftOut]


def tacred(row: Any, id: str) -> Converted:
    """TACRED: `token`, `subj_start`, `subj_end`, `obj_start`, `obj_end` (ends inclusive), `relation`."""
    row = as_row(row)
    text, places = join_words(words(row, "token"))
    account: list[LeftOut] = []
    ends = []
    for name in ("subj", "obj"):
        start, last = field(row, f"{name}_start", int), field(row, f"{name}_end", int)
        span = token_span(places, start, last + 1, f"{name}_start")
        ends.append(without_blanks(text, span, f"{name}_start", account))
    used = ("token", "subj_start", "subj_end", "obj_start", "obj_end", "relation", "id")
    types = type_in(row, "subj_type"), type_in(row, "obj_type")
    yield RelationRecord(id_of(row, id), text, ends[0], ends[1], _label(row, "relation"), scalars(row, used), *types)
    yield from account


def kepler(row: Any, id: str) -> Converted:
    """KEPLER and OpenNRE: `token` or `text`, `h.pos` and `t.pos` (tokens or characters, ends exclusive), `relation`.

    If `h.name` and `t.name` differ from the mentions, they are counted; if they fit another way of counting, the
    record is wrong.
    """
    row = as_row(row)
    account: list[LeftOut] = []
    tokens = words(row, "token") if "token" in row else None
    text, places = (field(row, "text", str), []) if tokens is None else join_words(tokens)
    ends = []
    for name in ("h", "t"):
        entity = field(row, name, dict)
        span = pair_of_numbers(field(entity, "pos", list), f"{name}.pos")
        if tokens is None:
            check_named_characters(text, span, entity.get("name"), f"{name}.name", account)
        else:
            check_named_tokens(tokens, *span, entity.get("name"), f"{name}.name", account)
            span = token_span(places, *span, f"{name}.pos")
        ends.append(without_blanks(text, span, f"{name}.pos", account))
    metadata = scalars(row, ("token", "text", "relation", "id"))
    metadata |= {f"{side}_entity": row[name]["id"] for side, name in (("head", "h"), ("tail", "t")) if "id" in row[name]}
    types = type_in(row["h"], "type"), type_in(row["t"], "type")
    yield RelationRecord(id_of(row, id), text, ends[0], ends[1], _label(row, "relation"), metadata, *types)
    yield from account


def fewrel(row: tuple[str, int, Any], id: str) -> Converted:
    """FewRel: relation -> instances with `tokens`, `h` and `t` as [name, item, [tokens of each occurrence]].

    The first occurrence is the mention. If its tokens have a gap, the mention is the part that is the name, or otherwise all
    of it with the tokens between. The latter is counted, and so are names that differ from the mention.
    """
    relation, number, instance = row
    instance = as_row(instance)
    tokens = words(instance, "tokens")
    text, places = join_words(tokens)
    account: list[LeftOut] = []
    ends, metadata = [], {}
    for side, name in (("head", "h"), ("tail", "t")):
        value = field(instance, name, list)
        try:
            given, item, (first, *_) = value
            runs = runs_of(first)
        except (TypeError, ValueError):
            raise DataError(f"found {in_json(value)}, expected [name, item, [[token, ...], ...]]", field=name) from None
        if not runs:
            raise DataError(f"found {in_json(value)}, expected [name, item, [[token, ...], ...]]", field=name)
        start, end = _of_runs(tokens, runs, given, account)
        span = token_span(places, start, end, name)
        if len(runs) == 1:
            check_named_tokens(tokens, start, end, given, name, account)
        ends.append(without_blanks(text, span, name, account))
        metadata[f"{side}_entity"] = item
    yield RelationRecord(f"{relation}:{number}", text, ends[0], ends[1], relation, metadata)
    yield from account


def _of_runs(tokens: Sequence[str], runs: Sequence[Span], given: Any, account: list[LeftOut]) -> Span:
    """Tokens of an occurrence that may have gaps."""
    if len(runs) == 1:
        return runs[0]
    for start, end in runs:
        if isinstance(given, str) and start >= 0 and surfaces_agree(" ".join(tokens[start:end]), given):
            return start, end
    account.append(LeftOut(GAPS, of_record=True))
    return runs[0][0], runs[-1][1]


_TAG = re.compile(r"</?e[12]>")


def semeval(row: Row, id: str) -> Converted:
    """SemEval-2010 task 8, KBP37 and RELX: a sentence with `<e1>` (head) and `<e2>` (tail), then the label's line."""
    sentence = row["sentence"]
    pieces, places, length, cut = [], {}, 0, 0
    for tag in _TAG.finditer(sentence):
        pieces.append(sentence[cut : tag.start()])
        length += len(pieces[-1])
        if tag.group() in places:
            raise DataError(f"found {tag.group()} twice, expected it once", field="sentence")
        places[tag.group()], cut = length, tag.end()
    text = "".join(pieces) + sentence[cut:]
    spans = []
    for name in ("e1", "e2"):
        if f"<{name}>" not in places or f"</{name}>" not in places:
            raise DataError(f"found no <{name}>...</{name}>, expected both mentions in the sentence", field="sentence")
        start, end = places[f"<{name}>"], places[f"</{name}>"]
        inside = text[start:end]  # KBP37 has spaces inside the tags
        spans.append((start + len(inside) - len(inside.lstrip()), end - len(inside) + len(inside.rstrip())))
    if not row["label"]:
        raise DataError("found no label after the sentence, expected a line with one", field="label")
    metadata = {"comment": row["comment"]} if row["comment"] else {}
    yield RelationRecord(row["id"], text, spans[0], spans[1], row["label"], metadata)


def knowledgenet(row: Any, id: str) -> Converted:
    """KnowledgeNet: documents with passages and facts as published, or one fact per row; passages without facts are
    left out.
    """
    row = as_row(row)
    if "passages" in row:
        for passage in objects(row, "passages"):
            yield from _knowledgenet_passage(passage, id_of(row, id, "documentId"), row)
        return
    if row.get("subject") is None or row.get("object") is None:
        yield LeftOut("passage without a fact")
        return
    text = field(row, "text", str)
    account: list[LeftOut] = []
    head, tail = (without_blanks(text, checked(text, as_row(row[name]), name), name, account) for name in ("subject", "object"))
    metadata = scalars(row, ("text", "property", "id"))
    metadata |= {"head_entity": row["subject"].get("wikidata"), "tail_entity": row["object"].get("wikidata")}
    yield RelationRecord(id_of(row, id), text, head, tail, _label(row, "property"), metadata)
    yield from account


def _knowledgenet_passage(passage: Row, document: str, row: Row) -> Converted:
    text, offset = field(passage, "passageText", str), field(passage, "passageStart", int)
    properties = "exhaustivelyAnnotatedProperties"
    annotated = objects(passage, properties) if properties in passage else []
    names = {field(each, "propertyId", str): field(each, "propertyName", str) for each in annotated}
    facts = objects(passage, "facts")
    if not facts:
        yield LeftOut("passage without a fact")
    for number, fact in enumerate(facts):
        id = id_of(fact, f"{document}:{offset}:{number}", "factId")
        account: list[LeftOut] = []
        try:
            spans = []
            for name in ("subject", "object"):
                start, end = field(fact, f"{name}Start", int) - offset, field(fact, f"{name}End", int) - offset
                span = checked(text, {"start": start, "end": end, "text": fact.get(f"{name}Text")}, name)
                spans.append(without_blanks(text, span, name, account))
            property = field(fact, "propertyId", str)
            metadata = {"doc": document, "fold": row.get("fold")}
            metadata |= {"head_entity": fact.get("subjectUri"), "tail_entity": fact.get("objectUri")}
            yield RelationRecord(id, text, spans[0], spans[1], names.get(property, property), metadata)
            yield from account
        except DataError as error:
            yield LeftOut.bad(error)


def annotated_text(row: Any, id: str) -> Converted:
    """Annotated text with `metadata.relations`: [{head, tail, label}], numbers of its mentions."""
    from loreweave.corpus.annotated_text import AnnotatedText

    text = AnnotatedText.from_dict(with_id(as_row(row), id))
    relations = objects(text.metadata, "relations") if "relations" in text.metadata else []
    if not relations:
        yield LeftOut("text without relations")
    others = {name: value for name, value in text.metadata.items() if name != "relations"}
    for number, each in enumerate(relations):
        account: list[LeftOut] = []
        try:
            ends, types = [], []
            for name in ("head", "tail"):
                index = field(each, name, int)
                if not 0 <= index < len(text.mentions):
                    raise DataError(f"found mention {index} of {len(text.mentions)}", field=name)
                mention = text.mentions[index]
                ends.append(without_blanks(text.text, (mention.start, mention.end), name, account))
                types.append((mention.label or "").strip() or None)
            metadata = {**others, "doc": text.id}
            yield RelationRecord(f"{text.id}:{number}", text.text, ends[0], ends[1], _label(each, "label"), metadata, *types)
            yield from account
        except DataError as error:
            yield LeftOut.bad(error)


def pairs(row: Any, id: str, needs_label: bool = True) -> Converted:
    """Our own: `text`, `head` and `tail` as {start, end, type} (characters, end exclusive; type optional), `label` or
    `relation`.
    """
    row = as_row(row)
    text = field(row, "text", str)
    account: list[LeftOut] = []
    head, tail = (without_blanks(text, checked(text, field(row, name, dict), name), name, account) for name in ("head", "tail"))
    name = "relation" if "label" not in row and isinstance(row.get("relation"), str) else "label"
    label = _label(row, name) if needs_label or row.get(name) is not None else None
    metadata = {key: value for key, value in row.items() if key not in ("text", "head", "tail", name, "id")}
    types = (type_in(row[name], "type") for name in ("head", "tail"))
    yield RelationRecord(id_of(row, id), text, head, tail, label, metadata, *types)
    yield from account


def _label(row: Row, name: str) -> str:
    label: str = field(row, name, str)
    check_relation(label, name)
    return label
