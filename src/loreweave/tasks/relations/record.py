"""One text with two mentions, its head and its tail, and the relation between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from loreweave.corpus.files.rows import Span, check_span
from loreweave.errors import DataError
from loreweave.metrics.probabilities import by_name


@dataclass(frozen=True, slots=True)
class RelationRecord:
    """Two mentions in a text, and the gold relation of the first (head) to the second (tail).

    Attributes:
        id: name in predictions.
        text: the text.
        head: characters of the head (subject, `e1`), end exclusive.
        tail: characters of the tail (object, `e2`).
        label: the relation with its direction, if the labels have one; None if it is unknown.
        head_type: type of the head (PERSON), if the file has it.
        tail_type: type of the tail.
        metadata: other content of the file.

    Raises:
        DataError: a mention is empty, blank or outside the text, or both are the same characters.
    """

    id: str
    text: str
    head: Span
    tail: Span
    label: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    head_type: str | None = None
    tail_type: str | None = None

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

    def row(self) -> dict[str, Any]:
        """The text and the two mentions, for rows of predictions."""
        spans = {"head": self.head, "tail": self.tail}
        ends = {name: {"start": s, "end": e, "mention": self.surface((s, e))} for name, (s, e) in spans.items()}
        return {"id": self.id, "text": self.text} | ends

    def answer(self, probabilities: np.ndarray, relations: Sequence[str]) -> dict[str, Any]:
        """A row with the most likely relation, its probability, and those of all relations [relations], largest first."""
        scored = by_name(probabilities, relations)
        best = next(iter(scored))
        return self.row() | {"predicted": best, "probability": scored[best], "probabilities": scored}


def mentions_of(record: RelationRecord) -> tuple[str, Sequence[Span]]:
    """The text and the characters of its mentions."""
    return record.text, [record.head, record.tail]
