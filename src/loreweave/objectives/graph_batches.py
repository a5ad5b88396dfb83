"""What the objectives over a graph share: their settings, the distinct texts of a micro-batch, and those texts' vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.encoding.entity_texts import coverage_lines, require_texts
from loreweave.encoding.graph_texts import EntityTextConfig, GraphTexts
from loreweave.errors import ConfigurationError
from loreweave.models.knowledge_embedding import Pooling, read_texts
from loreweave.objectives.base import Materials
from loreweave.objectives.triples import Sampling, TrueTriples

_BUCKETS = 4
"""Texts of a micro-batch are encoded by length in at most so many parts; more parts pad less and start more kernels."""


@dataclass(kw_only=True)
class GraphStreamConfig:
    """Settings of every objective over a graph."""

    graph: str
    """Folder of a graph (`loreweave build graph`)."""
    weight: float = 1.0
    micro_batch_size: int = 3
    """Per process and micro-step: triples, or with `sampling: neighbourhoods` the entities among which all triples count."""
    sampling: Sampling = "triples"
    filter_splits: list[str] = field(default_factory=lambda: ["train", "valid"])
    """Splits whose triples are no negatives (KEPLER: train and valid)."""
    text: EntityTextConfig = field(default_factory=EntityTextConfig)
    pooling: Pooling = "first"
    """What stands for a text: its `first` token's state, the `mean` of all, or (of a LUKE) the state of a `[MASK]` `entity`
    that spans it."""
    token_cache: str | None = None
    """Folder that keeps the tokenised texts, for graphs that take long; null keeps them in memory."""

    def __post_init__(self) -> None:
        least = 2 if self.sampling == "neighbourhoods" else 1
        if self.micro_batch_size < least:
            raise ValueError(f"micro_batch_size: found {self.micro_batch_size}, expected at least {least}")


def training_triples(graph: KnowledgeGraph, folder: str) -> np.ndarray:
    """The train split. [triples, 3]

    Raises:
        ConfigurationError: the graph has none.
    """
    if "train" not in graph.triples or not len(graph.triples["train"]):
        raise ConfigurationError(f"{folder} has no triples to train on (splits: {', '.join(graph.triples) or 'none'})")
    return graph.triples["train"]


def true_triples(graph: KnowledgeGraph, splits: list[str], folder: str) -> TrueTriples:
    """Triples of the given splits, those of train always among them.

    Raises:
        ConfigurationError: a split that the graph does not have, other than the customary `valid`.
    """
    unknown = [split for split in splits if split not in graph.triples and split != "valid"]
    if unknown:
        raise ConfigurationError(f"{folder} has no split {unknown[0]!r} to filter by (splits: {', '.join(graph.triples)})")
    chosen = ["train", *(split for split in splits if split in graph.triples and split != "train")]
    together = np.concatenate([graph.triples[split] for split in chosen])
    return TrueTriples(together, graph.num_entities, graph.num_relations)


def mask_entity_of_run(config: GraphStreamConfig, materials: Materials) -> int | None:
    """Id of `[MASK]` where texts are read as entities.

    Raises:
        ConfigurationError: the run has no entity vocabulary.
    """
    if config.pooling != "entity":
        return None
    if materials.entities is None:
        raise ConfigurationError("pooling: entity needs a LUKE, and word_only leaves entities out; expected first or mean")
    return materials.entities.mask_id


def graph_texts(graph: KnowledgeGraph, config: GraphStreamConfig, materials: Materials, *, reads_relations: bool) -> GraphTexts:
    """The graph's texts in the run's tokenizer.

    Args:
        reads_relations: whether the objective reads relations from their texts.

    Raises:
        ConfigurationError: the run has no encoder to read them.
        DataError: no entity has a text, or no relation that is read.
    """
    if materials.tokenizer is None:
        raise ConfigurationError("model is null: entities can only be tabled (entities: table), there is nothing to read texts")
    texts = GraphTexts.build(graph, materials.tokenizer, config.text, config.token_cache)
    require_texts(texts.coverage, relations=reads_relations, graph=config.graph)
    return texts


def describe(name: str, config: GraphStreamConfig, graph: KnowledgeGraph, texts: GraphTexts | None) -> list[str]:
    """Lines for the user: the graph, what a micro-step takes of it, and how much text its entities and relations have."""
    unit = "triples" if config.sampling == "triples" else "entities"
    lines = [
        f"{name}: {config.graph} ({graph.num_entities:,} entities, {graph.num_relations:,} relations, "
        f"{len(graph.triples['train']):,} triples), {config.micro_batch_size} {unit} a micro-step"
    ]
    return lines + [f"{name}: {line}" for line in ([] if texts is None else coverage_lines(texts.coverage))]


Kind = Literal["entity", "relation", "conditioned", "inverse_conditioned"]


class TextPool:
    """Collects the texts that a micro-batch needs, each distinct one once, whatever it is needed for.

    Add everything of one kind at once; `collate` then gives padded tensors sorted by length, and where each text went.
    """

    def __init__(self, texts: GraphTexts) -> None:
        self._texts = texts
        self._parts: list[dict[str, np.ndarray]] = []
        self._size = 0

    def add(self, kind: Kind, rows: np.ndarray, relations: np.ndarray | None = None) -> np.ndarray:
        """Numbers of the texts of `rows` (any shape), to be looked up in what `collate` returns."""
        flat = rows.reshape(-1)
        pairs = flat[:, None] if relations is None else np.stack([flat, relations.reshape(-1)], axis=1)
        distinct, numbers = np.unique(pairs, axis=0, return_inverse=True)
        self._parts.append(self._read(kind, distinct))
        self._size += len(distinct)
        return numbers.reshape(rows.shape) + self._size - len(distinct)

    def _read(self, kind: Kind, distinct: np.ndarray) -> dict[str, np.ndarray]:
        texts = self._texts
        if kind == "entity":
            return texts.batch(distinct[:, 0])
        if kind == "relation":
            return texts.relation_batch(distinct[:, 0])
        read = texts.conditioned if kind == "conditioned" else texts.inverse_conditioned
        return read(distinct[:, 0], distinct[:, 1])

    def collate(self, name: str) -> tuple[dict[str, Tensor], np.ndarray]:
        """`<name>_<input>_<bucket>` tensors [texts, tokens], and the place of every number in their order."""
        rows = [row for part in self._parts for row in _unpadded(part)]
        lengths = np.array([len(row["attention_mask"]) for row in rows])
        order = np.argsort(lengths, kind="stable")
        tensors: dict[str, Tensor] = {}
        for bucket, members in enumerate(np.split(order, least_padding(lengths[order], _BUCKETS))):
            for key in rows[0]:
                padding = self._texts.pad_id if key == "input_ids" else 0
                tensors[f"{name}_{key}_{bucket}"] = _padded([rows[i][key] for i in members], padding)
        places = np.empty(len(order), dtype=np.int64)
        places[order] = np.arange(len(order))
        return tensors, places


def encode_texts(
    encoder: nn.Module, batch: Mapping[str, Tensor], name: str, pooling: Pooling, mask_entity_id: int | None
) -> Tensor:
    """Vectors of the texts that `TextPool.collate` laid out under `name`. [texts, d] float32"""
    vectors = []
    for bucket in range(_BUCKETS):
        inputs = {key: batch[f"{name}_{key}_{bucket}"] for key in _INPUTS if f"{name}_{key}_{bucket}" in batch}
        if inputs:
            vectors.append(read_texts(encoder, inputs, pooling, mask_entity_id))
    return torch.cat(vectors)


_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def least_padding(lengths: np.ndarray, parts: int) -> np.ndarray:
    """Where to cut ascending lengths into at most so many parts, so that padding each to its longest takes the fewest tokens.

    Dynamic programming over the distinct lengths.

    Example:
        >>> least_padding(np.array([3, 3, 3, 4, 20, 21]), 2)
        array([4])
    """
    longest, counts = np.unique(lengths, return_counts=True)
    ends = np.cumsum(counts)  # texts up to each distinct length
    tokens = ends * longest  # of these, in as many parts as there are so far
    befores = []
    for _ in range(min(parts, len(longest)) - 1):
        costs = tokens[:, None] + (ends - ends[:, None]) * longest  # [end of the part before, end of this part]
        costs[np.tri(len(longest), dtype=bool)] = _TOO_MANY
        befores.append(costs.argmin(0))
        tokens = costs.min(0)
    at, cuts = len(longest) - 1, []
    for before in reversed(befores):
        at = before[at]
        cuts.append(ends[at])
    return np.array(cuts[::-1], dtype=np.int64)


_TOO_MANY = 2**62


def _unpadded(part: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    lengths = part["attention_mask"].sum(1)
    return [{key: value[i, :length] for key, value in part.items()} for i, length in enumerate(lengths)]


def _padded(rows: list[np.ndarray], padding: int) -> Tensor:
    longest = max(len(row) for row in rows)
    filled = np.full((len(rows), longest), padding, dtype=np.int64)
    for i, row in enumerate(rows):
        filled[i, : len(row)] = row
    return torch.from_numpy(filled)
