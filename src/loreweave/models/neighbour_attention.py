"""Attention from the vector of a text about an entity to stored vectors of the entity's neighbours in a graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_SHARPNESS = 5.0
"""Factor of the similarities at the start: vectors have norm 1, so that a smaller one gives all neighbours the same weight."""


class NeighbourAttention(nn.Module):
    """Adds a weighted mean of neighbours to vectors. At the start, vectors stay as they are.

    A neighbour is its vector plus a learned vector of the relation and its direction, as in MoCoKGC (Li et al. 2024). There,
    these sums are further inputs of the encoder, beside the sub-words; here, one attention over them follows the encoder, so
    that a vector of a text is computed once, and the vectors of neighbours may be exchanged later. A vector can also ignore
    its neighbours: one place of the attention, whose logit is 0, adds nothing.

    Args:
        size: width d of the vectors.
        num_relations: number of relations of the graph.
    """

    def __init__(self, size: int, num_relations: int) -> None:
        super().__init__()
        self.num_relations = num_relations
        self.relations = nn.Embedding(2 * num_relations, size)
        self.query = nn.Linear(size, size, bias=False)
        self.output = nn.Linear(size, size, bias=False)
        self.reset()

    @torch.no_grad()
    def reset(self) -> None:
        """Initialise the parameters."""
        nn.init.zeros_(self.relations.weight)
        nn.init.eye_(self.query.weight)
        self.query.weight.mul_(_SHARPNESS)
        nn.init.zeros_(self.output.weight)

    def forward(self, vectors: Tensor, neighbours: Tensor, relations: Tensor, present: Tensor) -> Tensor:
        """Vectors with what their neighbours add. [n, d] of norm 1

        Args:
            vectors: [n, d] of norm 1.
            neighbours: [n, neighbours, d]
            relations: see `NeighbourTable`. [n, neighbours]
            present: whether a place has a neighbour. bool [n, neighbours]
        """
        states = neighbours + self.relations(relations)
        logits = torch.einsum("nd,nkd->nk", self.query(vectors), states).masked_fill(~present, -torch.inf)
        weights = functional.pad(logits, (0, 1)).softmax(1)[:, :-1]
        return functional.normalize(vectors + self.output(torch.einsum("nk,nkd->nd", weights, states)), dim=-1)
