"""Result of reading a task's file: its records, and counts of what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from loreweave.corpus.counts import tallied


class Record(Protocol):
    """Fields that the records of every task have."""

    @property
    def id(self) -> str:
        """Name of the record in predictions."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Content of the file beyond the task's own fields."""


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class ReadResult(Generic[R]):
    """Records of a file, and counts of what was left out.

    Attributes:
        records: in the order of the file.
        skipped: reason -> number of records left out: bad ones if skipping was requested, and those the task does not use.
        unused: reason -> number of the latter.
        places: place of each record ("line 4"); empty if the records do not come from a file.
        left_out: place and error of every skipped bad record.
        dropped: reason -> number of parts that kept records lost, such as nested mentions.
        converted: reason -> number of parts that kept records have in another form than the file, such as offsets.
        notes: unusual observations about the kept records, one per line.
        lost: `unused`, `dropped` or `odd`, with place and reason of each, as far as the reader knows the place.
    """

    records: list[R]
    skipped: Counter[str] = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    converted: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    unused: Counter[str] = field(default_factory=Counter)
    lost: list[tuple[str, str]] = field(default_factory=list)

    def leave_out(self, reason: str, error: str | None) -> None:
        """Count a part that gives no record, and list it if it is an error."""
        self.skipped[reason] += 1
        if error is None:
            self.unused[reason] += 1
        else:
            self.left_out.append(error)

    def add(self, other: ReadResult[Any], name: str) -> None:
        """Count what was left out of one of several files, whose name stands before its places and notes."""
        for own, more in zip(self._counts(), other._counts(), strict=True):
            own.update(more)
        self.left_out.extend(f"{name}, {line}" for line in other.left_out)
        self.lost.extend((kind, f"{name}, {line}") for kind, line in other.lost)
        self.notes.extend(f"{name}: {note}" for note in other.notes)

    def remarks(self) -> list[str]:
        """The notes, and a line about what was converted."""
        return [*self.notes, *([f"converted: {tallied(self.converted)}"] if self.converted else [])]

    def _counts(self) -> tuple[Counter[str], ...]:
        return self.skipped, self.unused, self.dropped, self.converted

    def account(self) -> ReadResult[R]:
        """A copy with the counts but without the records, to select records and go on counting."""
        return deepcopy(replace(self, records=[], places=[]))
