"""Result of a format's reader: the parts of a graph, found before anything large is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from loreweave.corpus.graphs.columns import Columns
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.graphs.lines import LeftOut, read_triples
from loreweave.corpus.graphs.texts import Located


class ReadTriples(Protocol):
    """Yields (line, or None if there are none; head, relation, tail) of a split."""

    def __call__(self, split: str, path: Path, left_out: LeftOut) -> Iterator[tuple[int | None, str, str, str]]: ...


class ReadTexts(Protocol):
    """Yields what is known about entities (or relations); `ids` are those that occur in triples."""

    def __call__(self, ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]: ...


class ReadIds(Protocol):
    """Yields (file, line or None, id) for every id that a format lists."""

    def __call__(self, left_out: LeftOut) -> Iterator[tuple[Path, int | None, str]]: ...


def _read_lines(split: str, path: Path, left_out: LeftOut) -> Iterator[tuple[int | None, str, str, str]]:
    return read_triples(path, left_out)


def _no_texts(ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
    return iter(())


@dataclass(frozen=True)
class GraphSource:
    """Parts of a graph in a format, before anything large is read.

    Attributes:
        format: name of the format.
        triples: split -> file, or the folder that contains it.
        read_entities: texts of the entities; called after all triples were read.
        read_relations: texts of the relations, in records of the same shape.
        text_files: files that these two functions and the lists of ids read.
        entity_ids: all entities, for a format that lists them: any other entity is an error.
        relation_ids: all relations, likewise.
        read_triples: reader of triples. Default: lines of `head<TAB>relation<TAB>tail`.
        published: published counts by name (`entities`, `relations`, a split).
        columns: columns of the files of triples, as the user names them.
        details: further entries of the manifest about the source, known after reading.
    """

    format: str
    triples: Mapping[str, Path]
    read_entities: ReadTexts = _no_texts
    read_relations: ReadTexts = _no_texts
    text_files: tuple[Path, ...] = ()
    entity_ids: ReadIds | None = None
    relation_ids: ReadIds | None = None
    read_triples: ReadTriples = _read_lines
    published: Mapping[str, int] = field(default_factory=dict)
    columns: Columns = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


def with_texts_of(source: GraphSource, graph: KnowledgeGraph) -> GraphSource:
    """The source with the texts of another graph with the same ids, such as the one it is a part of."""

    def read_entities(ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
        for entity in graph.entities:
            if entity.id in ids:
                yield Path(), None, entity

    def read_relations(ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
        for relation in graph.relations:
            if relation.id in ids:
                yield Path(), None, GraphEntity(relation.id, relation.label, relation.description)

    details = {**source.details, "text_graph": graph.fingerprint}
    return replace(source, read_entities=read_entities, read_relations=read_relations, details=details)
