"""Files of relations between two mentions: TACRED, KEPLER, FewRel, SemEval-2010 task 8, KnowledgeNet, DocRED and our own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.reading import open_text, read_json
from loreweave.corpus.files.records import FileFormat, first_row, read_records, recognise_by_keys
from loreweave.corpus.files.rows import LeftOut, Row
from loreweave.corpus.plausibility import label_notes
from loreweave.errors import DataError
from loreweave.tasks.relations import document_layouts, layouts
from loreweave.tasks.relations.document import RelationDocument
from loreweave.tasks.relations.record import RelationRecord
from loreweave.tasks.relations.spans import OTHER_NAME

NEGATIVE_LABELS = ("no_relation", "Other", "OTHER", "NA", "Na")
"""Labels for no relation: TACRED's and KBP37's, SemEval's, FewRelDe's, NYT10's, DocRED's."""


Item = RelationRecord | RelationDocument
"""Record of relation classification: a pair of mentions with one relation, or a document with any number."""


def read(path: Path, format: str | None = None, skip_bad: bool = False) -> ReadResult[Item]:
    """Read a file (plain, .gz, .xz, .bz2); its records are all pairs of mentions, or all documents.

    Args:
        path: the file.
        format: one of `FORMATS`; None recognises it by the first record.
        skip_bad: skip, count and list bad records, instead of raising the first error.

    Raises:
        DataError: names the file, the record and the field.
    """
    found = read_records(path, format, skip_bad, FORMATS, _recognise)
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
        found.notes.append(f"{len(repeated)} documents have the same title as another; their ids got a number: {shown}")
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
    asked: list[Item] = []
    for item in items:
        if isinstance(item, RelationDocument):
            asked.append(item)
        elif item.error is not None:
            raise item.error
        elif item.reason == document_layouts.TOO_FEW:
            raise DataError(f"found a {item.reason}, expected two or more", field="entities")
    return asked


_SENTENCE = re.compile(r"(\d+)\t(.+)")


def _sentence_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Blocks of SemEval's text files: `id<TAB>"sentence"`, the label's line, the comment's; with their first line."""
    block: dict[str, str] = {}
    place = ""
    with open_text(path) as file:
        for number, line in enumerate(map(str.strip, file), 1):
            sentence = _SENTENCE.fullmatch(line)
            if sentence is not None:
                if block:
                    yield place, block
                text = sentence[2].strip()
                text = text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] == '"' else text
                block, place = {"id": sentence[1], "sentence": text, "label": "", "comment": ""}, f"line {number}"
            elif line.startswith("Comment:") and block:
                block["comment"] = line.removeprefix("Comment:").strip()
            elif line and block and not block["label"]:
                block["label"] = line
            elif line and block and block["comment"]:  # it covers several lines
                block["comment"] += f" {line}"
            elif line:
                raise DataError(f"found {line[:60]!r}, expected id<TAB>sentence, a label or a comment", path=path, line=number)
    if block:
        yield place, block


def _instance_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Instances of FewRel's dictionary."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"found a {type(content).__name__}, expected an object: relation -> instances", path=path)
    for relation, instances in content.items():
        if not isinstance(instances, list):
            raise DataError(f"found {type(instances).__name__}, expected a list of instances", path=path, field=relation)
        for number, instance in enumerate(instances, 1):
            yield f"{relation}, instance {number}", (relation, number, instance)


FORMATS: dict[str, FileFormat[Item]] = {
    "tacred": FileFormat("JSON list (or lines) of {token, subj_start, subj_end, obj_start, obj_end, relation}", layouts.tacred),
    "kepler": FileFormat("JSON lines of {token or text, h: {pos}, t: {pos}, relation}: KEPLER, OpenNRE", layouts.kepler),
    "fewrel": FileFormat("JSON object: relation -> [{tokens, h, t}]", layouts.fewrel, _instance_rows),
    "semeval": FileFormat(
        "text with <e1> and <e2>, label on the next line: SemEval-2010 task 8, KBP37, RELX", layouts.semeval, _sentence_rows
    ),
    "knowledgenet": FileFormat(
        "JSON lines: documents with passages (those without a fact are skipped), or one fact per line", layouts.knowledgenet
    ),
    "docred": FileFormat(
        "list of {title, sents, vertexSet, labels}: DocRED, Re-DocRED; whole documents, any number of relations per pair",
        document_layouts.docred,
    ),
    "docred-all-pairs": FileFormat("older name of docred", document_layouts.docred),
    "documents": FileFormat(
        "JSON lines of {text, entities: [{mentions: [{start, end}]}], relations: [{head, tail, label}]}",
        document_layouts.documents,
    ),
    "annotated-text": FileFormat(
        "JSON lines of {id, text, mentions, metadata: {relations: [{head, tail, label}]}}", layouts.annotated_text
    ),
    "pairs": FileFormat("JSON lines of {text, head: {start, end}, tail: {start, end}, label (or relation)}", layouts.pairs),
}

_SIGNS = {
    "subj_start": "tacred", "vertexSet": "docred", "passages": "knowledgenet", "property": "knowledgenet",
    "mentions": "annotated-text", "h": "kepler", "head": "pairs", "entities": "documents",
}  # fmt: skip


def _recognise(path: Path) -> str:
    first = first_character(path)
    if first not in ("[", "{"):
        return "semeval"
    row = first_row(path)
    if first == "{" and isinstance(row, Mapping) and row and not set(row) & set(_SIGNS):
        if all(isinstance(value, list) for value in row.values()):
            return "fewrel"
        if all(isinstance(value, Mapping) and set(value) & set(_SIGNS) for value in row.values()):
            name = next(iter(row))
            found = f"found one object whose records have names ({name!r}, ...)"
            raise DataError(f"{found}, expected a list of records, or one record per line", path=path, record="record 1")
    return recognise_by_keys(path, row, _SIGNS)
