"""Pairs of entities and the loss of adaptive thresholds, against their definitions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from loreweave.models.head_settings import IGNORED
from loreweave.tasks.relation_classification.network import PairHead, threshold_loss


def by_definition(logits: torch.Tensor, holds: list[int]) -> float:
    """Each relation that holds against the threshold and the others that hold; the threshold against those that do not."""
    threshold, scores = logits[0], logits[1:]
    held = [scores[number] for number, one in enumerate(holds) if one]
    others = [scores[number] for number, one in enumerate(holds) if not one]
    above = torch.stack([threshold, *held])
    total = sum((above.logsumexp(0) - score for score in held), torch.tensor(0.0))
    return float(total + torch.stack([threshold, *others]).logsumexp(0) - threshold)


def test_the_loss_is_a_mean_over_pairs() -> None:
    torch.manual_seed(0)
    logits = torch.randn(4, 4)
    rows = [[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]]
    labels = torch.tensor(rows, dtype=torch.float32)
    expected = [by_definition(logits[number], row) for number, row in enumerate(rows)]
    assert float(threshold_loss(SimpleNamespace(logits=logits), labels)) == pytest.approx(sum(expected) / 4, abs=1e-5)
    # Of an update of eight pairs, so of 24 labels, this batch has a half.
    half = threshold_loss(SimpleNamespace(logits=logits), labels, torch.tensor(24))
    assert float(half) == pytest.approx(sum(expected) / 8, abs=1e-5)
    left_out = labels.clone()
    left_out[1] = IGNORED
    kept = sum(expected[number] for number in (0, 2, 3)) / 3
    assert float(threshold_loss(SimpleNamespace(logits=logits), left_out)) == pytest.approx(kept, abs=1e-5)


def test_no_pair_counts_for_nothing() -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    loss = threshold_loss(SimpleNamespace(logits=logits), torch.full((2, 2), float(IGNORED)))
    loss.backward()
    assert loss.item() == 0.0 and float(logits.grad.abs().sum()) == 0.0  # type: ignore[union-attr]


def test_the_size_of_an_encoders_states_does_not_matter() -> None:
    torch.manual_seed(0)
    head, entities, pairs = PairHead(8, 3, 0.0), torch.randn(2, 8), torch.tensor([[0, 1]])
    torch.testing.assert_close(head(entities * 10, pairs), head(entities, pairs), rtol=1e-4, atol=1e-4)


def test_direction_matters() -> None:
    torch.manual_seed(0)
    head = PairHead(8, 3, 0.0)
    entities = torch.randn(2, 8)
    there, back, again = head(entities, torch.tensor([[0, 1], [1, 0], [0, 1]]))
    assert there.shape == (4,) and torch.equal(there, again) and not torch.allclose(there, back)
