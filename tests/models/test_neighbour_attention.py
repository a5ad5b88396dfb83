"""Attention to neighbours against its formula, written out for each vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from loreweave.models.neighbour_attention import NeighbourAttention

SIZE, RELATIONS = 6, 2


def given(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Three vectors with up to four neighbours; the last has none."""
    torch.manual_seed(seed)
    vectors = nn.functional.normalize(torch.randn(3, SIZE), dim=-1)
    present = torch.tensor([[True, True, False, True], [False, True, False, False], [False] * 4])
    return vectors, torch.randn(3, 4, SIZE), torch.randint(2 * RELATIONS, (3, 4)), present


def test_vectors_stay_at_the_start() -> None:
    vectors, *others = given()
    torch.testing.assert_close(NeighbourAttention(SIZE, RELATIONS)(vectors, *others), vectors)


def test_the_formula() -> None:
    vectors, neighbours, relations, present = given()
    attention = NeighbourAttention(SIZE, RELATIONS)
    for parameter in attention.parameters():
        nn.init.normal_(parameter)
    found = attention(vectors, neighbours, relations, present)
    for i, vector in enumerate(vectors):
        states = [neighbours[i, k] + attention.relations.weight[relations[i, k]] for k in range(4) if present[i, k]]
        strengths = [torch.exp(attention.query.weight @ vector @ state) for state in states]
        whole = sum(strengths, torch.ones(()))  # 1 for none of them
        mixed = sum((s / whole * state for s, state in zip(strengths, states, strict=True)), torch.zeros(SIZE))
        added = vector + attention.output.weight @ mixed
        torch.testing.assert_close(found[i], added / added.norm())
    torch.testing.assert_close(found[2], vectors[2])


def test_absent_neighbours_change_nothing_and_all_parameters_learn() -> None:
    vectors, neighbours, relations, present = given()
    attention = NeighbourAttention(SIZE, RELATIONS)
    nn.init.normal_(attention.output.weight)
    found = attention(vectors, neighbours, relations, present)
    other = neighbours.masked_fill(~present[:, :, None], 9.0)
    torch.testing.assert_close(attention(vectors, other, relations, present), found)
    (found * torch.randn(3, SIZE)).sum().backward()
    for name, parameter in attention.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name
