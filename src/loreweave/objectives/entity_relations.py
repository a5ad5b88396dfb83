"""Entity relations: pairs of linked mentions with the same relation must be similar, other pairs not (the relation
discrimination of ERICA: Qin et al. 2021, section 3.3).

A pair is two mentions of one window whose entities are related in a graph, or whose entities both have types. All pairs of a
micro-batch are compared, over all processes.
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

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.knowledge.entity_types import VocabularyTypes, read_entity_types
from loreweave.corpus.knowledge.pair_relations import NOT_A_RELATION, PairRelations
from loreweave.errors import DataError
from loreweave.models.type_head import pooled
from loreweave.objectives.base import LeftOut, ObjectiveLoss, RunContext, Tensors, model_of_run
from loreweave.objectives.gathering import gather
from loreweave.objectives.graph_objective import training_triples
from loreweave.objectives.linked_mentions import LinkedMentionsConfig, LinkedMentionsObjective, integers, links_of_run
from loreweave.objectives.windows import Targets, Window


@dataclass(kw_only=True)
class EntityRelationsConfig(LinkedMentionsConfig):
    """Settings of the objective over relations of linked entities. Either `graph` or `types` is given."""

    graph: str | None = None
    """Folder of a graph (`loreweave build graph`). Its entities are found in the entity vocabulary of the links by their ids,
    titles or labels. The relations of two mentions are those of the training triples of their entities."""
    types: str | None = None
    """File with the types of entities (`loreweave build entity-types`). The relations of two mentions are then the pairs of
    their types, in the order of the text."""
    temperature: float = 0.05
    """Temperature: similarities are divided by it (0.05 in ERICA)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.graph is None) == (self.types is None):
            found = "neither" if self.graph is None else "both"
            raise ValueError(f"graph, types: found {found}, expected exactly one of them")


class EntityRelations(LinkedMentionsObjective):
    """Pairs of linked mentions are compared with all other pairs of a micro-batch; those with a common relation are correct."""

    name: ClassVar[str] = "entity_relations"
    settings = EntityRelationsConfig
    config: EntityRelationsConfig
    nothing: ClassVar[str] = "no two pairs with the same relation"

    def __init__(self, config: EntityRelationsConfig, context: RunContext) -> None:
        super().__init__(config, context)
        self.relations = self._read(config, links_of_run(type(self), context))
        if config.shuffled:
            self.relations = self.relations.shuffled(context.seed)

    def mask(self, window: Window, rng: np.random.Generator) -> Targets:
        """All mentions of entities with relations (or a share of them); some are hidden."""
        return self.choose(window, self.relations.known, rng)

    def batch(self, windows: Sequence[Window], width: int) -> Tensors:
        """Also `entities` of the mentions, `pairs` with the numbers of two mentions [pairs, 2], and their `relations`, padded
        with -1 [pairs, most relations of a pair]. The first relation of a pair is its label."""
        batch = super().batch(windows, width)
        targets = [window.targets[self.name] for window in windows]
        firsts = np.cumsum([0, *(len(found.positions) for found in targets)])
        parts = [self._pairs(window, found) for window, found in zip(windows, targets, strict=True)]
        pairs = np.concatenate([first + found for first, (found, _) in zip(firsts, parts, strict=False)])
        numbers = integers(np.concatenate([relations for _, relations in parts]))
        batch["entities"] = batch.pop("labels")
        return batch | {"pairs": integers(pairs), "relations": numbers, "labels": numbers[:, 0]}

    def _pairs(self, window: Window, targets: Targets) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of the targets of a window that have a relation [pairs, 2], and their relations [pairs, width]."""
        count = len(targets.positions)
        pairs = np.argwhere(~np.eye(count, dtype=bool))
        if self.config.types is not None:  # pairs of types hold in the order of the text alone
            starts = window.entity_starts[targets.positions]
            pairs = pairs[starts[pairs[:, 0]] < starts[pairs[:, 1]]]
        relations = self.relations.of(*targets.labels[pairs].T)
        has = (relations != NOT_A_RELATION).any(1)
        return pairs[has], relations[has]

    def head(self, model: PreTrainedModel | None) -> nn.Module:
        """A map of a pair's two states, which is left behind after training."""
        size = model_of_run(self, model).config.hidden_size
        return nn.Linear(2 * size, size)

    def loss(self, encoder: nn.Module | None, head: nn.Module, batch: Tensors) -> ObjectiveLoss:
        """For each pair, the mean cross-entropy over the pairs with a common relation, among all other pairs."""
        mentions = pooled(batch["states"], batch["mentions"], len(batch["entities"]))
        pairs = batch["pairs"]
        with torch.autocast(mentions.device.type, enabled=False):
            own = functional.normalize(head(mentions[pairs].flatten(1)), dim=-1)
            columns = torch.cat([batch["relations"], batch["entities"][pairs]], dim=1)
            every, gathered, _ = gather(own, *columns.unbind(1))
            return pairs_loss(own, columns, every, torch.stack(gathered, 1), self.config.temperature)

    @classmethod
    def files(cls, config: EntityRelationsConfig) -> dict[str, Path]:
        """The folder of the graph, or the file of types."""
        return {name: Path(path) for name in ("graph", "types") if (path := getattr(config, name)) is not None}

    @classmethod
    def for_evaluation(cls, config: EntityRelationsConfig, model: str | None) -> EntityRelationsConfig | LeftOut:
        """Leave it out: its head is not kept."""
        return LeftOut("its head is left behind after training; 'loreweave probe' measures the encoder")

    def summary(self) -> list[str]:
        """Number of pairs and relations."""
        control = "; control: the entities are shuffled" if self.config.shuffled else ""
        return [f"{self.name}: {self.relations.summary()}{control}"]

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
            found = PairRelations.of_types(VocabularyTypes.of(read_entity_types(source), links))
        if found.relations < 2:
            raise DataError(f"found {found.summary()} among the linked entities, expected two or more relations", path=source)
        return found


def pairs_loss(own: Tensor, columns: Tensor, every: Tensor, all_columns: Tensor, temperature: float) -> ObjectiveLoss:
    """Summed contrastive loss of this process's pairs (supervised contrastive: Khosla et al. 2020, equation 2).

    Pairs of the same two entities are neither correct nor wrong, because they share their words. A pair without a correct one
    in the micro-batch adds nothing.

    Args:
        own: normalised vectors of this process's pairs [own, hidden].
        columns: their relations, padded with -1, and their two entities [own, relations + 2].
        every: vectors of all pairs [pairs, hidden].
        all_columns: as `columns`, of all pairs [pairs, relations + 2].
        temperature: the similarity is divided by it.
    """
    entities, their_entities = columns[:, -2:], all_columns[:, -2:]
    same_entities = (entities[:, None] == their_entities[None]).all(-1)  # [own, pairs]; also the pair itself
    correct = have_common(columns[:, :-2], all_columns[:, :-2]) & ~same_entities
    logits = (own @ every.T / temperature).masked_fill(same_entities, -torch.inf)
    counts = correct.sum(1)
    has = counts > 0
    if not has.any():
        nothing = every.sum() * 0  # part of the gradient, which all processes exchange
        return ObjectiveLoss(nothing, counts.sum(), {"with_another": nothing.detach()})
    log_probabilities = logits[has].log_softmax(-1)
    total = -(log_probabilities.masked_fill(~correct[has], 0)).sum(1) / counts[has]
    best = logits[has].argmax(1, keepdim=True)
    hits = correct[has].gather(1, best).sum()
    return ObjectiveLoss(total.sum(), hits, {"with_another": has.sum().float()})


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
