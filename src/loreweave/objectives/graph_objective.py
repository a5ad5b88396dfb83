"""Shared part of the objectives over a graph: settings, and the graph with its triples and texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.encoding.entity_texts import coverage_lines, require_texts
from loreweave.encoding.graph_texts import EntityTextConfig, GraphTexts
from loreweave.errors import ConfigurationError
from loreweave.models.knowledge_embedding import Pooling
from loreweave.objectives.base import LeftOut, ObjectiveConfig, RunContext, StreamObjective
from loreweave.objectives.triples import Sampling, TripleSampler, TrueTriples
from loreweave.training.settings.ranges import Ranges, at_least


@dataclass(kw_only=True)
class GraphObjectiveConfig(ObjectiveConfig):
    """Settings of every objective over a graph."""

    RANGES: ClassVar[Ranges] = {("micro_batch_size",): at_least(1)}

    graph: str
    """Folder of a graph (`loreweave build graph`)."""
    micro_batch_size: int = 3
    """Number of triples per process and micro-step; with `sampling: neighbourhoods`, number of entities."""
    sampling: Sampling = "triples"
    """`triples`: random triples. `neighbourhoods`: entities that are connected, with all triples among them; few texts then
    have many triples."""
    filter_splits: list[str] = field(default_factory=lambda: ["train", "valid"])
    """Splits whose triples are never used as negatives (KEPLER: train and valid). `train` is always among them."""
    text: EntityTextConfig = field(default_factory=EntityTextConfig)
    pooling: Pooling = "first"
    """Vector of a text: the state of its `first` token, the `mean` of all states, or (LUKE only) the state of an `entity`
    `[MASK]` that spans the text."""
    token_cache: str | None = None
    """Folder for the tokenised texts, so that a later run need not tokenise a large graph again. Null: they are kept in
    memory."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sampling == "neighbourhoods" and self.micro_batch_size < 2:
            found = self.micro_batch_size
            raise ValueError(f"micro_batch_size: found {found}, expected 2 or more with sampling: neighbourhoods")


class GraphObjective(StreamObjective):
    """Base of the objectives over a graph: the graph, its triples in micro-batches, its texts, and messages about them.

    Args:
        reads_entities: whether entities are encoded from their texts.
        reads_relations: whether relations are encoded from their texts.
    """

    config: GraphObjectiveConfig

    def __init__(
        self, config: GraphObjectiveConfig, context: RunContext, *, reads_entities: bool = True, reads_relations: bool = True
    ) -> None:
        super().__init__(config, context)
        self.mask_entity_id = mask_entity_of_run(config, context)
        self.graph = KnowledgeGraph.load(config.graph)
        triples = training_triples(self.graph, config.graph)
        self.sampler = TripleSampler(
            triples, self.graph.num_entities, size=config.micro_batch_size, sampling=config.sampling, seed=context.seed
        )
        self.true = true_triples(self.graph, config.filter_splits, config.graph)
        read = reads_entities or reads_relations
        self.texts = graph_texts(self.graph, config, context, reads_relations=reads_relations) if read else None
        self._reads_relations = reads_relations

    @property
    def micro_batches_per_epoch(self) -> int:
        """Number of micro-batches with every triple once (with neighbourhoods: that begin at every triple once)."""
        return self.sampler.batches_per_epoch

    @classmethod
    def files(cls, config: GraphObjectiveConfig) -> dict[str, Path]:
        """The folder of the graph."""
        return {"graph": Path(config.graph)}

    @classmethod
    def for_held_out(cls, config: GraphObjectiveConfig) -> GraphObjectiveConfig | LeftOut:
        """Leave it out: link prediction measures it."""
        return LeftOut("it reads a graph, not windows; 'loreweave evaluate link-prediction' scores it")

    def summary(self) -> list[str]:
        """The graph, the size of a micro-step, and the number of entities and relations with each kind of text."""
        config, graph = self.config, self.graph
        unit = ("triple", "triples") if config.sampling == "triples" else ("entity", "entities")
        parts = [
            counted(graph.num_entities, "entity", "entities"),
            counted(graph.num_relations, "relation"),
            counted(len(graph.triples["train"]), "triple"),
        ]
        micro_step = f"{counted(config.micro_batch_size, *unit)} per micro-step"
        lines = [f"{self.name}: {config.graph} ({', '.join(parts)}), {micro_step}"]
        if self.texts is None:
            return lines
        coverage = self.texts.coverage if self._reads_relations else {**self.texts.coverage, "relations": None}
        return lines + [f"{self.name}: {line}" for line in coverage_lines(coverage)]


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
        ConfigurationError: the graph does not have a split, other than the usual `valid`.
    """
    unknown = [split for split in splits if split not in graph.triples and split != "valid"]
    if unknown:
        raise ConfigurationError(f"{folder} has no split {unknown[0]!r} to filter by (splits: {', '.join(graph.triples)})")
    chosen = ["train", *(split for split in splits if split in graph.triples and split != "train")]
    together = np.concatenate([graph.triples[split] for split in chosen])
    return TrueTriples(together, graph.num_entities, graph.num_relations)


def mask_entity_of_run(config: GraphObjectiveConfig, context: RunContext) -> int | None:
    """Id of `[MASK]` if texts are represented by entities.

    Raises:
        ConfigurationError: the run has no entity vocabulary.
    """
    if config.pooling != "entity":
        return None
    if context.entities is None:
        raise ConfigurationError("pooling: entity needs a LUKE, and word_only leaves entities out; expected first or mean")
    return context.entities.mask_id


def graph_texts(
    graph: KnowledgeGraph, config: GraphObjectiveConfig, context: RunContext, *, reads_relations: bool
) -> GraphTexts:
    """The graph's texts in the run's tokenizer.

    Args:
        reads_relations: whether relations are encoded from their texts.

    Raises:
        ConfigurationError: the run has no encoder for them.
        DataError: no entity has a text, or no relation that is encoded.
    """
    if context.tokenizer is None:
        raise ConfigurationError("model is null: entities need a table (entities: table), without an encoder for texts")
    texts = GraphTexts.build(graph, context.tokenizer, config.text, config.token_cache)
    require_texts(texts.coverage, relations=reads_relations, graph=config.graph)
    return texts
