"""Vectors with what the neighbours of an entity add, for checkpoints that were trained with `neighbours`."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.graphs.neighbours import NeighbourTable
from loreweave.models.neighbour_attention import NeighbourAttention

_AT_ONCE = 1024


class Rows(Protocol):
    """Vectors that are accessed by entity row."""

    def rows(self, rows: np.ndarray) -> Tensor:
        """Vectors of entity rows [n] -> [n, d]."""
        ...


class Neighbours:
    """The neighbours of a graph's entities through the triples that are given: those of `train` and `..._train`.

    Args:
        attention: trained attention, on its device.
        count: maximum number of neighbours of an entity.
    """

    def __init__(self, graph: KnowledgeGraph, attention: NeighbourAttention, count: int) -> None:
        given = [np.zeros((0, 3), np.int32)]
        given += [np.asarray(triples) for split, triples in graph.triples.items() if is_given(split)]
        self.table = NeighbourTable.of(np.concatenate(given), graph.num_entities, graph.num_relations, count)
        self.attention = attention

    def with_neighbours(self, entities: np.ndarray) -> np.ndarray:
        """Rows of entities [n] and of their neighbours, distinct and ascending."""
        others = self.table.entities[entities]
        return np.union1d(entities, others[others >= 0])

    @torch.no_grad()
    def add(self, vectors: Tensor, entities: np.ndarray, alone: Rows) -> Tensor:
        """Vectors of texts about entities, with what the neighbours add. [n, d] float32 on the CPU

        Args:
            vectors: [n, d]
            entities: [n]
            alone: vectors of entities by their texts alone, at least those of the neighbours.
        """
        device = self.attention.query.weight.device
        parts = [torch.zeros(0, vectors.shape[1])]
        for start in range(0, len(entities), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            others, relations = self.table.entities[entities[some]], torch.from_numpy(self.table.relations[entities[some]])
            present = torch.from_numpy(others >= 0)
            neighbours = torch.zeros(*others.shape, vectors.shape[1])
            neighbours[present] = alone.rows(others[others >= 0])
            given = (vectors[some].float(), neighbours, relations.long(), present)
            parts.append(self.attention(*(tensor.to(device) for tensor in given)).cpu())
        return torch.cat(parts)


def is_given(split: str) -> bool:
    """Whether the triples of a split are known when others are asked for."""
    return split == "train" or split.endswith("_train")
