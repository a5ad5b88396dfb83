"""CoDEx (Safavi and Koutra, EMNLP 2020): Wikidata graphs in three sizes, with labels in six languages and entity types.

As published: `data/triples/codex-s/{train,valid,test}.txt` with `data/entities/en/entities.json`,
`data/relations/en/relations.json`, `data/types/entity2types.json` and `data/types/en/types.json`; or the same files
beside the folder of triples: `entities_en.json` (or `entity_labels_partial.tsv`: `id<TAB>label<TAB>description`),
`relations_en.json`, `entity2types.json` (or `entity2types_sm.json`), `types_en.json`.

The hard negatives (`valid_negatives.txt`, `test_negatives.txt`) are false triples and not part of the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import Pathname, read_json
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.lines import LeftOut, find_file, find_splits, read_table
from loreweave.corpus.graphs.source import GraphSource
from loreweave.corpus.graphs.texts import Located, present, read_json_texts
from loreweave.errors import DataError

PUBLISHED = {
    "codex-s": {"entities": 2_034, "relations": 42, "train": 32_888, "valid": 1_827, "test": 1_828},
    "codex-m": {"entities": 17_050, "relations": 51, "train": 185_584, "valid": 10_310, "test": 10_311},
}


def codex(folder: Pathname, language: str = "en") -> GraphSource:
    """Find the files for a folder of triples (`.../codex-s`).

    Args:
        folder: folder of `train.txt`, `valid.txt`, `test.txt`.
        language: language of labels and descriptions.

    Raises:
        DataError: there is no training file, or no labels of relations in this language.
    """
    base = Path(folder).absolute()
    beside, above = base.parent, base.parent.parent
    entities = find_file(beside, f"entities_{language}.json") or find_file(above / "entities" / language, "entities.json")
    if entities is None and language == "en":
        entities = find_file(beside, "entity_labels_partial.tsv")
    relations = find_file(beside, f"relations_{language}.json") or find_file(above / "relations" / language, "relations.json")
    if relations is None:
        raise DataError(f"found neither relations_{language}.json beside it nor relations/{language}/relations.json", path=base)
    types = find_file(beside, "entity2types.json", "entity2types_sm.json") or find_file(above / "types", "entity2types.json")
    type_labels = find_file(beside, f"types_{language}.json") or find_file(above / "types" / language, "types.json")
    return GraphSource(
        "codex",
        find_splits(base, suffixes=(".txt",)),
        partial(_entities, entities, types, type_labels),
        partial(_relations, relations),
        text_files=present(entities, relations, types, type_labels),
        published=PUBLISHED.get(base.name, {}),
        details={"language": language},
    )


def _entities(
    entities: Path | None, types: Path | None, type_labels: Path | None, ids: Mapping[str, int], left_out: LeftOut
) -> Iterator[Located]:
    """Entities with text, then those with types only."""
    of_entity: dict[str, Any] = {} if types is None else read_json(types)
    labels = {} if type_labels is None else {each.id: each.label for each in read_json_texts(type_labels)}

    def typed(entity: GraphEntity) -> GraphEntity:
        return replace(entity, types=tuple(labels.get(type) or type for type in of_entity.pop(entity.id, ())))

    for path, line, entity in _texts(entities, left_out):
        yield path, line, typed(entity)
    for id in ids:
        if types is not None and id in of_entity:
            yield types, None, typed(GraphEntity(id))


def _texts(path: Path | None, left_out: LeftOut) -> Iterator[Located]:
    if path is None:
        return
    if ".json" in path.suffixes:
        yield from ((path, None, entity) for entity in read_json_texts(path))
        return
    for line, (id, label, description) in read_table(path, left_out, 3):
        yield path, line, GraphEntity(id, label, description)


def _relations(path: Path, ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
    return ((path, None, relation) for relation in read_json_texts(path))
