"""Files with annotated relations: the source that a model is trained on, support sets, and what episodes are drawn from."""

from __future__ import annotations

from pathlib import Path

from loreweave.tasks import relation_files
from loreweave.tasks.registry import ReadResult
from loreweave.tasks.relation_files import FORMATS, NEGATIVE_LABELS, labels_of, query
from loreweave.tasks.relation_record import RelationRecord

__all__ = ["FORMATS", "labels_of", "query", "read"]


def read(path: Path, format: str | None = None, skip_bad: bool = False) -> ReadResult[RelationRecord]:
    """The records of a file in any layout of relation classification, but those of no relation (`no_relation`, `OTHER`).

    What no relation holds for has nothing in common that a few sentences could show, so these are left out and counted.

    Raises:
        DataError: see `relation_files.read`.
    """
    found = relation_files.read(path, format, skip_bad)
    kept = found.account()
    for record, place in zip(found.records, found.places, strict=True):
        if record.label in NEGATIVE_LABELS:
            kept.leave_out(f"of no relation ({record.label})", None)
        else:
            kept.records.append(record)
            kept.places.append(place)
    return kept
