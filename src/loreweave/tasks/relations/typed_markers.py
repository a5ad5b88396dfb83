"""Markers that show the types of head and tail in the text (Zhou & Chen 2022, "An Improved Baseline for Sentence-level
Relation Extraction").

`tokens`: each type has markers of its own, `<S:person> Mia </S:person>` for the head and `<O:city> Oslo </O:city>` for the
tail.
`punctuation`: the name of the type stands behind the opening marker, between `*` for the head and `^` for the tail.
"""

from __future__ import annotations

from collections.abc import Sequence

from loreweave.corpus.files.rows import Span
from loreweave.errors import DataError
from loreweave.tasks.relations.record import RelationRecord

_SIGNS = ("*", "^")
_LETTERS = ("S", "O")
"""Subject and object, in the order of head and tail."""

WITH_TYPES = (
    "subj_type and obj_type in tacred, h.type and t.type in kepler, head.type and tail.type in pairs, "
    "labels of the mentions in annotated-text"
)
"""Where the formats have types, for messages."""


def missing_type(record: RelationRecord) -> DataError | None:
    """The error for a record whose head or tail has no type; None if both have one."""
    for name, span, type in (("head", record.head, record.head_type), ("tail", record.tail, record.tail_type)):
        if type is None:
            problem = f"found no type of the {name} {record.surface(span)!r}, expected one, because typed_markers shows it"
            return DataError(f"{problem} ({WITH_TYPES})", record=f"record {record.id}", field=f"{name}.type")
    return None


def types_of(record: RelationRecord) -> tuple[str, str]:
    """The types of head and tail.

    Raises:
        DataError: one of them has none.
    """
    error = missing_type(record)
    if error is not None:
        raise error
    assert record.head_type is not None and record.tail_type is not None
    return record.head_type, record.tail_type


def name_of_type(type: str) -> str:
    """The type as words.

    Example:
        >>> name_of_type("STATE_OR_PROVINCE")
        'state or province'
    """
    return " ".join(type.replace("_", " ").lower().split()) or type


def with_names_of_types(record: RelationRecord) -> tuple[str, list[Span]]:
    """The text with `* type *` in front of the head and `^ type ^` in front of the tail, and the spans with these words.

    If one mention contains the other and both begin at the same character, the words of the outer one come first.

    Raises:
        DataError: a mention has no type.
    """
    spans = (record.head, record.tail)
    words = [f"{sign} {name_of_type(type)} {sign} " for sign, type in zip(_SIGNS, types_of(record), strict=True)]
    order = sorted((0, 1), key=lambda number: (spans[number][0], -spans[number][1]))
    text, cut, starts = "", 0, [0, 0]
    for number in order:
        text += record.text[cut : spans[number][0]]
        starts[number], cut = len(text), spans[number][0]
        text += words[number]
    longer = [sum(len(words[other]) for other in order if spans[other][0] < end) for _, end in spans]
    return text + record.text[cut:], [(starts[number], spans[number][1] + longer[number]) for number in (0, 1)]


def markers_of(number: int, type: str) -> tuple[str, str]:
    """Opening and closing marker of a type; `number` is 0 for the head and 1 for the tail.

    Example:
        >>> markers_of(1, "CITY")
        ('<O:CITY>', '</O:CITY>')
    """
    return f"<{_LETTERS[number]}:{type}>", f"</{_LETTERS[number]}:{type}>"


def starts_of_markers(types: Sequence[str], plain: Sequence[str]) -> dict[str, str]:
    """Markers of all types, each with the token from whose row it starts.

    An opening marker starts from the name of its type. A closing one starts from the token in `plain` for the head or for the
    tail, so that these differ from the beginning.
    """
    found: dict[str, str] = {}
    for number, token in enumerate(plain):
        for type in types:
            opening, closing = markers_of(number, type)
            found |= {opening: name_of_type(type), closing: token}
    return found
