"""A document with entities, each with all its mentions, and all relations between two of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from loreweave.corpus.files.rows import LeftOut, Span, check_span
from loreweave.errors import DataError
from loreweave.tasks.relations.record import RelationRecord

Pair = tuple[int, int]
"""Numbers of two entities of a document: head and tail."""


class Fact(NamedTuple):
    """A relation of a document's entity `head` to its entity `tail`."""

    head: int
    tail: int
    label: str


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity of a document, with its mentions.

    Attributes:
        mentions: characters of each mention, end exclusive, without duplicates.
        names: all names of its mentions in the file, without duplicates.
        type: type in the file.
    """

    mentions: tuple[Span, ...]
    names: tuple[str, ...]
    type: str | None = None


@dataclass(frozen=True, slots=True)
class RelationDocument:
    """A text whose entities may have any number of relations.

    Attributes:
        id: name in predictions.
        text: the whole document.
        entities: entities by number; one without mentions keeps its number but is not in any pair.
        facts: gold relations, without duplicates; None if they are unknown.
        asked: pairs to classify. Default: every ordered pair of different entities that have mentions.
        title: name in the file; `id` differs if titles are repeated.
        metadata: other content of the file.

    Raises:
        DataError: a mention is empty, blank or outside the text.
    """

    id: str
    text: str
    entities: tuple[Entity, ...]
    facts: tuple[Fact, ...] | None = None
    asked: tuple[Pair, ...] | None = None
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, entity in enumerate(self.entities):
            for span in entity.mentions:
                check_span(self.text, *span, f"entities[{number}]")

    @property
    def labels_may_be_missed(self) -> bool:
        """Whether a model that lacks one of the relations is scored anyway; see `jobs.known_labels`."""
        return True

    @property
    def pairs(self) -> list[Pair]:
        """The pairs to classify, in order."""
        if self.asked is not None:
            return list(self.asked)
        there = [number for number, entity in enumerate(self.entities) if entity.mentions]
        return [(head, tail) for head in there for tail in there if head != tail]

    def name(self, entity: int) -> str:
        """The first name of an entity; empty if it has no mention."""
        return next(iter(self.entities[entity].names), "")


def document_of(record: RelationRecord, none: str | None) -> RelationDocument:
    """A text with two mentions as a document with two entities and one pair to classify.

    Args:
        record: the text.
        none: label for no relation.
    """
    entities = tuple(Entity((span,), (record.surface(span),)) for span in (record.head, record.tail))
    facts = None if record.label is None else () if record.label == none else (Fact(0, 1, record.label),)
    return RelationDocument(record.id, record.text, entities, facts, ((0, 1),), record.id, record.metadata)


def pair_records(document: RelationDocument) -> Iterator[RelationRecord | LeftOut]:
    """Each pair of entities with one relation as a text with two mentions: those closest to each other."""
    labels: dict[Pair, list[str]] = {}
    for fact in document.facts or ():
        labels.setdefault((fact.head, fact.tail), []).append(fact.label)
    for (head, tail), found in labels.items():
        spans = [
            (first, second)
            for first in document.entities[head].mentions
            for second in document.entities[tail].mentions
            if first != second
        ]
        if len(found) > 1:
            yield LeftOut("pair with several relations")
        elif not spans:
            yield LeftOut("pair without two mentions that differ")
        else:
            first, second = min(spans, key=_distance)
            metadata = {"doc": document.id}
            yield RelationRecord(f"{document.id}:{head}-{tail}", document.text, first, second, found[0], metadata)


def _distance(pair: tuple[Span, Span]) -> tuple[int, int]:
    """Characters between two mentions, then which comes first."""
    (head, head_end), (tail, tail_end) = pair
    return max(0, tail - head_end, head - tail_end), min(head, tail)


def named_facts(documents: Sequence[RelationDocument]) -> set[tuple[str, str, str]]:
    """(head name, relation, tail name) of every fact, for every name of the head and every name of the tail."""
    return {
        (head, fact.label, tail)
        for document in documents
        for fact in document.facts or ()
        for head in document.entities[fact.head].names
        for tail in document.entities[fact.tail].names
    }


def mentions_of_document(document: RelationDocument) -> tuple[str, list[Span]]:
    """The text and the characters of all mentions, entity by entity."""
    return document.text, [span for entity in document.entities for span in entity.mentions]


def check_entities(facts: Sequence[Fact], entities: Sequence[Entity], name: str) -> None:
    """Refuse numbers that are not those of an entity.

    Raises:
        DataError: names the first such fact.
    """
    for fact in facts:
        if not all(0 <= number < len(entities) for number in (fact.head, fact.tail)):
            found = f"found the entities ({fact.head}, {fact.tail}) of {len(entities)}"
            raise DataError(f"{found}, expected numbers from 0 to {len(entities) - 1}", field=name)
