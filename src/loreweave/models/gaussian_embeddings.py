"""Words as diagonal Gaussians, and the contrastive loss over them: CONTaiNER (Das et al., ACL 2022).

Distances are matrix products, so no tensor of pairs x dimension is needed. They are computed in fp32 whatever the encoder's
precision.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from loreweave.models.dropout import Dropout
from loreweave.models.head_settings import Divergence

_LEAST_VARIANCE = 1e-14
"""Default of the released code."""


class Gaussians(NamedTuple):
    """Means and variances (not standard deviations), each [points, dimension]."""

    mean: Tensor
    variance: Tensor


class GaussianHead(nn.Module):
    """Map hidden states to Gaussians: mean = W relu(s) + b, variance = elu(V relu(s) + c) + 1 + 1e-14, s = dropout(state)."""

    def __init__(self, size: int, dimension: int, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.mean = nn.Linear(size, dimension)
        self.variance = nn.Linear(size, dimension)

    def forward(self, states: Tensor) -> Gaussians:
        """[points, size] -> two tensors [points, dimension]."""
        states = torch.relu(self.dropout(states))
        return Gaussians(self.mean(states), F.elu(self.variance(states).float()) + 1 + _LEAST_VARIANCE)


def divergences(first: Gaussians, second: Gaussians, least_variance: float = 0.0) -> Tensor:
    """1/2 (KL(a, b) + KL(b, a)) for every a of `first` and b of `second` [first, second], in fp32.

    The logarithms of the two directions cancel, which leaves 1/4 sum_k [b/a + a/b - 2 + (m_a - m_b)^2 (1/a + 1/b)] for
    variances a, b: sums of products of a factor of a and a factor of b, so one matrix product of four columns per dimension.

    Args:
        least_variance: lower bound of the variances. The released code has none.
    """
    (mean_a, var_a), (mean_b, var_b) = (
        (part.mean.float(), part.variance.float().clamp_min(least_variance)) for part in (first, second)
    )
    inverse_a, inverse_b = 1 / var_a, 1 / var_b
    left = torch.cat([inverse_a, var_a + mean_a**2, -2 * mean_a * inverse_a, -2 * mean_a], dim=-1)
    right = torch.cat([var_b + mean_b**2, inverse_b, mean_b, mean_b * inverse_b], dim=-1)
    own_a, own_b = (mean_a**2 * inverse_a).sum(-1), (mean_b**2 * inverse_b).sum(-1)
    total = inner_products(left, right) + own_a[..., :, None] + own_b[..., None, :] - 2 * mean_a.shape[-1]
    return total.clamp_min(0) / 4


def squared_distances(first: Tensor, second: Tensor) -> Tensor:
    """Squared Euclidean distances [..., first, second] of points [..., points, dimension], in fp32."""
    first, second = first.float(), second.float()
    products = inner_products(first, second)
    return ((first**2).sum(-1)[..., :, None] + (second**2).sum(-1)[..., None, :] - 2 * products).clamp_min(0)


def inner_products(first: Tensor, second: Tensor) -> Tensor:
    """Inner products [..., first, second] without autocast's rounding, since differences of large values follow."""
    with torch.autocast(first.device.type, enabled=False):
        return first @ second.transpose(-1, -2)


def pair_distances(points: Gaussians, kind: Divergence, least_variance: float = 0.0) -> Tensor:
    """Distances among all points, [points, points]."""
    if kind == "gaussian":
        return divergences(points, points, least_variance)
    means = F.normalize(points.mean.float(), dim=-1)
    return squared_distances(means, means)


def contrastive_loss(distances: Tensor, labels: Tensor, anchors: Tensor | None = None) -> Tensor:
    """Mean over anchors of -log2 of the share of their neighbourhood that has their label.

    With distances d, X_p the other points with p's label and X all other points:
    -log2( 1/|X_p| sum_{q in X_p} exp(-d_pq) / sum_{q in X} exp(-d_pq) ). A point that is the only one with its label is
    not an anchor. Points are distinguished by index; the released code compares coordinates, which is equivalent except for
    collisions.

    Args:
        distances: [points, points].
        labels: [points].
        anchors: bool [points], True for possible anchors. Default: all points.

    Returns:
        A scalar; 0 (with a gradient of 0) if there is no anchor.
    """
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positive = (labels[:, None] == labels[None, :]) & ~itself
    count = positive.sum(1)
    chosen = count > 0 if anchors is None else (count > 0) & anchors
    if not chosen.any():
        return distances.sum() * 0
    logits, positive = -distances[chosen].masked_fill(itself[chosen], math.inf), positive[chosen]
    near = logits.masked_fill(~positive, -math.inf).logsumexp(1) - count[chosen].log()
    return (logits.logsumexp(1) - near).mean() / math.log(2)
