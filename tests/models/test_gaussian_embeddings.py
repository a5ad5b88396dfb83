"""Divergences and the contrastive loss against their definitions, pair by pair."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

from loreweave.models.gaussian_embeddings import (
    Divergence,
    GaussianHead,
    Gaussians,
    contrastive_loss,
    divergences,
    pair_distances,
    squared_distances,
)


def gaussians(points: int, dimension: int = 6, seed: int = 0) -> Gaussians:
    generator = torch.Generator().manual_seed(seed)
    mean = torch.randn(points, dimension, generator=generator)
    return Gaussians(mean, 0.2 + 2 * torch.rand(points, dimension, generator=generator))


def by_pairs(distances: Tensor, labels: Tensor, anchors: list[int]) -> Tensor:
    """The loss as the paper writes it."""
    losses = []
    for p in anchors:
        others = [q for q in range(len(labels)) if q != p]
        positive = [q for q in others if labels[q] == labels[p]]
        if positive:
            near = sum(torch.exp(-distances[p, q]) for q in positive) / len(positive)
            losses.append(-torch.log2(near / sum(torch.exp(-distances[p, q]) for q in others)))
    return torch.stack(losses).mean()


def test_divergences_are_the_mean_of_both_kl_divergences() -> None:
    first, second = gaussians(4), gaussians(3, seed=1)
    for i in range(4):
        for j in range(3):
            a, b = (Independent(Normal(part.mean[k], part.variance[k].sqrt()), 1) for part, k in ((first, i), (second, j)))
            expected = (kl_divergence(a, b) + kl_divergence(b, a)) / 2
            assert divergences(first, second)[i, j] == pytest.approx(float(expected), rel=1e-4)


def test_divergences_of_many_episodes_at_once_and_a_floor() -> None:
    first, second = gaussians(4), gaussians(3, seed=1)
    stacked = [Gaussians(*(torch.stack([part, part]) for part in points)) for points in (first, second)]
    torch.testing.assert_close(divergences(*stacked)[1], divergences(first, second))
    tiny = Gaussians(first.mean, torch.full_like(first.variance, 1e-14))
    floored = Gaussians(first.mean, torch.full_like(first.variance, 1e-6))
    torch.testing.assert_close(divergences(tiny, second, 1e-6), divergences(floored, second))


def test_squared_distances() -> None:
    first, second = gaussians(4).mean, gaussians(3, seed=1).mean
    torch.testing.assert_close(squared_distances(first, second), torch.cdist(first, second) ** 2)


@pytest.mark.parametrize("kind", ["gaussian", "euclidean"])
def test_the_loss_and_its_gradient_are_those_of_the_definition(kind: Divergence) -> None:
    labels = torch.tensor([0, 1, 1, 0, 2, 1, 3])
    results = []
    for loss in (contrastive_loss, lambda distances, labels: by_pairs(distances, labels, list(range(7)))):
        mean, variance = (part.clone().requires_grad_() for part in gaussians(7))
        value = loss(pair_distances(Gaussians(mean, variance), kind), labels)
        value.backward()
        results.append((value.detach(), mean.grad, variance.grad if kind == "gaussian" else None))
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["gaussian", "euclidean"])
def test_distances_are_in_fp32_under_autocast(kind: Divergence) -> None:
    points = gaussians(5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = pair_distances(points, kind)
    torch.testing.assert_close(found, pair_distances(points, kind), rtol=0, atol=0)


def test_words_outside_may_be_no_anchors() -> None:
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    distances = pair_distances(gaussians(6), "gaussian")
    found = contrastive_loss(distances, labels, labels > 0)
    torch.testing.assert_close(found, by_pairs(distances, labels, [2, 3, 4, 5]))


def test_far_points_and_lonely_points_give_numbers() -> None:
    far = Gaussians(torch.tensor([[0.0], [1000.0], [0.1]]), torch.ones(3, 1))
    labels = torch.tensor([0, 0, 1])
    loss = contrastive_loss(pair_distances(far, "gaussian"), labels)
    assert math.isfinite(float(loss)) and loss > 1000  # exp(-d) alone would be 0, and its logarithm no number
    assert float(contrastive_loss(pair_distances(far, "gaussian"), torch.tensor([0, 1, 2]))) == 0
    assert float(contrastive_loss(torch.zeros(0, 0), torch.zeros(0, dtype=torch.long))) == 0


def test_the_head_gives_means_and_positive_variances() -> None:
    torch.manual_seed(0)
    head = GaussianHead(5, 3, dropout=0.0)
    states = torch.randn(4, 5)
    mean, variance = head(states)
    torch.testing.assert_close(mean, states.clamp_min(0) @ head.mean.weight.T + head.mean.bias)
    raw = states.clamp_min(0) @ head.variance.weight.T + head.variance.bias
    torch.testing.assert_close(variance, torch.where(raw > 0, raw + 1, raw.exp()))
    assert (variance > 0).all()
