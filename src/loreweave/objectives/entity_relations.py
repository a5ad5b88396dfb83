"""Entity relations: pairs of linked mentions with the same relation must be similar, other pairs not (the relation
discrimination of ERICA: Qin et al. 2021, section 3.3).

A pair is two mentions of one window whose entities are related in a graph, or whose entities both have types. The pairs of a
micro-batch are compared, over all processes, but not those of one and the same mention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from loreweave.build.entity_types import types_of_vocabulary
from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.knowledge.pair_relations import NOT_A_RELATION, PairRelations
from loreweave.errors import DataError
from loreweave.models.type_head import pooled
from loreweave.objectives.base import LeftOut, ObjectiveLoss, RunContext, Tensors, model_of_run
from loreweave.objectives.gathering import gather, gather_rows, most_columns, process
from loreweave.objectives.graph_objective import training_triples
from loreweave.objectives.linked_mentions import LinkedMentionsConfig, LinkedMentionsObjective, integers, links_of_run
from loreweave.objectives.windows import Targets, Window
from loreweave.random_streams import stream
from loreweave.training.settings.ranges import Ranges, at_least


@dataclass(kw_only=True)
class EntityRelationsConfig(LinkedMentionsConfig):
    """Settings of the objective over relations of linked entities. Either `graph` or `types` is given."""

    RANGES: ClassVar[Ranges] = {("max_pairs",): at_least(1)}

    graph: str | None = None
    """Folder of a graph (`loreweave build graph`). Its entities are found in the entity vocabulary of the links by their ids,
    titles or labels. The relations of two mentions are those of the training triples of their entities."""
    types: str | None = None
    """File with the types of entities (`loreweave build entity-types`). The relations of two mentions are then the pairs of
    their types, in the order of the text."""
    temperature: float = 0.05
    """Temperature: similarities are divided by it (0.05 in ERICA)."""
    max_pairs: int | None = 32
    """Maximum number of pairs of a window. More are drawn at random. Every pair of a micro-batch is compared with every other
    one, and 60 mentions have 3,540 pairs. Null: all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.graph is None) == (self.types is None):
            found = "neither" if self.graph is None else "both"
            raise ValueError(f"graph, types: found {found}, expected exactly one of them")


class EntityRelations(LinkedMentionsObjective):
    """Pairs of linked mentions are compared with other pairs of a micro-batch; those with a common relation are correct."""

    name: ClassVar[str] = "entity_relations"
    settings = EntityRelationsConfig
    config: EntityRelationsConfig
    nothing: ClassVar[str] = "no two pairs of different mentions with the same relation"

    def __init__(self, config: EntityRelationsConfig, context: RunContext) -> None:
        super().__init__(config, context)
        self.seed = context.seed
        self.relations = self._read(config, links_of_run(type(self), context))
        if config.shuffled:
            self.relations = self.relations.shuffled(context.seed)

    def mask(self, window: Window, rng: np.random.Generator) -> Targets:
        """All mentions of entities with relations (or a share of them); some are hidden."""
        return self.choose(window, self.relations.known, rng)

    def batch(self, windows: Sequence[Window], width: int) -> Tensors:
        """Also `entities` of the mentions, `pairs` with the numbers of two mentions [pairs, 2], and their `relations`, padded
        with -1 [pairs, most relations of one of them]. The first relation of a pair is its label. `left_out` is the number of
        pairs beyond `max_pairs`. [1]"""
        batch = super().batch(windows, width)
        targets = [window.targets[self.name] for window in windows]
        firsts = np.cumsum([0, *(len(found.positions) for found in targets)])
        parts = [self._pairs(window, found) for window, found in zip(windows, targets, strict=True)]
        pairs = np.concatenate([first + found for first, (found, _) in zip(firsts, parts, strict=False)])
        entities = np.concatenate([found.labels for found in targets])
        numbers = integers(self.relations.of(*entities[pairs].T))
        left_out = integers(np.array([sum(left_out for _, left_out in parts)]))
        batch["entities"] = batch.pop("labels")
        return batch | {"pairs": integers(pairs), "relations": numbers, "labels": numbers[:, 0], "left_out": left_out}

    def _pairs(self, window: Window, targets: Targets) -> tuple[np.ndarray, int]:
        """Pairs of the targets of a window that have a relation [pairs, 2], and the number of further ones."""
        count = len(targets.positions)
        pairs = np.argwhere(~np.eye(count, dtype=bool))
        if self.config.types is not None:  # pairs of types hold in the order of the text alone
            order = np.lexsort((targets.positions, window.entity_starts[targets.positions]))
            place = np.argsort(order)
            pairs = pairs[place[pairs[:, 0]] < place[pairs[:, 1]]]
        chosen = np.flatnonzero(self.relations.related(*targets.labels[pairs].T))
        found, most = len(chosen), self.config.max_pairs
        if most is not None and found > most:
            rng = stream(self.seed, "pairs of a window", window.draw)
            chosen = np.sort(rng.choice(chosen, size=most, replace=False))
        return pairs[chosen], found - len(chosen)

    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """A map of a pair's two states, which is left behind after training."""
        size = model_of_run(self, model).config.hidden_size
        return nn.Linear(2 * size, size)

    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        """For each pair, the mean cross-entropy over the pairs with a common relation, among the other pairs.

        Logged are also, for each target, the number of pairs (`pairs`) and of the pairs beyond `max_pairs` (`left_out`).
        """
        mentions = pooled(batch["states"], batch["mentions"], len(batch["entities"]))
        columns = _columns(batch)
        with torch.autocast(mentions.device.type, enabled=False):
            own = functional.normalize(head(mentions[batch["pairs"]].flatten(1)), dim=-1)
            every, gathered, _ = gather(own, *columns.unbind(1))
            correct, apart = compare(columns, torch.stack(gathered, 1))
            found = pairs_loss(own, every, correct, apart, self.config.temperature)
        pairs = found.total.new_tensor(len(own))
        return ObjectiveLoss(found.total, found.correct, {"pairs": pairs, "left_out": batch["left_out"].sum()})

    def count_targets(self, batch: Tensors) -> Tensor:
        """Number of pairs with a common relation with another pair. []"""
        columns = _columns(batch)
        return compare(columns, gather_rows(columns))[0].any(1).sum()

    @classmethod
    def files(cls, config: EntityRelationsConfig) -> dict[str, Path]:
        """The folder of the graph, or the file of types."""
        return {name: Path(path) for name in ("graph", "types") if (path := getattr(config, name)) is not None}

    @classmethod
    def for_held_out(cls, config: EntityRelationsConfig) -> EntityRelationsConfig | LeftOut:
        """Leave it out: its loss depends on the other pairs of a micro-batch, and its head is not kept."""
        return LeftOut("its head is not saved, and it compares the pairs of a batch; 'loreweave probe' measures the encoder")

    def summary(self) -> list[str]:
        """Number of pairs and relations."""
        control = "; control: the entities are shuffled" if self.config.shuffled else ""
        most = self.config.max_pairs
        limit = "" if most is None else f"; at most {counted(most, 'pair')} of a window"
        return [f"{self.name}: {self.relations.summary()}{limit}{control}"]

    def _read(self, config: EntityRelationsConfig, links: EntityVocabulary) -> PairRelations:
        """The relations of the graph or of the types.

        Raises:
            DataError: there are none, or one alone.
        """
        source = config.graph or config.types
        assert source is not None
        if config.graph is not None:
            graph = KnowledgeGraph.load(config.graph)
            found = PairRelations.of_graph(graph, training_triples(graph, config.graph), links)
        else:
            found = PairRelations.of_types(types_of_vocabulary(source, links))
        if found.relations < 2:
            raise DataError(f"found {found.summary()} among the linked entities, expected two or more relations", path=source)
        return found


def _columns(batch: Tensors) -> Tensor:
    """Relations, entities and mentions of the pairs of a micro-batch; no mention has the number of one in another process."""
    pairs, relations = batch["pairs"], batch["relations"]
    relations = functional.pad(relations, (0, most_columns(relations) - relations.shape[1]), value=NOT_A_RELATION)
    return torch.cat([relations, batch["entities"][pairs], pairs + (process() << 32)], dim=1)


def pairs_loss(own: Tensor, every: Tensor, correct: Tensor, apart: Tensor, temperature: float) -> ObjectiveLoss:
    """Summed contrastive loss of this process's pairs (supervised contrastive: Khosla et al. 2020, equation 2).

    A pair without a correct one in the micro-batch adds nothing.

    Args:
        own: normalised vectors of this process's pairs [own, hidden].
        every: vectors of all pairs [pairs, hidden].
        correct: which pairs are correct ones for each [own, pairs].
        apart: which pairs are not compared [own, pairs].
        temperature: the similarity is divided by it.
    """
    counts = correct.sum(1)
    has = counts > 0
    if not has.any():
        return ObjectiveLoss(every.sum() * 0, counts.sum())  # part of the gradient, which all processes exchange
    logits = (own[has] @ every.T / temperature).masked_fill(apart[has], -torch.inf)
    total = -(logits.log_softmax(-1).masked_fill(~correct[has], 0)).sum(1) / counts[has]
    best = logits.argmax(1, keepdim=True)
    return ObjectiveLoss(total.sum(), correct[has].gather(1, best).sum())


def compare(columns: Tensor, all_columns: Tensor) -> tuple[Tensor, Tensor]:
    """Which pairs are correct ones for each pair, and which are neither correct nor wrong. Both [own, pairs]

    A pair is not compared with itself, with other pairs of the same two entities in any order, which share their words, and
    with pairs of a mention of its own: half of their states is the same, so that they would be similar without any knowledge.

    Args:
        columns: relations of this process's pairs, padded with -1, their two entities, and their two mentions [own, columns].
        all_columns: the same of all pairs [pairs, columns].
    """
    entities, their_entities = (each[:, -4:-2].sort(1).values for each in (columns, all_columns))
    apart = (entities[:, None] == their_entities[None]).all(-1)
    for mention in columns[:, -2:].unbind(1):
        for theirs in all_columns[:, -2:].unbind(1):
            apart |= mention[:, None] == theirs[None]
    return have_common(columns[:, :-4], all_columns[:, :-4]) & ~apart, apart


def have_common(relations: Tensor, others: Tensor) -> Tensor:
    """Whether two pairs have a common relation. [pairs, other pairs]

    Args:
        relations: relations of pairs, padded with -1 [pairs, most relations of a pair].
        others: relations of other pairs [other pairs, most relations of a pair].
    """
    rows, places = (relations != NOT_A_RELATION).nonzero(as_tuple=True)
    columns, theirs = (others != NOT_A_RELATION).nonzero(as_tuple=True)
    own, (known, order) = relations[rows, places], others[columns, theirs].sort()
    first, end = torch.searchsorted(known, own), torch.searchsorted(known, own, right=True)
    counts = end - first  # of the pairs that have each relation
    within = torch.arange(int(counts.sum()), device=own.device) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    found = torch.zeros(len(relations), len(others), dtype=torch.bool, device=own.device)
    found[rows.repeat_interleave(counts), columns[order][first.repeat_interleave(counts) + within]] = True
    return found
