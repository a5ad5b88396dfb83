"""One text with two mentions, its head and its tail, and the relation between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loreweave.corpus.files.rows import Span, check_span
from loreweave.errors import DataError


@dataclass(frozen=True, slots=True)
class RelationRecord:
    """Two mentions in a text, and the gold relation of the first (head) to the second (tail).

    Attributes:
        id: name in predictions.
        text: the text.
        head: characters of the head (subject, `e1`), end exclusive.
        tail: characters of the tail (object, `e2`).
        label: the relation with its direction, if the labels have one; None where nobody knows it.
        metadata: what the file said beyond that.

    Raises:
        DataError: a mention is empty, blank or outside the text, or both are the same characters.
    """

    id: str
    text: str
    head: Span
    tail: Span
    label: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_span(self.text, *self.head, "head")
        check_span(self.text, *self.tail, "tail")
        if self.head == self.tail:
            raise DataError(
                f"found {self.surface(self.head)!r} at {self.head} as head and as tail, expected two mentions", field="tail"
            )

    def surface(self, span: Span) -> str:
        """The characters of a mention."""
        return self.text[span[0] : span[1]]


def mentions_of(record: RelationRecord) -> tuple[str, Sequence[Span]]:
    """Its text and the characters of its mentions."""
    return record.text, [record.head, record.tail]
