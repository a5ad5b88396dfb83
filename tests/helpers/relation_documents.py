"""Small documents in the tiny encoder's words."""

from __future__ import annotations

import re

from loreweave.tasks.relations.document import Entity, Fact, RelationDocument

LABELS = ["lives", "near", "works"]


def document(number: int, first: str, place: str, second: str, filler: str = "") -> RelationDocument:
    """Two people, of whom one lives and one works in a place, which is near the second; the place has two mentions."""
    text = f"{first} lives in {place} . {filler}{second} works at a bank in {place} ."
    entities = tuple(
        Entity(tuple(match.span() for match in re.finditer(rf"\b{name}\b", text)), (name,)) for name in (first, place, second)
    )
    facts = (Fact(0, 1, "lives"), Fact(2, 1, "works"), Fact(2, 1, "near"))
    return RelationDocument(f"d{number}", text, entities, facts, title=f"d{number}")


DOCUMENTS = [
    document(0, "Ann", "Oslo", "Bob"), document(1, "she", "Paris", "Ann", "the river is long . " * 3),
    document(2, "he", "river", "she"), document(3, "Bob", "Oslo", "he"),
]  # fmt: skip


def row_of(document: RelationDocument) -> dict[str, object]:
    """A document in our own layout."""
    return {
        "id": document.id, "text": document.text,
        "entities": [{"mentions": [{"start": start, "end": end} for start, end in e.mentions]} for e in document.entities],
        "relations": [fact._asdict() for fact in document.facts or ()],
    }  # fmt: skip
