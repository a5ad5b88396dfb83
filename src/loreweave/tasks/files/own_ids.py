"""Ids of records of which a file has several, and predictions by these ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.read_result import ReadResult, Record
from loreweave.errors import DataError

_SHOWN = 3


class Identified(Record, Protocol):
    """A record (a dataclass) whose id may have got a number."""

    @property
    def given_id(self) -> str | None:
        """Id in the file, if another record has it too."""


R = TypeVar("R", bound=Identified)


def with_own_ids(found: ReadResult[R], one: str, many: str) -> ReadResult[R]:
    """Add a number to an id that another record has too, which is noted; `one` and `many` are what records are called."""
    seen, taken = Counter[str](), {record.id for record in found.records}
    changed: list[str] = []
    for place, record in enumerate(found.records):
        seen[record.id] += 1
        if seen[record.id] == 1:
            continue
        while (own := f"{record.id}#{seen[record.id]}") in taken:
            seen[record.id] += 1
        taken.add(own)
        changed.append(own)
        row: Any = record
        found.records[place] = replace(row, id=own, given_id=record.id)
    if changed:
        words = counted(len(changed), f"{one} has the id of another", f"{many} have the id of another")
        found.notes.append(f"{words}; all are kept, and a number was added to the id: {listed(changed, _SHOWN)}")
    return found


def ids_in(records: Sequence[Identified], given: Container[str | None]) -> list[str]:
    """The id of each record among those of another file, which may have the id without the number."""
    return [record.id if record.id in given or record.given_id is None else record.given_id for record in records]


def texts_by_id(
    given: Mapping[str, str | None], ids: Sequence[str], path: Path, one: str, many: str
) -> tuple[list[str | None], list[str]]:
    """The predicted text of each record, and notes about records without one and predictions without a record.

    Args:
        given: predicted texts by id.
        ids: ids of the records among them (see `ids_in`).
        path: file of the predictions.
        one, many: what records are called.

    Raises:
        DataError: no record has a prediction: their ids are not in the file, or their predictions are null.
    """
    found = [given.get(id) for id in ids]
    missing = [id for id, text in zip(ids, found, strict=True) if text is None]
    null = next((id for id in ids if id in given), None)
    if null is not None and len(missing) == len(ids):
        raise DataError(f"found null, expected the text of an answer (no {one} has one)", path=path, field=null)
    return found, without_partner(list(given), ids, missing, path, counted(len(ids), one, many))


def without_partner(
    given: Sequence[str],
    ids: Sequence[str],
    missing: Sequence[str],
    path: Path,
    all: str,
    *,
    missing_are: str = "counted as wrong",
) -> list[str]:
    """Notes about records without a prediction and predictions without a record: one rule for all tasks.

    Args:
        given: ids of the predictions.
        ids: ids of the records.
        missing: those of them that have no prediction.
        path: file of the predictions.
        all: number of the records, in words.
        missing_are: what is done with records without a prediction.

    Raises:
        DataError: no record has a prediction.
    """
    if len(missing) == len(ids):
        theirs, ours = listed(given, _SHOWN) or "none", listed(ids, _SHOWN)
        raise DataError(
            f"found no prediction for any of {all}; the ids are {theirs}, expected those of the gold file: {ours} "
            "('loreweave predict' keeps the \"id\" of JSON Lines)",
            path=path,
        )
    notes, known = [], set(ids)
    if missing:
        notes.append(f"no prediction for {len(missing):,} of {all}, {missing_are}: {listed(missing)}")
    others = [id for id in given if id not in known]
    if others:
        words = counted(
            len(others), "prediction is not scored, because its id is", "predictions are not scored, because their ids are"
        )
        notes.append(f"{words} not in the gold file: {listed(others, _SHOWN)}")
    return notes
