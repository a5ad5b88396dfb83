"""Knowledge graph: entities with text, relations, triples by split, and the folder that stores them.

entities.arrow        id, label, description, aliases, types, one row per entity; memory-mapped
relations.jsonl       {"id", "label", "description"}
triples/<split>.npy   int32 [triples, 3]: head row, relation row, tail row; memory-mapped
manifest.json         counts, fingerprint, hashes, sources, and what was left out
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.arrays import open_npy
from loreweave.corpus.files.manifests import MANIFEST, describe_files, read_description, verify_files
from loreweave.corpus.files.reading import Pathname, read_json_lines
from loreweave.corpus.files.writing import atomic_folder, write_json, write_json_lines
from loreweave.corpus.graphs.entities import EntityWriter, GraphEntities, GraphEntity, GraphRelation, StringColumn
from loreweave.errors import DataError

__all__ = ["GraphEntity", "GraphRelation", "KnowledgeGraph", "write_graph_files"]

FORMAT = "loreweave knowledge graph"
FORMAT_VERSION = 1
ENTITIES, RELATIONS, TRIPLES = "entities.arrow", "relations.jsonl", "triples"
HEAD, RELATION, TAIL = 0, 1, 2
"""Columns of triples."""
_OWN_MANIFEST_KEYS = {"format", "version", "fingerprint", "entities", "relations", "triples", "files"}
_SPLIT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class KnowledgeGraph:
    """Entities, relations and the triples between them, by split.

    Attributes:
        entities: row -> `GraphEntity`; `entities.column(name)` is the Arrow column.
        relations: row -> `GraphRelation`.
        triples: split -> int32 array of head row, relation row, tail row.  # [triples, 3]
        manifest: details about the folder (`source`, `text`, `left_out`, ...); for a graph created in memory, the given
            details.

    Example:
        >>> entities = [GraphEntity("Q1"), GraphEntity("Q2")]
        >>> graph = KnowledgeGraph.from_parts(entities, [GraphRelation("P1")], {"train": [[0, 0, 1]]})
        >>> graph.num_entities, graph.entity_rows(["Q2"]).tolist()
        (2, [1])
    """

    def __init__(
        self,
        entities: GraphEntities,
        relations: Sequence[GraphRelation],
        triples: Mapping[str, np.ndarray],
        manifest: Mapping[str, Any],
        folder: Path | None = None,
    ) -> None:
        self.entities = entities
        self.relations = tuple(relations)
        self.triples = triples
        self.manifest = manifest
        self._folder = folder

    @classmethod
    def from_parts(
        cls,
        entities: Iterable[GraphEntity],
        relations: Iterable[GraphRelation],
        triples: Mapping[str, ArrayLike],
        details: Mapping[str, Any] | None = None,
    ) -> Self:
        """Create a graph in memory; `triples` are rows of `entities` and `relations`.

        Raises:
            DataError: an id is empty or repeated, or a triple has a row outside the entities or relations.
        """
        table, kept = GraphEntities.of(entities), tuple(relations)
        _check_ids("entity", table.column("id"))
        _check_ids("relation", pa.array([relation.id for relation in kept], pa.string()))
        arrays = {split: _checked_triples(split, rows, len(table), len(kept)) for split, rows in triples.items()}
        own = {name: value for name, value in (details or {}).items() if name not in _OWN_MANIFEST_KEYS}
        return cls(table, kept, arrays, own)

    @classmethod
    def load(cls, folder: Pathname, verify: bool = False) -> Self:
        """Open a folder of `save` or of a builder, in milliseconds whatever its size; `verify` compares all hashes.

        Raises:
            DataError: the folder does not exist, has another version, or its files do not match the manifest.
        """
        path = Path(folder)
        if not (path / MANIFEST).is_file():
            raise DataError(f"found no {MANIFEST}, expected the folder of a knowledge graph (loreweave build graph)", path=path)
        manifest = read_description(path / MANIFEST, FORMAT, FORMAT_VERSION)
        if verify:
            verify_files(path, manifest["files"])
        relations = [GraphRelation(**row) for _, row in read_json_lines(path / RELATIONS)]
        triples = {split: _open_triples(path / TRIPLES / f"{split}.npy") for split in manifest["triples"]}
        graph = cls(GraphEntities.open(path / ENTITIES), relations, triples, manifest, path.absolute())
        for name, said in manifest["triples"].items():
            _compare(path, f"triples of {name}", len(triples[name]), said)
        _compare(path, "entities", graph.num_entities, manifest["entities"])
        _compare(path, "relations", graph.num_relations, manifest["relations"])
        return graph

    def save(self, folder: Pathname, overwrite: bool = False) -> None:
        """Write the folder atomically.

        Raises:
            ConfigurationError: `folder` exists, and `overwrite` is false.
        """
        with atomic_folder(folder, overwrite, MANIFEST) as path:
            with EntityWriter(path / ENTITIES) as writer:
                for entity in self.entities:
                    writer.add(entity)
            write_graph_files(path, self.relations, self.triples, self.manifest)

    def __reduce__(self) -> tuple[Any, ...]:
        """Workers open the folder again instead of receiving a copy of all text and triples."""
        if self._folder is not None:
            return type(self).load, (self._folder,)
        return type(self), (self.entities, self.relations, self.triples, self.manifest)

    def __repr__(self) -> str:
        splits = ", ".join(f"{len(rows)} {split}" for split, rows in self.triples.items())
        size = f"{counted(self.num_entities, 'entity', 'entities')}, {counted(self.num_relations, 'relation')}"
        return f"<KnowledgeGraph: {size}, triples: {splits or 'none'}>"

    @property
    def folder(self) -> Path | None:
        """Folder that it was loaded from; None for a graph created in memory."""
        return self._folder

    @property
    def num_entities(self) -> int:
        """Number of entities."""
        return len(self.entities)

    @property
    def num_relations(self) -> int:
        """Number of relations."""
        return len(self.relations)

    @property
    def entity_ids(self) -> StringColumn:
        """Ids of the entities by row."""
        return self.entities.strings("id")

    @property
    def entity_labels(self) -> StringColumn:
        """Names of the entities by row; empty if there is none."""
        return self.entities.strings("label")

    @property
    def entity_descriptions(self) -> StringColumn:
        """Texts about the entities by row; empty if there is none."""
        return self.entities.strings("description")

    @cached_property
    def relation_ids(self) -> list[str]:
        """Ids of the relations by row."""
        return [relation.id for relation in self.relations]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the entity ids, then the relation ids, in order: what an embedding table depends on."""
        return self.manifest.get("fingerprint") or _fingerprint(self.entity_ids, self.relation_ids)

    def identity(self) -> dict[str, Any]:
        """The fingerprint and the numbers of entities and relations, for the records of checkpoints and results."""
        return {"fingerprint": self.fingerprint, "entities": self.num_entities, "relations": self.num_relations}

    def entity_rows(self, ids: Iterable[str]) -> np.ndarray:
        """Rows of entity ids, int32. Each call scans all ids (0.7 s for 4.6 million), so pass many at once.

        Raises:
            DataError: an id is unknown.
        """
        return self._rows("entities", ids, self.entities.column("id"))

    def relation_rows(self, ids: Iterable[str]) -> np.ndarray:
        """Rows of relation ids, int32.

        Raises:
            DataError: an id is unknown.
        """
        return self._rows("relations", ids, pa.array(self.relation_ids, pa.string()))

    def _rows(self, kind: str, ids: Iterable[str], known: pa.Array) -> np.ndarray:
        wanted = pa.array(ids if isinstance(ids, list) else list(ids), pa.string())
        found = pc.index_in(wanted, value_set=known)
        if found.null_count:
            unknown = map(repr, wanted.filter(found.is_null())[:5].to_pylist())
            some = listed(unknown, total=found.null_count)
            raise DataError(f"found {some}, expected ids of {kind} of the graph", path=self._folder)
        return np.array(found)


def write_graph_files(
    folder: Path, relations: Sequence[GraphRelation], triples: Mapping[str, np.ndarray], details: Mapping[str, Any]
) -> None:
    """Write everything but the entities, which are in the folder already; `details` are added to the manifest.

    Raises:
        DataError: an id is empty or repeated, or a split's name is not valid in a file name.
    """
    entities = GraphEntities.open(folder / ENTITIES)
    _check_ids("entity", entities.column("id"))
    rows = [{"id": each.id, "label": each.label, "description": each.description} for each in relations]
    _check_ids("relation", pa.array([row["id"] for row in rows], pa.string()))
    write_json_lines(folder / RELATIONS, rows)
    (folder / TRIPLES).mkdir()
    for split, array in triples.items():
        check_split_name(split)
        np.save(folder / TRIPLES / f"{split}.npy", array)
    names = [ENTITIES, RELATIONS, *(f"{TRIPLES}/{split}.npy" for split in triples)]
    manifest = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "fingerprint": _fingerprint(entities.strings("id"), [row["id"] for row in rows]),
        "entities": len(entities),
        "relations": len(rows),
        "triples": {split: len(array) for split, array in triples.items()},
        **{name: value for name, value in details.items() if name not in _OWN_MANIFEST_KEYS},
        "files": describe_files({name: folder / name for name in names}),
    }
    write_json(folder / MANIFEST, manifest)


def _fingerprint(entity_ids: Iterable[str], relation_ids: Iterable[str]) -> str:
    """One id per line, an empty line between the two lists: ids are not empty and contain no line break."""
    digest = hashlib.sha256()
    for ids in (entity_ids, relation_ids):
        for id in ids:
            digest.update(id.encode() + b"\n")
        digest.update(b"\n")
    return digest.hexdigest()


def _check_ids(kind: str, ids: pa.Array | pa.ChunkedArray) -> None:
    for wrong in pc.filter(ids, pc.match_substring_regex(ids, r"^$|[\t\r\n]"))[:1]:
        raise DataError(f"found the {kind} id {wrong.as_py()!r}, expected a non-empty id without tabs and line breaks")
    if pc.count_distinct(ids).as_py() != len(ids):
        twice, count = Counter(ids.to_pylist()).most_common(1)[0]
        raise DataError(f"found the {kind} id {twice!r} {counted(count, 'time')}, expected every id once")


def check_split_name(split: str, path: Path | None = None) -> None:
    """Raise DataError unless the name is valid in a file name; `path` is where it was found."""
    if not _SPLIT_NAME.fullmatch(split):
        raise DataError(f"found a split named {split!r}, expected letters, digits, - and _", path=path)


def _checked_triples(split: str, rows: ArrayLike, entities: int, relations: int) -> np.ndarray:
    check_split_name(split)
    array = np.asarray(rows)
    if array.size == 0:
        return np.zeros((0, 3), np.int32)
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in "iu":
        message = f"found an array of shape {array.shape} and type {array.dtype}, expected integers [triples, 3]"
        raise DataError(message, field=split)
    for kind, column, count in (("head", 0, entities), ("relation", 1, relations), ("tail", 2, entities)):
        low, high = int(array[:, column].min()), int(array[:, column].max())
        if low < 0 or high >= count:
            wrong = low if low < 0 else high
            raise DataError(f"found the {kind} row {wrong}, expected a row from 0 to {count - 1}", field=split)
    return np.ascontiguousarray(array, np.int32)


def _open_triples(path: Path) -> np.ndarray:
    array = open_npy(path)
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype != np.int32:
        message = f"found an array of shape {array.shape} and type {array.dtype}, expected int32 [triples, 3]"
        raise DataError(message, path=path)
    return array


def _compare(folder: Path, what: str, found: int, said: int) -> None:
    if found != said:
        raise DataError(f"found {found} {what}, the manifest says {said}", path=folder)
