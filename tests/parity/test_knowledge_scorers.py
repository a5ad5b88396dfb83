"""Scores against PyKEEN's interaction functions: the same where these are the same, related as written where they are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pykeen.nn.modules import (
    ComplExInteraction,
    DistMultInteraction,
    RotatEInteraction,
    SimplEInteraction,
    TransEInteraction,
)
from torch import Tensor

from loreweave.models.knowledge_scorers import SCORERS


def as_complex(vectors: Tensor) -> Tensor:
    return torch.view_as_complex(vectors.unflatten(-1, (-1, 2)))


def complex_(head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
    return ComplExInteraction()(*(as_complex(item) for item in (head, relation, tail)))


def simple(head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
    """PyKEEN takes the mean of two products over the two halves of a vector; ours is their sum."""
    first, second = ([item[..., part::2] for item in (head, relation, tail)] for part in (0, 1))
    return 2 * SimplEInteraction()((first[0], second[0]), (first[1], second[1]), (second[2], first[2]))


def rotate(head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
    """PyKEEN takes the L2 norm over all numbers; the original and ours sum the moduli, which is its score number by number."""
    numbers = as_complex(head), torch.polar(torch.ones_like(relation), relation), as_complex(tail)
    return RotatEInteraction()(*(item.unsqueeze(-1) for item in numbers)).sum(-1)


PYKEEN: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "transe_l1": TransEInteraction(p=1),
    "transe_l2": TransEInteraction(p=2),
    "distmult": DistMultInteraction(),
    "complex": complex_,
    "simple": simple,
    "rotate": rotate,
}


@pytest.mark.parametrize("name", SCORERS)
def test_scores_and_gradients_equal_pykeens(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    scorer = SCORERS[name]
    widths = (12, scorer.relation_size(12), 12)
    leading = ((7, 1), (1, 1), (7, 5))
    inputs = [
        torch.randn(*shape, width, generator=generator, requires_grad=True)
        for shape, width in zip(leading, widths, strict=True)
    ]
    found, expected = scorer.score(*inputs), PYKEEN[name](*inputs)
    assert found.shape == (7, 5)
    torch.testing.assert_close(found, expected)
    weights = torch.randn(7, 5, generator=generator)
    gradients = [torch.autograd.grad((scores * weights).sum(), inputs) for scores in (found, expected)]
    for own, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-5)
