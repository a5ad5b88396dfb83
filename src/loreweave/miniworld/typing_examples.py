"""Typing examples from the pages: the labels of a mention are the types of its entity in the graph.

`python -m loreweave.miniworld.typing_examples` rewrites `data/typing` after changes of pages or graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from loreweave.build.sentences import split_sentences
from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.bundled_data import typing_files
from loreweave.corpus.files.reading import read_json_lines
from loreweave.corpus.files.writing import write_json
from loreweave.miniworld.world import load_graph_paths, load_pages

SPLITS = ("train", "train", "test", "train", "train", "dev", "train", "train", "test", "train")
"""Splits, in the order in which entities of similar types are distributed: none is in two splits, each type is in all."""

MOST_OF_ONE_ENTITY = 3
LEAST_ENTITIES = 8
"""Minimum number of entities of a type; rarer types are left out."""

UNTYPED = frozenset({"class", "occupation"})
"""Types that are concepts rather than names."""

Record = dict[str, Any]


def entity_types() -> dict[str, list[str]]:
    """Title -> types, coarse to fine, of the graph's entities."""
    return {row["label"]: row["types"] for _, row in read_json_lines(load_graph_paths().entities)}


def typing_records(pages: list[AnnotatedText], types: Mapping[str, Sequence[str]]) -> dict[str, list[Record]]:
    """Records of each split: `sent` (a sentence of a page), `start`, `end`, `labels`, `entity`."""
    labels = _labels(pages, types)
    split_of = _deal(labels)
    records: dict[str, list[Record]] = {split: [] for split in ("train", "dev", "test")}
    used: Counter[str] = Counter()
    for page in pages:
        sentences = split_sentences(page.text, "en", [(mention.start, mention.end) for mention in page.mentions])
        for mention in page.mentions:
            entity = str(mention.entity)
            if not labels[entity] or used[entity] == MOST_OF_ONE_ENTITY:
                continue
            used[entity] += 1
            first, last = next((s, e) for s, e in sentences if s <= mention.start and mention.end <= e)
            span = {"start": mention.start - first, "end": mention.end - first}
            record = {"sent": page.text[first:last], **span, "labels": labels[entity], "entity": entity}
            records[split_of[entity]].append(record)
    return records


def _labels(pages: list[AnnotatedText], types: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Entity -> its types that enough mentioned entities have."""
    mentioned = sorted({str(mention.entity) for page in pages for mention in page.mentions})
    entities_of = Counter(type for entity in mentioned if not UNTYPED & set(types[entity]) for type in types[entity])
    return {entity: [type for type in types[entity] if entities_of[type] >= LEAST_ENTITIES] for entity in mentioned}


def _deal(labels: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Entity -> split. Entities of similar types are ordered by a hash, so that the order is not alphabetical."""
    entities = sorted(labels, key=lambda entity: (labels[entity], sha256(entity.encode()).hexdigest()))
    return {entity: SPLITS[place % len(SPLITS)] for place, entity in enumerate(entities)}


def main() -> None:
    """Write the files of `typing_files()`."""
    for split, records in typing_records(load_pages(), entity_types()).items():
        write_json(typing_files() / f"{split}.json", records)


if __name__ == "__main__":
    main()
