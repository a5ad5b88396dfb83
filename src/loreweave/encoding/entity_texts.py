"""Texts of a knowledge graph's entities and relations, and the replacements for missing ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.graphs.entities import are_read_alike
from loreweave.corpus.graphs.knowledge_graph import GraphRelation, KnowledgeGraph
from loreweave.errors import DataError

SOURCES = ("nothing", "description", "label", "alias")
"""Source of a text, by number; a description with the label in front counts as `description`."""
_PLURALS = {"alias": "aliases"}
_NOTHING, _DESCRIPTION, _LABEL, _ALIAS = range(4)

_AFTER_A_NAME = " \t\r\n,;:"
TextKind = Literal["description", "label_description", "label"]
LEAST_LENGTH = 8
"""Smallest maximum number of tokens of a text: special tokens and a few words."""


@dataclass(kw_only=True)
class EntityTextConfig:
    """Settings of the texts: which ones are used, and their length."""

    text: TextKind = "description"
    """Text of an entity. `label_description` is "label: description", without the label at the description's start (SimKGC)."""
    missing: Literal["label", "alias", "error"] = "label"
    """Replacement for a missing text. `label` and `alias` replace each other if one of them is missing too."""
    relation_text: TextKind | None = "description"
    """Text of a relation; a missing one is replaced by its label. null: relations have no text."""
    max_length: int = 512
    """Maximum number of tokens of a text, including special tokens."""
    relation_max_length: int = 64
    """Maximum number of tokens of a relation's text alone, including special tokens (KEPLER-Rel: an eighth of `max_length`)."""
    truncation: Literal["text", "sequence"] = "text"
    """`text` truncates the description and keeps special tokens and relation. `sequence` truncates the whole sequence at the
    end, including the end token and the relation, as KEPLER's released code does."""

    def __post_init__(self) -> None:
        if self.max_length < LEAST_LENGTH:
            expected = f"expected at least {LEAST_LENGTH} (special tokens and a few words)"
            raise ValueError(f"max_length: found {self.max_length}, {expected}")
        if self.relation_max_length < 3:
            raise ValueError(f"relation_max_length: found {self.relation_max_length}, expected at least 3 (with a word)")

    @property
    def relation_limit(self) -> int:
        """Maximum number of tokens of a relation's text alone: no text is longer than `max_length`."""
        return min(self.relation_max_length, self.max_length)

    def of_tokens(self) -> dict[str, Any]:
        """Settings that the stored tokens depend on."""
        settings = asdict(self)
        del settings["truncation"]  # applied when batches are made
        return settings


def entity_texts(graph: KnowledgeGraph, config: EntityTextConfig, rows: int) -> Iterator[tuple[list[str], np.ndarray]]:
    """Texts of the entities in order, `rows` at a time, each with the number of its source.

    Raises:
        DataError: an entity lacks its text and `config.missing` is `error`.
    """
    for batch in graph.entities.table.to_batches(max_chunksize=rows):
        labels, descriptions, aliases = (batch.column(name) for name in ("label", "description", "aliases"))
        texts, sources = [], np.zeros(batch.num_rows, np.uint8)
        for row, (label, description) in enumerate(zip(labels.to_pylist(), descriptions.to_pylist(), strict=True)):
            text, source = _compose(config.text, label.strip(), description.strip())
            if not text:
                if config.missing == "error":
                    raise _without_text(graph, config, batch.column("id")[row].as_py())
                text, source = _stand_in(config, label.strip(), aliases, row)
            texts.append(text)
            sources[row] = source
        yield texts, sources


def relation_texts(graph: KnowledgeGraph, kind: TextKind) -> tuple[list[str], np.ndarray]:
    """Texts of the relations in order, each with the number of its source; a missing description is replaced by the label."""
    composed = [_relation_text(relation, kind) for relation in graph.relations]
    return [text for text, _ in composed], np.array([source for _, source in composed], np.uint8)


def counts_of(sources: np.ndarray) -> dict[str, int]:
    """Number of texts from each source."""
    counts = np.bincount(sources, minlength=len(SOURCES))
    return {name: int(count) for name, count in zip(SOURCES, counts, strict=True)}


Coverage = Mapping[str, Mapping[str, int] | None]
"""`counts_of` and `cut` for `entities` and for `relations` (None if those have no texts)."""


def coverage_lines(coverage: Coverage) -> list[str]:
    """Lines for the user: number of entities and relations with each kind of text.

    Example:
        >>> coverage_lines({"entities": {"nothing": 2, "description": 9, "label": 0, "alias": 1, "cut": 3}, "relations": None})
        ['texts of entities: 9 descriptions, 1 alias, 2 without any text (all of these are equal); 3 are truncated']
    """
    return [f"texts of {kind}: {_counted(counts)}" for kind, counts in coverage.items() if counts is not None]


def _counted(counts: Mapping[str, int]) -> str:
    parts = [counted(counts[name], name, _PLURALS.get(name)) for name in SOURCES[1:] if counts[name]]
    if bare := counts[SOURCES[_NOTHING]]:
        parts.append(f"{bare:,} without any text" + (" (all of these are equal)" if bare > 1 else ""))
    return (", ".join(parts) or "none") + (f"; {counted(counts['cut'], 'is', 'are')} truncated" if counts["cut"] else "")


def require_texts(coverage: Coverage, *, relations: bool, graph: Pathname | None = None) -> None:
    """Raise an error if no entity has a text, or if there are several relations and none has a text.

    Args:
        relations: whether relations are encoded from their texts.
        graph: folder of the graph, for the message.

    Raises:
        DataError: all of them would have the same empty text.
    """
    for kind, options in (("entities", "--descriptions, --names"), ("relations", "--relation-descriptions, --relation-names")):
        counts = coverage[kind]
        if counts is None or (kind == "relations" and not relations):
            continue
        total, bare = sum(counts[name] for name in SOURCES), counts[SOURCES[_NOTHING]]
        if are_read_alike(bare, total):
            raise DataError(
                f"none of the {total:,} {kind} has a description, label or alias, so all would have the same empty text; "
                f"build the graph with texts ({options}) or, if its ids are words, with --labels ids; a table of entities "
                "(entities: table) needs no texts",
                path=graph,
            )


def text_hashes(graph: KnowledgeGraph) -> dict[str, str]:
    """SHA-256 of the labels, descriptions and aliases of the entities, and of the relations' texts; ids do not matter."""
    digest = hashlib.sha256()
    for name in ("label", "description"):
        digest.update(_hash_of_strings(graph.entities.column(name).chunks))
    aliases = graph.entities.column("aliases").chunks
    for chunk in aliases:
        digest.update(pc.list_value_length(chunk).to_numpy(zero_copy_only=False).astype("<i4"))
    digest.update(_hash_of_strings([chunk.flatten() for chunk in aliases]))
    relations = [(relation.label, relation.description) for relation in graph.relations]
    return {"entities": digest.hexdigest(), "relations": hashlib.sha256(json.dumps(relations).encode()).hexdigest()}


def _hash_of_strings(chunks: Iterable[pa.Array]) -> bytes:
    """Update the hash with all characters and all lengths, from Arrow's memory: chunk borders do not matter."""
    characters, lengths = hashlib.sha256(), hashlib.sha256()
    for chunk in chunks:
        lengths.update(pc.binary_length(chunk).to_numpy(zero_copy_only=False).astype("<i4"))
        _, offsets, data = chunk.buffers()
        if data is not None:
            ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
            characters.update(memoryview(data)[ends[0] : ends[-1]])
    return characters.digest() + lengths.digest()


def _compose(kind: TextKind, label: str, description: str) -> tuple[str, int]:
    if kind == "label":
        return label, _LABEL if label else _NOTHING
    if not description:
        return "", _NOTHING
    if kind == "description" or not label:
        return description, _DESCRIPTION
    rest = _without_name(description, label)
    return f"{label}: {rest}" if rest else label, _DESCRIPTION


def _without_name(description: str, label: str) -> str:
    """A description without the name that it begins with; `Parisian` does not begin with the name `Paris`."""
    rest = description.removeprefix(label)
    if rest == description or rest[:1].isalnum():
        return description
    return rest.lstrip(_AFTER_A_NAME)


def _stand_in(config: EntityTextConfig, label: str, aliases: pa.Array, row: int) -> tuple[str, int]:
    alias = next((alias.strip() for alias in aliases[row].as_py() if alias.strip()), "")
    choices = [(label, _LABEL), (alias, _ALIAS)]
    if config.missing == "alias":
        choices.reverse()
    return next(((text, source) for text, source in choices if text), ("", _NOTHING))


def _relation_text(relation: GraphRelation, kind: TextKind) -> tuple[str, int]:
    label = relation.label.strip()
    text, source = _compose(kind, label, relation.description.strip())
    if text or not label:
        return text, source
    return label, _LABEL


def _without_text(graph: KnowledgeGraph, config: EntityTextConfig, id: str) -> DataError:
    column = "label" if config.text == "label" else "description"
    lacking = int((~graph.entities.given(column)).sum())
    return DataError(
        f"found no {column} of the entity {id!r} ({max(lacking, 1)} of {graph.num_entities} entities have none), expected one "
        "for every entity; set missing to label or alias to replace missing texts"
    )
