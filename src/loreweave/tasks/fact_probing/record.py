"""One fact as a question: a sentence with a place for the object, and the names of the object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


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
        others: names of other objects of the same subject and relation.
        kind: cardinality of the relation (`N-1`); empty if it is not known.
        label: name of the relation; empty if there is none.
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
    others: tuple[str, ...] = ()
    kind: str = ""
    label: str = ""
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
    objects: dict[tuple[str, str], dict[str, None]] = {}
    for fact in kept:
        objects.setdefault(_key(fact), {})[fact.object] = None
    return [
        fact
        if len(objects[_key(fact)]) == 1
        else replace(
            fact,
            others=tuple(name for name in dict.fromkeys((*fact.others, *objects[_key(fact)])) if name not in fact.names),
        )
        for fact in kept
    ]


def _key(fact: Fact) -> tuple[str, str]:
    """Relation and subject; a fact without a subject is asked by its text alone."""
    return fact.relation, fact.subject_id or fact.subject or fact.text
