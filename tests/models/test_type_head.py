"""The type head, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from loreweave.models.type_head import TypeHead, pooled


def test_logits_are_cosines_over_the_temperature() -> None:
    """The map starts as the identity."""
    head = TypeHead(torch.tensor([[2.0, 0.0], [3.0, 3.0]]), temperature=0.5)
    logits = head(torch.tensor([[5.0, 0.0], [0.0, 1.0]]))
    assert logits.tolist() == [pytest.approx([2.0, math.sqrt(2)]), pytest.approx([0.0, math.sqrt(2)])]


def test_names_are_fixed_and_no_entity_is_learned() -> None:
    head = TypeHead(torch.eye(2), 1.0, no_entity=True)
    assert head(torch.ones(3, 2)).shape == (3, 3)
    assert {name for name, _ in head.named_parameters()} == {"map.weight", "map.bias", "no_entity"}
    assert "names" in head.state_dict()


def test_half_precision_states_are_scored_in_float32() -> None:
    head = TypeHead(torch.eye(4), 0.1)
    with torch.autocast("cpu", torch.bfloat16):
        assert head(torch.ones(1, 4, dtype=torch.bfloat16)).dtype == torch.float32


def test_a_mention_is_the_mean_of_its_sub_words() -> None:
    states = torch.tensor([[1.0, 2.0], [3.0, 4.0], [10.0, 20.0]])
    assert pooled(states, torch.tensor([0, 0, 1]), 2).tolist() == [[2.0, 3.0], [10.0, 20.0]]
    assert pooled(states[:0], torch.tensor([], dtype=torch.long), 0).shape == (0, 2)
