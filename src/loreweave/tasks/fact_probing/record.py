"""One fact as a question: a sentence with a place for the object, and the names of the object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple


class RightObject(NamedTuple):
    """An object of the same subject and relation: its name, its other names, and its id (empty if there is none)."""

    name: str
    aliases: tuple[str, ...] = ()
    id: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All names, the main one first."""
        return tuple(dict.fromkeys((self.name, *self.aliases)))


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A fact.

    Attributes:
        id: name of the record.
        relation: id or name of its relation.
        text: sentence with one `[MASK]` or more; the first one is the place of the object.
        object: name of the object.
        aliases: other names of the object that are right answers too.
        object_id: id of the object (`Q90`); empty if there is none.
        subject: name of the subject; empty if it is not known.
        subject_id: id of the subject.
        subject_span: characters of the subject in `text`; None if they are not known.
        others: other objects of the same subject and relation.
        kind: cardinality of the relation (`N-1`); empty if it is not known.
        label: name of the relation; empty if there is none.
        asked: whether it is a question; otherwise, its object is only a right answer to other questions about its subject.
        given_id: id in the file, if another fact has it too.
        metadata: content of the file beyond these fields.
    """

    id: str
    relation: str
    text: str
    object: str
    aliases: tuple[str, ...] = ()
    object_id: str = ""
    subject: str = ""
    subject_id: str = ""
    subject_span: tuple[int, int] | None = None
    others: tuple[RightObject, ...] = ()
    kind: str = ""
    label: str = ""
    asked: bool = True
    given_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the object, the main one first."""
        return tuple(dict.fromkeys((self.object, *self.aliases)))

    @property
    def is_in_subject(self) -> bool:
        """Whether the name of the subject contains that of the object (`Apple Watch`, `Apple`), as LAMA-UHN tests it."""
        return self.object.lower() in self.subject.lower()


def with_other_objects(facts: Iterable[Fact]) -> list[Fact]:
    """The facts, each with the objects of the other facts about its subject and relation among its `others`."""
    kept = list(facts)
    objects: dict[tuple[str, str], list[RightObject]] = {}
    for fact in kept:
        objects.setdefault(_key(fact), []).append(RightObject(fact.object, fact.aliases, fact.object_id))
    return [
        fact if len(objects[_key(fact)]) == 1 else replace(fact, others=_joined(fact, objects[_key(fact)])) for fact in kept
    ]


def _joined(fact: Fact, objects: Iterable[RightObject]) -> tuple[RightObject, ...]:
    """The other objects of a fact and further ones, each name once, without those that are names of its own object."""
    found: dict[str, RightObject] = {}
    for other in (*fact.others, *objects):
        if other.name in fact.names:
            continue
        known = found.get(other.name, other)
        names = tuple(dict.fromkeys((*known.aliases, *other.aliases)))
        found[other.name] = RightObject(other.name, names, known.id or other.id)
    return tuple(found.values())


def _key(fact: Fact) -> tuple[str, str]:
    """Relation and subject; a fact without a subject is asked by its text alone."""
    return fact.relation, fact.subject_id or fact.subject or fact.text
