"""Logits from support and query: prototypes, and scores of pairs (Han et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor

from loreweave.models.gaussian_embeddings import inner_products, squared_distances
from loreweave.tasks.few_shot_relation.settings import Distance


def prototype_logits(support: Tensor, query: Tensor, distance: Distance = "euclidean") -> Tensor:
    """Similarity of each query to the mean of each class's support, in fp32.

    Args:
        support: [..., way, shot, size].
        query: [..., queries, size].
        distance: minus the squared Euclidean distance, or the inner product.

    Returns:
        [..., queries, way].
    """
    prototypes, query = support.float().mean(-2), query.float()
    if distance == "euclidean":
        return -squared_distances(query, prototypes)
    return inner_products(query, prototypes)


def pair_logits(scores: Tensor) -> Tensor:
    """Average the scores of (support, query) pairs over the shots, and convert them to logits of classes and of none.

    Args:
        scores: [..., queries, way, shot, 2]: that the relations differ, and that they are the same.

    Returns:
        [..., queries, way + 1]; the last one is the smallest score of "differ" over the classes.
    """
    averaged = scores.float().mean(-2)  # [..., queries, way, 2]
    none = averaged[..., 0].amin(-1, keepdim=True)
    return torch.cat([averaged[..., 1], none], dim=-1)
