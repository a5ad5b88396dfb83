"""What reading a task's file gives: its records, and an account of what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar


class Record(Protocol):
    """What every task's records have."""

    @property
    def id(self) -> str:
        """Name of the record in predictions."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the file said beyond the task's own fields."""


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class ReadResult(Generic[R]):
    """Records of a file, and what was left out.

    Attributes:
        records: in the order of the file.
        skipped: reason -> count: bad records where skipping was asked for, and what the task has no use for.
        unused: the latter alone.
        places: where each record stands ("line 4"); empty where the records come from no file.
        left_out: place and error of every bad record that was skipped.
        dropped: reason -> count of what the kept records lost, such as mentions inside others.
        notes: what looks odd in the kept records, a line each.
        lost: `unused` or `dropped`, and place and reason of each of them, as far as the reader knows the place.
    """

    records: list[R]
    skipped: Counter[str] = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    unused: Counter[str] = field(default_factory=Counter)
    lost: list[tuple[str, str]] = field(default_factory=list)

    def leave_out(self, reason: str, error: str | None) -> None:
        """Count something that gives no record, and list it where it is an error."""
        self.skipped[reason] += 1
        if error is None:
            self.unused[reason] += 1
        else:
            self.left_out.append(error)

    def account(self) -> ReadResult[R]:
        """What was left out, without the records: to choose among them and go on counting."""
        return deepcopy(replace(self, records=[], places=[]))
