"""Files with annotated relations: sources for training, support sets, and sentences to draw episodes from."""

from __future__ import annotations

from pathlib import Path

from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.rows import LeftOut, Row
from loreweave.errors import DataError
from loreweave.tasks.relations import files as relation_files
from loreweave.tasks.relations.document import RelationDocument, pair_records
from loreweave.tasks.relations.files import NEGATIVE_LABELS, labels_of
from loreweave.tasks.relations.formats import FORMATS
from loreweave.tasks.relations.record import RelationRecord

__all__ = ["FORMATS", "labels_of", "query", "read"]


def read(path: Path, format: str | None = None, skip_bad: bool = False) -> ReadResult[RelationRecord]:
    """Records of a file in any layout of relation classification, without those of no relation (`no_relation`, `OTHER`).

    In documents, each pair with one relation is a record. Pairs without a relation have nothing in common that a few
    sentences could show, so they are left out and counted.

    Raises:
        DataError: see `relation_files.read`.
    """
    found = relation_files.read(path, format, skip_bad)
    kept: ReadResult[RelationRecord] = found.account()  # type: ignore[assignment]  # it has no record yet
    for record, place in zip(found.records, found.places, strict=True):
        for item in pair_records(record) if isinstance(record, RelationDocument) else (record,):
            if isinstance(item, LeftOut):
                reason = item.reason
            elif item.label in NEGATIVE_LABELS:
                reason = f"of no relation ({item.label})"
            else:
                kept.records.append(item)
                kept.places.append(place)
                continue
            kept.leave_out(reason, None)
            kept.lost.append(("unused", f"{place}: {reason}"))
    return kept


def query(row: Row, id: str) -> list[RelationRecord]:
    """One JSON object that asks for the relation of `head` and `tail` in `text`; see `relation_files.query`."""
    found = relation_files.query(row, id)
    if not all(isinstance(item, RelationRecord) for item in found):
        raise DataError("found a document with entities, expected 'text' with a 'head' and a 'tail'", field="entities")
    return [item for item in found if isinstance(item, RelationRecord)]
