"""The record of text classification: a text, or a pair of texts, with a class or a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NUMBER = "number"
"""Name of the output of a model that predicts a number, in place of names of classes."""


@dataclass(frozen=True, slots=True)
class TextRecord:
    """A text or a pair of texts with its gold label: the name of a class, a number, or None if it is not known."""

    id: str
    text: str
    text_pair: str | None = None
    label: str | float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def whole_text(self) -> str:
        """The text, followed by the second text on a line of its own."""
        return self.text if self.text_pair is None else f"{self.text}\n{self.text_pair}"


def mentions_of(record: TextRecord) -> tuple[str, Sequence[tuple[int, int]]]:
    """The whole text of a record, without mentions."""
    return record.whole_text, []


def has_numbers(records: Sequence[TextRecord]) -> bool:
    """Whether the gold labels are numbers. In a file, all are numbers or none is."""
    return any(isinstance(record.label, float) for record in records)


def labels_of(records: Sequence[TextRecord]) -> list[str]:
    """The classes in their order: by name, or by number if all names are numbers. `NUMBER` alone if the labels are numbers."""
    if has_numbers(records):
        return [NUMBER]
    return class_order({str(record.label) for record in records if record.label is not None})


def class_order(labels: set[str]) -> list[str]:
    """Names of classes in the order in which a model numbers them."""
    numbered = all(label.isascii() and label.isdecimal() for label in labels)
    return sorted(labels, key=lambda label: (int(label), label) if numbered else (0, label))
