"""Formats of relation files, by name. A new one is a row of `FORMATS`, and its characteristic key one of `_SIGNS`.

The functions that turn a row of a file into records are in `layouts` (pairs of mentions) and `document_layouts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.reading import open_text, read_json
from loreweave.corpus.files.records import FileFormat, first_row, recognise_by_keys
from loreweave.corpus.files.strict_json import kind_of
from loreweave.errors import DataError
from loreweave.tasks.relations import document_layouts, layouts
from loreweave.tasks.relations.document import RelationDocument
from loreweave.tasks.relations.record import RelationRecord

Item = RelationRecord | RelationDocument
"""Record of relation classification: a pair of mentions with one relation, or a document with any number."""

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
        raise DataError(f"found {kind_of(content)}, expected an object: relation -> instances", path=path)
    for relation, instances in content.items():
        if not isinstance(instances, list):
            raise DataError(f"found {kind_of(instances)}, expected a list of instances", path=path, field=relation)
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
"""Characteristic key of the first row -> the format, in the order in which they are looked for."""


def recognise(path: Path) -> str:
    """Name of a file's format by its first record.

    Raises:
        DataError: it is none of `FORMATS`.
    """
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
