"""The record of cloze questions: a passage, a query with a gap, and the mentions of the passage that can fill it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PLACEHOLDER = "@placeholder"
"""The gap of a query."""
HIGHLIGHT = "@highlight"
"""What separates the bullet points below a news article of ReCoRD."""
LABEL = "answer"
"""Name of the only class: a candidate is an answer, or is not."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ClozeRecord:
    """A query about a passage.

    Attributes:
        id: name of the query.
        text: the passage.
        query: a sentence with `PLACEHOLDER`.
        candidates: characters (end exclusive) of the mentions that can be the answer, in the order of the file.
        answers: gold answers as texts; none if they are not known.
        correct: numbers of the candidates that are gold answers.
        given_id: id in the file, if another query has it too.
        metadata: `passage`, which is the same for all queries of a passage, and other content of the file.
    """

    id: str
    text: str
    query: str
    candidates: tuple[Span, ...]
    answers: tuple[str, ...] = ()
    correct: tuple[int, ...] = ()
    given_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def surface(self, candidate: int) -> str:
        """Text of a candidate."""
        start, end = self.candidates[candidate]
        return self.text[start:end]


def labels_of(records: Sequence[ClozeRecord]) -> list[str]:
    """`LABEL` if any record has a gold answer."""
    return [LABEL] if any(record.answers for record in records) else []


def mentions_of(record: ClozeRecord) -> tuple[str, Sequence[Span]]:
    """The query with the passage below it, and the characters of the candidates there."""
    before = len(record.query) + 1
    return f"{record.query}\n{record.text}", [(start + before, end + before) for start, end in record.candidates]
