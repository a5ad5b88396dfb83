"""Logits of prototypes and of pairs, by hand."""

from __future__ import annotations

import torch

from loreweave.tasks.few_shot_relation.matching import pair_logits, prototype_logits

SUPPORT = torch.tensor([[[0.0, 0.0], [2.0, 0.0]], [[3.0, 3.0], [3.0, 5.0]]])  # means (1, 0) and (3, 4)
QUERY = torch.tensor([[1.0, 1.0], [3.0, 4.0], [0.0, 0.0]])


def test_prototype_logits_by_hand() -> None:
    torch.testing.assert_close(prototype_logits(SUPPORT, QUERY), torch.tensor([[-1.0, -13.0], [-20.0, 0.0], [-1.0, -25.0]]))
    torch.testing.assert_close(prototype_logits(SUPPORT, QUERY, "dot"), torch.tensor([[1.0, 7.0], [3.0, 25.0], [0.0, 0.0]]))


def test_episodes_of_a_batch_are_apart() -> None:
    turned = SUPPORT.flip(0)
    both = prototype_logits(torch.stack([SUPPORT, turned]), torch.stack([QUERY, QUERY]))
    torch.testing.assert_close(both[0], prototype_logits(SUPPORT, QUERY))
    torch.testing.assert_close(both[1], both[0].flip(-1))


def test_pair_logits_average_over_the_shots() -> None:
    # One query, two relations, two shots: (differ, same) of each.
    scores = torch.tensor([[[[1.0, 4.0], [3.0, 0.0]], [[-1.0, 1.0], [0.0, 2.0]]]])
    torch.testing.assert_close(pair_logits(scores), torch.tensor([[2.0, 1.5, -0.5]]))


def test_distances_are_in_fp32_whatever_the_precision() -> None:
    support, query = torch.randn(1, 2, 3, 64) * 10, torch.randn(1, 4, 64) * 10
    for distance in ("euclidean", "dot"):
        expected = prototype_logits(support, query, distance)
        with torch.autocast("cpu", torch.bfloat16):
            found = prototype_logits(support, query, distance)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, expected)
