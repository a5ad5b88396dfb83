"""The neighbours of entities as a micro-batch may see them: through training triples that it does not ask."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from loreweave.corpus.graphs.neighbours import NeighbourTable
from loreweave.objectives.triples import TrueTriples


class StoredNeighbours(nn.Module):
    """Stored vectors of the neighbours of entities.

    Args:
        triples: the training triples. [triples, 3]
        numbering: makes the keys of triples.
        count: maximum number of neighbours of an entity.
    """

    entities: Tensor
    relations: Tensor

    def __init__(self, triples: np.ndarray, numbering: TrueTriples, count: int) -> None:
        super().__init__()
        self.numbering = numbering
        table = NeighbourTable.of(triples, numbering.num_entities, numbering.num_relations, count)
        self.register_buffer("entities", torch.from_numpy(table.entities), persistent=False)
        self.register_buffer("relations", torch.from_numpy(table.relations), persistent=False)

    def forward(self, own: Tensor, vectors: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `NeighbourAttention` reads: vectors [n, count, d], relations [n, count], and whether they count [n, count].

        Args:
            own: entities; those of negative numbers get the neighbours of entity 0. [n]
            vectors: stored vectors, zeros for an entity that has none yet. [entities, d]
            hidden: keys of the triples through which no entity has a neighbour. [triples]
        """
        own = own.clamp_min(0)
        others, relations = self.entities[own].long(), self.relations[own].long()
        keys, neighbours = self._keys(own[:, None], others, relations), vectors[others.clamp_min(0)]
        return neighbours, relations, (others >= 0) & ~torch.isin(keys, hidden) & neighbours.any(-1)

    def _keys(self, own: Tensor, others: Tensor, relations: Tensor) -> Tensor:
        """Keys of the triples between entities and their neighbours."""
        is_head = relations < self.numbering.num_relations
        plain = torch.where(is_head, relations, relations - self.numbering.num_relations)
        return self.numbering.key(torch.where(is_head, own, others), plain, torch.where(is_head, others, own))
