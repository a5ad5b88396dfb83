"""Reading files of relations in any of `formats.FORMATS`; their labels; queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import read_records
from loreweave.corpus.files.rows import LeftOut, Row
from loreweave.corpus.plausibility import label_notes
from loreweave.errors import DataError
from loreweave.tasks.relations import document_layouts, layouts
from loreweave.tasks.relations.document import RelationDocument
from loreweave.tasks.relations.formats import FORMATS, Item, recognise
from loreweave.tasks.relations.record import RelationRecord
from loreweave.tasks.relations.spans import OTHER_NAME

NEGATIVE_LABELS = ("no_relation", "Other", "OTHER", "NA", "Na")
"""Labels for no relation: TACRED's and KBP37's, SemEval's, FewRelDe's, NYT10's, DocRED's."""


def read(path: Path, format: str | None = None, skip_bad: bool = False) -> ReadResult[Item]:
    """Read a file (plain, .gz, .xz, .bz2); its records are all pairs of mentions, or all documents.

    Args:
        path: the file.
        format: one of `FORMATS`; None recognises it by the first record.
        skip_bad: skip, count and list bad records, instead of raising the first error.

    Raises:
        DataError: names the file, the record and the field.
    """
    found = read_records(path, format, skip_bad, FORMATS, recognise)
    strange, mentions = found.dropped[OTHER_NAME], sum(_number_of_mentions(record) for record in found.records)
    if 2 * strange > mentions:
        raise DataError(
            f"found {strange} of {counted(mentions, 'mention')} whose name is not the text at their offsets, expected few: "
            "the offsets count something else than this format says, or the names belong to another file",
            path=path,
        )
    found.notes.extend(label_notes(_label_counts(found.records)))
    return _with_own_ids(found)


def _label_counts(records: Sequence[Item]) -> Counter[str]:
    """Number of records of each label, without labels for no relation."""
    counts = Counter[str]()
    for record in records:
        given = [fact.label for fact in record.facts or ()] if isinstance(record, RelationDocument) else [record.label]
        counts.update(label for label in given if label is not None and label not in NEGATIVE_LABELS)
    return counts


def _number_of_mentions(record: Item) -> int:
    return sum(len(e.mentions) for e in record.entities) if isinstance(record, RelationDocument) else 2


def _with_own_ids(found: ReadResult[Item]) -> ReadResult[Item]:
    """Add a number to the ids of documents with repeated titles, which is noted."""
    seen = Counter[str]()
    repeated: list[str] = []
    for number, record in enumerate(found.records):
        if not isinstance(record, RelationDocument):
            continue
        seen[record.id] += 1
        if seen[record.id] > 1:
            repeated.append(f"{record.id}#{seen[record.id]}")
            found.records[number] = replace(record, id=repeated[-1])
    if repeated:
        shown = listed(repeated, shown=3)
        many = counted(len(repeated), "document has", "documents have")
        found.notes.append(f"{many} the title of another; a number was added to the id: {shown}")
    return found


def labels_of(records: Sequence[Item]) -> list[str]:
    """The labels in the order of the classes; documents have no label for no relation."""
    documents = [record for record in records if isinstance(record, RelationDocument)]
    if documents:
        return sorted({fact.label for document in documents for fact in document.facts or ()})
    return in_class_order(r.label for r in records if isinstance(r, RelationRecord) and r.label is not None)


def in_class_order(labels: Iterable[str]) -> list[str]:
    """Distinct labels in the order of the classes: the negative one, then the others, sorted."""
    names = sorted(set(labels))
    negative = negative_label(names)
    return sorted(names, key=lambda label: (label != negative, label))


def negative_label(labels: Sequence[str]) -> str | None:
    """The label for no relation, recognised by its name; None if there is none."""
    return next((label for label in NEGATIVE_LABELS if label in labels), None)


def query(row: Row, id: str) -> list[Item]:
    """One JSON object that asks for relations: `text`, `head` and `tail` as {start, end}, or a document in DocRED's or
    our own format; gold relations are kept.

    Raises:
        DataError: a document with fewer than two entities with mentions; see the formats.
    """
    if document_layouts.is_document(row):
        return _asked(document_layouts.docred(row, id) if "vertexSet" in row else document_layouts.documents(row, id))
    return [record for record in layouts.pairs(row, id, needs_label=False) if not isinstance(record, LeftOut)]


def _asked(items: Iterable[RelationDocument | LeftOut]) -> list[Item]:
    found = list(items)
    reasons = [item for item in found if isinstance(item, LeftOut)]
    for item in reasons:
        if item.error is not None:  # a wrong mention is also why a document may have too few
            raise item.error
    if any(item.reason == document_layouts.TOO_FEW for item in reasons):
        raise DataError(f"found a {document_layouts.TOO_FEW}, expected two or more", field="entities")
    return [item for item in found if not isinstance(item, LeftOut)]
