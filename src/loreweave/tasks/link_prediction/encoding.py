"""Vectors of entities and questions: encoded from texts through the cache, or rows of a table.

Every distinct text is encoded once, so entities with equal texts have equal vectors. A question (h, r, ?) becomes one vector,
to which the answer should be similar:

    wiki, ke    scorer of the head's vector and the relation's row of the table
    rel         the same, with the relation's vector encoded from its text
    cond        the same as wiki, with the head encoded together with the relation's text: "description </s> </s> relation"
    contrastive the vector of that pair; for (?, r, t) of the pair with "inverse" before the relation's text

A checkpoint trained with `neighbours` adds the vectors of an entity's neighbours, by their texts alone, to both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.graphs.knowledge_graph import GraphEntity, KnowledgeGraph
from loreweave.encoding.entity_texts import coverage_lines, require_texts, text_hashes
from loreweave.encoding.graph_texts import GraphTexts
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.metrics.known_answers import Side
from loreweave.tasks.contract import Execution
from loreweave.tasks.embedding_cache import EmbeddingCache, Embeddings, Inputs
from loreweave.tasks.link_prediction.model import Checkpoint, load
from loreweave.tasks.link_prediction.neighbours import Neighbours
from loreweave.tasks.link_prediction.settings import ModelSettings
from loreweave.tasks.processes import Processes
from loreweave.training.devices import autocast
from loreweave.training.finite import require_finite, require_finite_rows


@dataclass(frozen=True)
class SomeTexts:
    """Texts behind a function of their numbers; see `embedding_cache.TokenizedTexts`."""

    count: int
    longest: int
    pad_id: int
    inputs_of: Callable[[np.ndarray], Inputs]
    name: Callable[[int], str]

    def __len__(self) -> int:
        return self.count

    def inputs(self, rows: np.ndarray) -> Inputs:
        """Inputs of chosen texts."""
        return self.inputs_of(rows)


class EntityVectors:
    """Vectors of some of a graph's entities, accessed by entity row (the `Candidates` of `metrics.ranking`).

    Args:
        vectors: [available entities, d].
        entities: their rows, ascending.
        total: number of entities of the graph.
        alone: vectors by the texts alone, of these entities and of their neighbours. Default: the same vectors.
    """

    def __init__(self, vectors: Embeddings, entities: np.ndarray, total: int, alone: EntityVectors | None = None) -> None:
        self.vectors, self.entities, self.total = vectors, entities, total
        self.alone = self if alone is None else alone
        self._is_whole = len(entities) == total

    def __len__(self) -> int:
        return self.total

    def rows(self, rows: np.ndarray) -> Tensor:
        """Vectors of entity rows [n] -> [n, d]."""
        return self.vectors.rows(self._places(rows))

    def blocks(self, size: int, rows: np.ndarray | None = None) -> Iterator[Tensor]:
        """Pieces of at most `size` of the vectors of `rows`, or of all entities of the graph."""
        wanted = None if rows is None and self._is_whole else self._places(np.arange(self.total) if rows is None else rows)
        return self.vectors.blocks(size, wanted)

    def _places(self, rows: np.ndarray) -> np.ndarray:
        if self._is_whole:
            return rows
        places = np.minimum(np.searchsorted(self.entities, rows), len(self.entities) - 1)
        if not np.array_equal(self.entities[places], rows):
            raise IndexError("found an entity that was not encoded")
        return places


def open_checkpoint(
    model: Path, data: Path, settings: ModelSettings, execution: Execution
) -> tuple[KnowledgeGraph, Checkpoint, Processes]:
    """A graph's folder, a checkpoint for the graph on the chosen device, and the processes that share the work.

    Raises:
        LoreweaveError: the graph or the checkpoint cannot be read or do not match.
    """
    processes, graph = Processes(), KnowledgeGraph.load(data)
    return graph, load(model, graph, settings, processes.device(execution.device)), processes


def open_encoder(
    checkpoint: Checkpoint, graph: KnowledgeGraph, settings: ModelSettings, execution: Execution, processes: Processes
) -> GraphEncoder:
    """An encoder with its tokenised texts, and its cache if `settings.cache` names a folder.

    Raises:
        ConfigurationError: several processes without a cache to share.
        DataError: an entity lacks a text that the checkpoint requires; or no entity has one, or no relation.
    """
    if processes.count > 1 and settings.cache is None:
        raise ConfigurationError("several processes need a folder to share embeddings: give cache=FOLDER")
    texts, tokenizer = None, checkpoint.tokenizer
    if tokenizer is not None:
        folder = None if settings.cache is None else settings.cache / f"tokens-{_hash_of_texts(checkpoint, graph)}"
        if not processes.is_first:
            processes.wait()  # for the first to write the folder
        texts = GraphTexts.build(graph, tokenizer, checkpoint.text, folder)
        if processes.is_first:
            processes.wait()
        require_texts(texts.coverage, relations=checkpoint.variant != "wiki", graph=graph.folder)
        for line in coverage_lines(texts.coverage):
            execution.report(line)
    cache = EmbeddingCache(
        settings.cache,
        checkpoint.key | {"precision": execution.precision, "padding": "by own length"},
        dtype=_STORED[execution.precision],
        share=processes.share,
        wait=processes.wait,
    )
    return GraphEncoder(
        checkpoint,
        graph,
        texts,
        cache,
        batch_tokens=execution.batch_size * checkpoint.text.max_length,
        precision=execution.precision,
        advance=execution.advance,
    )


_STORED = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def _hash_of_texts(checkpoint: Checkpoint, graph: KnowledgeGraph) -> str:
    """Hash of everything that the tokens depend on."""
    parts = {"model": checkpoint.hash, "config": checkpoint.text.of_tokens(), "texts": text_hashes(graph)}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


class GraphEncoder:
    """Vectors of one checkpoint for one graph.

    Args:
        checkpoint: checkpoint on its device.
        graph: entities and relations, the same that the checkpoint was loaded for.
        texts: texts of this graph, in the checkpoint's tokenizer; None if entities are in a table.
        cache: cache for vectors of texts.
        batch_tokens: maximum number of tokens that are encoded at once.
        precision: fp32, bf16 or fp16.
        advance: called with the number of finished texts, for a progress bar.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        graph: KnowledgeGraph,
        texts: GraphTexts | None,
        cache: EmbeddingCache,
        *,
        batch_tokens: int = 16_384,
        precision: str = "fp32",
        advance: Callable[[int], object] | None = None,
    ) -> None:
        self.checkpoint, self.graph, self.texts, self.cache = checkpoint, graph, texts, cache
        self.batch_tokens, self.precision, self.advance = batch_tokens, precision, advance
        attention = checkpoint.model.head.neighbours
        self.neighbours = None if attention is None else Neighbours(graph, attention, checkpoint.neighbours)

    def entities(self, rows: np.ndarray | None = None) -> EntityVectors:
        """Vectors of entities. Default: all; `rows` are ascending."""
        chosen = np.arange(self.graph.num_entities) if rows is None else rows
        if self.texts is None:
            with torch.no_grad():
                table = self.checkpoint.model.embed_rows(torch.from_numpy(chosen).to(self.device)).float().cpu()
            with self._named():
                require_finite_rows(table, "the table of entities", lambda row: self._entity(chosen[row]))
            return EntityVectors(Embeddings([table]), chosen, self.graph.num_entities)
        if self.neighbours is None:
            return self._alone_vectors(chosen)
        alone = self._alone_vectors(self.neighbours.with_neighbours(chosen))
        with self._named():
            found = self.neighbours.add(alone.rows(chosen), chosen, alone)
            require_finite_rows(found, "the vectors with neighbours", lambda row: self._entity(chosen[row]))
        return EntityVectors(Embeddings([found]), chosen, self.graph.num_entities, alone)

    def _alone_vectors(self, rows: np.ndarray) -> EntityVectors:
        """Vectors of entities by their texts alone."""
        assert self.texts is not None
        texts = self.texts
        found = self._embed(len(rows), lambda part: texts.batch(rows[part]), lambda row: self._entity(rows[row]))
        return EntityVectors(found, rows, self.graph.num_entities)

    def relations(self, rows: np.ndarray) -> Tensor:
        """Vectors of relations [n] -> [n, relation size] on the CPU.

        Raises:
            CheckpointError: a vector is not finite.
            ConfigurationError: a contrastive checkpoint, which has no such vectors; see `relation_texts`.
        """
        if self.checkpoint.variant == "contrastive":
            raise ConfigurationError("a contrastive checkpoint has no vectors of relations: it encodes them with an entity")
        if self.checkpoint.variant == "rel":
            return self.relation_texts(rows)
        with torch.no_grad():
            found = self.checkpoint.model.head.relation_vectors(torch.from_numpy(rows).long().to(self.device)).float().cpu()
        with self._named():
            require_finite_rows(found, "the table of relations", lambda row: self._relation(rows[row]))
        return found

    def relation_texts(self, rows: np.ndarray) -> Tensor:
        """Vectors of the texts of relations, each encoded separately [n] -> [n, d] on the CPU."""
        assert self.texts is not None, "a checkpoint that reads relations has texts"
        texts = self.texts
        distinct, places = np.unique(rows, return_inverse=True)
        name = lambda row: self._relation(distinct[row])  # noqa: E731
        return self._embed(len(distinct), lambda part: texts.relation_batch(distinct[part]), name).rows(places)

    def queries(self, side: Side, entities: np.ndarray, relations: np.ndarray, vectors: EntityVectors) -> Tensor:
        """Vectors that the answers should be similar to.

        Args:
            side: side that is predicted.
            entities: given entities [questions].
            relations: [questions].
            vectors: vectors of at least the given entities.

        Returns:
            [questions, d] float32 on the CPU.

        Raises:
            CheckpointError: a vector is not finite.
        """
        asking = self._asking(side, entities, relations, vectors)
        if self.neighbours is not None:
            asking = self.neighbours.add(asking, entities, vectors.alone)
        head = self.checkpoint.model.head
        relation = None if self.checkpoint.variant == "contrastive" else self.relations(relations)
        with torch.no_grad():
            if relation is None:
                found = head.ask(asking.to(self.device)).cpu()
            elif side == "tail":
                found = head.scorer.tail_query(asking, relation)
            else:
                found = head.scorer.head_query(relation, asking)
        with self._named():
            require_finite(found, "the vectors of questions")
        return found

    def _asking(self, side: Side, entities: np.ndarray, relations: np.ndarray, vectors: EntityVectors) -> Tensor:
        """Vectors of the given entities, encoded together with the relation if the variant does so. [questions, d]"""
        if self.checkpoint.variant not in ("cond", "contrastive"):
            return vectors.rows(entities)
        assert self.texts is not None, "a checkpoint that reads pairs has texts"
        inverse = side == "head" and self.checkpoint.variant == "contrastive"
        read = self.texts.inverse_conditioned if inverse else self.texts.conditioned
        pairs, places = np.unique(np.stack([entities, relations], axis=1), axis=0, return_inverse=True)
        name = lambda row: f"{self._entity(pairs[row, 0])} with {self._relation(pairs[row, 1])}"  # noqa: E731
        found = self._embed(len(pairs), lambda part: read(pairs[part, 0], pairs[part, 1]), name)
        return found.rows(places.reshape(-1))

    def with_entities(self, entities: Sequence[GraphEntity]) -> GraphEncoder:
        """An encoder for entities outside the graph, with the graph's relations; their vectors are not stored."""
        assert self.texts is not None and self.checkpoint.tokenizer is not None, "entities are in a table"
        graph = KnowledgeGraph.from_parts(
            (replace(entity, id=str(number)) for number, entity in enumerate(entities)), self.graph.relations, {}
        )
        return self._alone(graph, GraphTexts.build(graph, self.checkpoint.tokenizer, self.texts.config))

    def alone(self) -> GraphEncoder:
        """An encoder for this process only: its further vectors are neither stored nor shared."""
        return self._alone(self.graph, self.texts)

    def _alone(self, graph: KnowledgeGraph, texts: GraphTexts | None) -> GraphEncoder:
        cache = EmbeddingCache(None, {}, dtype=self.cache.dtype)
        return GraphEncoder(self.checkpoint, graph, texts, cache, batch_tokens=self.batch_tokens, precision=self.precision)

    def _entity(self, row: Any) -> str:
        return f"the entity {self.graph.entity_ids[int(row)]!r}"

    def _relation(self, row: Any) -> str:
        return f"the relation {self.graph.relation_ids[int(row)]!r}"

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Prefix an error about the model's numbers with the model's folder."""
        try:
            yield
        except CheckpointError as error:
            raise CheckpointError(f"{self.checkpoint.folder}: {error}") from None

    def _embed(self, count: int, inputs_of: Callable[[np.ndarray], Inputs], name: Callable[[int], str]) -> Embeddings:
        """Vectors of `count` texts; `inputs_of` makes the inputs of chosen ones, `name` describes the owner of a text."""
        assert self.texts is not None, "vectors of a table are not encoded from texts"
        texts = SomeTexts(count, self.texts.config.max_length, self.texts.pad_id, inputs_of, name)
        with self._named():
            return self.cache.embed(texts, self._encode, batch_tokens=self.batch_tokens, advance=self.advance)

    @torch.inference_mode()
    def _encode(self, inputs: Inputs) -> Tensor:
        tensors = {name: torch.from_numpy(np.ascontiguousarray(array)).to(self.device) for name, array in inputs.items()}
        with autocast(self.device, self.precision):
            return self.checkpoint.model.embed(**tensors)

    @property
    def device(self) -> torch.device:
        """Device of the checkpoint."""
        return next(self.checkpoint.model.parameters()).device
