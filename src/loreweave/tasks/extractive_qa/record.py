"""The record of extractive question answering: a question about a text, and the answers that people gave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

ANSWER, NO_ANSWER = "answer", "no answer"
LABELS = (ANSWER, NO_ANSWER)
"""Whether the context answers a question: the two kinds of questions."""

Place = Literal["given", "moved", "absent"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A gold answer.

    Attributes:
        text: the answer.
        start, end: its characters in the context; None if it does not occur there.
        place: `given`: it stands at the offset that the file gives, or the file gives none; `moved`: it occurs elsewhere, and
            the nearest occurrence is used; `absent`: it does not occur.
    """

    text: str
    start: int | None = None
    end: int | None = None
    place: Place = "given"

    @property
    def span(self) -> tuple[int, int] | None:
        """First character and end in the context; None if the answer does not occur there."""
        return None if self.start is None or self.end is None else (self.start, self.end)


@dataclass(frozen=True, slots=True)
class QuestionRecord:
    """A question about a context.

    Attributes:
        id: name of the question in predictions.
        question: the question.
        context: the text that may contain the answer.
        answers: gold answers; empty if the context has none; None if they are not known.
        given_id: id in the file, if another question has it too.
        metadata: other content of the file, such as the title of the article.
    """

    id: str
    question: str
    context: str
    answers: tuple[Answer, ...] | None = None
    given_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labels_may_be_missed(self) -> bool:
        """A model that always answers is wrong on questions without an answer; they are scored all the same."""
        return True

    @property
    def golds(self) -> list[str]:
        """Texts of the gold answers."""
        return [answer.text for answer in self.answers or ()]

    @property
    def label(self) -> str | None:
        """Whether there is an answer; None if that is not known."""
        return None if self.answers is None else ANSWER if self.answers else NO_ANSWER


def labels_of(records: Sequence[QuestionRecord]) -> list[str]:
    """Kinds of questions among the records."""
    found = {record.label for record in records}
    return [label for label in LABELS if label in found]


def mentions_of(record: QuestionRecord) -> tuple[str, Sequence[tuple[int, int]]]:
    """The question and the context on lines of their own, without mentions."""
    return f"{record.question}\n{record.context}", []


def has_negatives(records: Sequence[QuestionRecord]) -> bool:
    """Whether there are questions without an answer, as in SQuAD 2.0."""
    return any(record.label == NO_ANSWER for record in records)


def placed_answer(context: str, text: str, start: int | None) -> Answer:
    """An answer with its characters in the context.

    The text at `start` is used if it is the answer, otherwise the nearest occurrence. White space may differ. Without
    `start`, the first occurrence is used.

    Example:
        >>> placed_answer("Oslo is big. Ann likes Oslo.", "Oslo", 21)
        Answer(text='Oslo', start=23, end=27, place='moved')
    """
    words = text.split()
    stripped = text.strip()
    before = text.find(stripped) if stripped else 0
    given = None if start is None else start + before
    if not words:
        return Answer(text, place="absent")
    spaced = re.compile(r"\s+".join(map(re.escape, words)))
    if given is not None and given >= 0 and (there := spaced.match(context, given)):
        return Answer(text, *there.span())
    spans = list(_occurrences(context, stripped)) or [found.span() for found in spaced.finditer(context)]
    if not spans:
        return Answer(text, place="absent")
    first, last = spans[0] if given is None else min(spans, key=lambda span: abs(span[0] - given))
    return Answer(text, first, last, "given" if given in (None, first) else "moved")


def _occurrences(context: str, text: str) -> Iterator[tuple[int, int]]:
    place = context.find(text)
    while place >= 0:
        yield place, place + len(text)
        place = context.find(text, place + 1)
