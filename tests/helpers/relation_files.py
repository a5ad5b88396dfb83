"""Files of relations: one row of every layout, a writer of whole files, and the mentions of what is read from them."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

from loreweave.tasks.relations.record import RelationRecord

TOKENS = ["In", "Oslo", ",", "Ann", "-LRB-", "Lee", "-RRB-", "works", "."]
TACRED = {
    "id": "e7", "docid": "d1", "relation": "per:city", "token": TOKENS, "subj_start": 3, "subj_end": 5, "obj_start": 1,
    "obj_end": 1, "subj_type": "PERSON", "obj_type": "CITY", "stanford_pos": ["IN"],
}  # fmt: skip
KEPLER = {
    "token": TOKENS, "h": {"name": "Ann", "pos": [3, 6]}, "t": {"name": "Oslo", "id": "Q585", "pos": [1, 2]}, "relation": "r",
}  # fmt: skip
FEWREL = {"P19": [{"tokens": TOKENS, "h": ["ann lee", "Q1", [[3, 4, 5]]], "t": ["oslo", "Q585", [[1], [7]]]}], "P20": []}
TEXT = "In Oslo, Ann works."
PAIR = {"text": TEXT, "head": {"start": 9, "end": 12}, "tail": {"start": 3, "end": 7}, "label": "r", "doc": "d"}
RELATION = {**{name: value for name, value in PAIR.items() if name != "label"}, "relation": "s"}
FACT: dict[str, Any] = {
    "fold": 2, "doc": "7", "property": "CITY", "text": TEXT,
    "subject": {"start": 9, "end": 12, "text": "Ann", "wikidata": "Q1"},
    "object": {"start": 3, "end": 7, "text": "Oslo", "wikidata": None},
}  # fmt: skip
PASSAGES = {
    "fold": 2, "documentId": "7", "documentText": "Ann\n\n" + TEXT,
    "passages": [
        {"passageStart": 5, "passageText": TEXT,
         "exhaustivelyAnnotatedProperties": [{"propertyId": "9", "propertyName": "CITY"}],
         "facts": [{"factId": "f1", "propertyId": "9", "subjectStart": 14, "subjectEnd": 17, "subjectText": "Ann",
                    "objectStart": 8, "objectEnd": 12, "objectText": "Oslo", "objectUri": "Q585"}]},
        {"passageStart": 0, "passageText": "Ann", "facts": []},
    ],
}  # fmt: skip
DOCUMENT = {
    "title": "Ann", "sents": [["Ann", "lives", "."], ["She", "is", "in", "Oslo", ",", "Norway", "."]],
    "vertexSet": [
        [{"name": "Ann", "sent_id": 0, "pos": [0, 1]}, {"name": "She", "sent_id": 1, "pos": [0, 1]}],
        [{"name": "Oslo", "sent_id": 1, "pos": [3, 4]}],
        [{"name": "Norway", "sent_id": 1, "pos": [5, 6]}],
    ],
    "labels": [{"h": 0, "t": 1, "r": "P551", "evidence": [1]}, {"h": 1, "t": 2, "r": "P17"}, {"h": 1, "t": 2, "r": "P131"}],
}  # fmt: skip
SEMEVAL = """1\t"The <e1>ear</e1> of the <e2>elephant</e2> is large."\r
Component-Whole(e1,e2)\r
Comment: Not \r
a part.\r
\r
2\t" <e2> Ann </e2> met <e1> the mayor </e1> . "
no_relation

"""
ANNOTATED = {
    "id": "t", "text": TEXT, "mentions": [{"start": 9, "end": 12}, {"start": 3, "end": 7}],
    "metadata": {"relations": [{"head": 0, "tail": 1, "label": "r"}]},
}  # fmt: skip
OWN = {
    "id": "t", "text": TEXT, "entities": [{"mentions": [{"start": 9, "end": 12}]}, {"mentions": [{"start": 3, "end": 7}]}],
    "relations": [{"head": 0, "tail": 1, "label": "r"}],
}  # fmt: skip
LAYOUTS = {
    "tacred": TACRED, "kepler": KEPLER, "fewrel": FEWREL, "knowledgenet": FACT, "docred": DOCUMENT,
    "docred-all-pairs": DOCUMENT, "documents": OWN, "annotated-text": ANNOTATED, "pairs": PAIR,
}  # fmt: skip


def write(path: Path, value: Any) -> Path:
    """JSON, JSON Lines or text, packed as the name says."""
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        if isinstance(value, str):
            file.write(value)
        elif ".jsonl" in path.name:
            file.write("\n".join(json.dumps(row) for row in value))
        else:
            json.dump(value, file, indent=2 if isinstance(value, dict) else None)
    return path


def mentions(record: RelationRecord) -> tuple[str, str]:
    return record.surface(record.head), record.surface(record.tail)
