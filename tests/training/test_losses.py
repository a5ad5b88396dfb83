"""The generic loss equals torch's means."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from loreweave.training.losses import classification_loss


def test_multi_hot_labels() -> None:
    logits, labels = torch.randn(4, 3), torch.tensor([[1.0, 0, 0]] * 4)
    loss = classification_loss(SimpleNamespace(logits=logits), labels)
    assert loss == pytest.approx(F.binary_cross_entropy_with_logits(logits, labels).item())
    parts = [
        classification_loss(SimpleNamespace(logits=x), y, 12) for x, y in ((logits[:1], labels[:1]), (logits[1:], labels[1:]))
    ]
    assert sum(parts) == pytest.approx(loss.item())


def test_class_numbers_with_ignored_places() -> None:
    logits, labels = torch.randn(2, 5, 3), torch.tensor([[0, 1, 2, -100, -100], [1, -100, -100, -100, -100]])
    loss = classification_loss(SimpleNamespace(logits=logits), labels)
    assert loss == pytest.approx(F.cross_entropy(logits.view(-1, 3), labels.view(-1)).item())
    assert classification_loss(SimpleNamespace(logits=logits), labels, 8) == pytest.approx(loss.item() / 2)
    assert classification_loss(SimpleNamespace(logits=logits), torch.full((2, 5), -100)) == 0
