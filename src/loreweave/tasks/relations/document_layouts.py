"""Documents with entities and relations, each from one row of its file: DocRED, Re-DocRED, and our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from loreweave.corpus.files.rows import LeftOut, Row, Span, as_row, field, id_of, join_words, objects, words
from loreweave.errors import DataError
from loreweave.tasks.relations.document import Entity, Fact, RelationDocument, check_entities
from loreweave.tasks.relations.spans import (
    check_named_tokens,
    check_relation,
    checked,
    pair_of_numbers,
    scalars,
    token_span,
    without_blanks,
)

NO_FACT = ("NA", "Na", "no_relation")
"""Labels for no relation."""

TWICE = "repeated relations of a pair"
UNSEEN = "facts of entities without a mention, or of one with itself, from training (scores count them)"
TOO_FEW = "document with fewer than two entities that have mentions"

Converted = Iterator[RelationDocument | LeftOut]


def docred(row: Any, id: str) -> Converted:
    """DocRED and Re-DocRED: `sents`, `vertexSet`, and `labels` except in files whose relations are hidden.

    A wrong mention is left out alone. Entities keep their numbers.
    """
    row = as_row(row)
    title = id_of(row, id, "title")
    tokens = [words({"sents": sentence}, "sents") for sentence in field(row, "sents", list)]
    text, places = join_words([token for sentence in tokens for token in sentence])
    starts = list(accumulate(map(len, tokens), initial=0))
    account: list[LeftOut] = []

    def span_of(mention: Row, name: str) -> Span:
        number, (start, end) = field(mention, "sent_id", int), pair_of_numbers(field(mention, "pos", list), "pos")
        if not 0 <= number < len(tokens) or not 0 <= start < end <= len(tokens[number]):
            raise DataError(f"found the tokens {start} to {end} (excluded) of sentence {number}, which are not there")
        check_named_tokens(tokens[number], start, end, mention.get("name"), "name", account)
        return without_blanks(text, token_span(places, starts[number] + start, starts[number] + end, "pos"), "pos", account)

    entities = _entities(text, field(row, "vertexSet", list), "vertexSet", span_of, account)
    facts = None
    if row.get("labels") is not None:
        facts = _facts(_docred_facts(row), entities, "labels", account)
    yield from _document(RelationDocument(title, text, entities, facts, None, title, {"doc": title}), account)


def _docred_facts(row: Row) -> list[Fact]:
    """`labels`: a list of {h, t, r}; or, as on the Hugging Face Hub, an object of the lists `head`, `tail` and `relation_id`.

    Raises:
        DataError: a value is missing or has another type, or lists have different lengths.
    """
    labels = row["labels"]
    if not isinstance(labels, Mapping):
        return [Fact(field(r, "h", int), field(r, "t", int), field(r, "r", str)) for r in objects(row, "labels")]
    names = ("head", "tail", "relation_id")
    columns = [field(labels, name, list) for name in names]
    if len({len(column) for column in columns}) > 1:
        lengths = ", ".join(str(len(column)) for column in columns)
        raise DataError(f"found lists of {lengths} values, expected as many {', '.join(names)}", field="labels")
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    return [Fact(field(r, "head", int), field(r, "tail", int), field(r, "relation_id", str)) for r in rows]


def documents(row: Any, id: str) -> Converted:
    """Our own: `text`, `entities` as [{"mentions": [{start, end}]}], `relations` as [{head, tail, label}], numbers of
    entities; without `relations` it asks for them.
    """
    row = as_row(row)
    text, name = field(row, "text", str), id_of(row, id)
    account: list[LeftOut] = []

    def span_of(mention: Row, name: str) -> Span:
        return without_blanks(text, checked(text, mention, name), name, account)

    rows = [each.get("mentions") for each in objects(row, "entities")]
    entities = _entities(text, rows, "entities", span_of, account)
    facts = None
    if row.get("relations") is not None:
        found = [Fact(field(r, "head", int), field(r, "tail", int), field(r, "label", str)) for r in objects(row, "relations")]
        facts = _facts(found, entities, "relations", account)
    metadata = scalars(row, ("text", "id", "title"))
    title = id_of(row, name, "title")
    yield from _document(RelationDocument(name, text, entities, facts, None, title, metadata), account)


def _entities(
    text: str, rows: Sequence[Any], name: str, span_of: Callable[[Row, str], Span], account: list[LeftOut]
) -> tuple[Entity, ...]:
    """Entities from the lists of their mentions; bad mentions are added to the account."""
    entities = []
    for number, mentions in enumerate(rows):
        spans: list[Span] = []
        names: list[str] = []
        kinds: list[str] = []
        for place, mention in enumerate(objects({name: mentions}, name)):
            where = f"{name}[{number}][{place}]"
            try:
                span = span_of(mention, where)
                given = mention.get("name")
                spans.append(span)
                names.append(given if isinstance(given, str) else text[slice(*span)])
                kinds += [mention["type"]] if isinstance(mention.get("type"), str) else []
            except DataError as error:
                inner = (error.field or "").removeprefix(where).removeprefix(".")
                account.append(LeftOut("bad mention", DataError(error.message, field=f"{where}.{inner}".removesuffix("."))))
        entities.append(Entity(tuple(dict.fromkeys(spans)), tuple(dict.fromkeys(names)), next(iter(kinds), None)))
    return tuple(entities)


def _facts(found: Sequence[Fact], entities: Sequence[Entity], name: str, account: list[LeftOut]) -> tuple[Fact, ...]:
    """Distinct facts, without those for no relation."""
    check_entities(found, entities, name)
    for fact in found:
        check_relation(fact.label, name)
    facts = dict.fromkeys(fact for fact in found if fact.label not in NO_FACT)
    none = [fact.label for fact in found if fact.label in NO_FACT]
    account += [LeftOut(f"pairs of no relation ({label}), which are those without any", of_record=True) for label in none]
    account += [LeftOut(TWICE, of_record=True)] * (len(found) - len(none) - len(facts))
    unseen = [fact for fact in facts if fact.head == fact.tail or not all(entities[n].mentions for n in fact[:2])]
    account += [LeftOut(UNSEEN, of_record=True)] * len(unseen)
    return tuple(facts)


def _document(document: RelationDocument, account: Sequence[LeftOut]) -> Converted:
    if document.pairs:
        yield document
    else:
        yield LeftOut(TOO_FEW)
    yield from account


def is_document(row: Mapping[str, Any]) -> bool:
    """Whether a query is a document with entities."""
    return "vertexSet" in row or "entities" in row
