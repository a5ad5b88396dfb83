"""The record of text classification: a text, or a pair of texts, with a class or a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCORE = "score"
"""The name of the only output of a model that predicts a number."""


@dataclass(frozen=True, slots=True)
class TextRecord:
    """A text or a pair of texts, and its gold label: the name of a class, a number, or None where nobody knows it."""

    id: str
    text: str
    text_pair: str | None = None
    label: str | float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def whole_text(self) -> str:
        """The text, and the second text on a line of its own."""
        return self.text if self.text_pair is None else f"{self.text}\n{self.text_pair}"


def has_numbers(records: Sequence[TextRecord]) -> bool:
    """Whether the gold labels are numbers; of a file they all are, or none is."""
    return any(isinstance(record.label, float) for record in records)


def labels_of(records: Sequence[TextRecord]) -> list[str]:
    """The classes in their order: by name, numbered ones by number. `SCORE` alone where labels are numbers."""
    if has_numbers(records):
        return [SCORE]
    return class_order({str(record.label) for record in records if record.label is not None})


def class_order(labels: set[str]) -> list[str]:
    """Names of classes as a model numbers them."""
    numbered = all(label.isascii() and label.isdecimal() for label in labels)
    return sorted(labels, key=lambda label: (int(label), label) if numbered else (0, label))
