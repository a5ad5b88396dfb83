"""Entity relations: pairs of linked mentions with the same relation must be similar, other pairs not (the relation
discrimination of ERICA: Qin et al. 2021, section 3.3).

A pair is two mentions of one window whose entities are related in a graph, or whose entities both have types. All pairs of a
micro-batch are compared, over all processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.knowledge.entity_types import VocabularyTypes, read_entity_types
from loreweave.corpus.knowledge.pair_relations import PairRelations
from loreweave.errors import DataError
from loreweave.models.type_head import pooled
from loreweave.objectives.base import LeftOut, ObjectiveLoss, RunContext, Tensors, model_of_run
from loreweave.objectives.gathering import gather
from loreweave.objectives.graph_objective import training_triples
from loreweave.objectives.linked_mentions import LinkedMentionsConfig, LinkedMentionsObjective, integers
from loreweave.objectives.windows import Targets, Window

NOT_A_RELATION = -1


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
            raise ValueError(f"graph, types: found {self.graph}, {self.types}, expected exactly one of them")


class EntityRelations(LinkedMentionsObjective):
    """Pairs of linked mentions are compared with all other pairs of a micro-batch; those with a common relation are correct."""

    name: ClassVar[str] = "entity_relations"
    settings = EntityRelationsConfig
    config: EntityRelationsConfig

    def __init__(self, config: EntityRelationsConfig, context: RunContext) -> None:
        super().__init__(config, context)
        self.relations = self._read(config)
        if config.shuffled:
            self.relations = self.relations.shuffled(context.seed)

    def mask(self, window: Window, rng: np.random.Generator) -> Targets:
        """All mentions of entities with relations (or a share of them); some are hidden."""
        return self.choose(window, self.relations.known, rng)

    def batch(self, windows: Sequence[Window], width: int) -> Tensors:
        """Also `entities` of the mentions, `pairs` with the numbers of two mentions [pairs, 2], and their `relations`, padded
        with -1 [pairs, most relations of a pair]. The first relation of a pair is its label."""
        batch = super().batch(windows, width)
        counts = [len(window.targets[self.name].positions) for window in windows]
        firsts = np.cumsum([0, *counts])
        starts = [window.entity_starts[window.targets[self.name].positions] for window in windows]
        entities = batch.pop("labels")
        pairs, relations = [], []
        for first, count, start in zip(firsts, counts, starts, strict=False):
            for one, other in permutations(range(count), 2):
                found = self._relations_of(int(entities[first + one]), int(entities[first + other]), start[one] < start[other])
                if found:
                    pairs.append((first + one, first + other))
                    relations.append([*found, *[NOT_A_RELATION] * (self.relations.width - len(found))])
        numbers = integers(np.array(relations).reshape(len(pairs), self.relations.width))
        return batch | {
            "entities": entities,
            "pairs": integers(np.array(pairs).reshape(-1, 2)),
            "relations": numbers,
            "labels": numbers[:, 0],
        }

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

    def _read(self, config: EntityRelationsConfig) -> PairRelations:
        """The relations of the graph or of the types.

        Raises:
            DataError: there are none, or one alone.
        """
        source = config.graph or config.types
        assert source is not None
        if config.graph is not None:
            graph = KnowledgeGraph.load(config.graph)
            found = PairRelations.of_graph(graph, training_triples(graph, config.graph), self.links)
        else:
            found = PairRelations.of_types(VocabularyTypes.of(read_entity_types(source), self.links))
        if found.relations < 2:
            raise DataError(f"found {found.summary()} among the linked entities, expected two or more relations", path=source)
        return found

    def _relations_of(self, head: int, tail: int, in_order: bool) -> list[int]:
        """Relations of two mentions; those of types hold in the order of the text alone."""
        if self.config.types is not None and not in_order:
            return []
        return list(self.relations.of(head, tail))


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
    relations, entities = columns[:, :-2], columns[:, -2:]
    theirs, their_entities = all_columns[:, :-2], all_columns[:, -2:]
    equal = (relations[:, None, :, None] == theirs[None, :, None, :]) & (relations >= 0)[:, None, :, None]
    same_entities = (entities[:, None] == their_entities[None]).all(-1)  # [own, pairs]; also the pair itself
    correct = equal.flatten(2).any(-1) & ~same_entities
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
