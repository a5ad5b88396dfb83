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


def test_multi_hot_labels_with_ignored_rows() -> None:
    logits, labels = torch.randn(3, 2, requires_grad=True), torch.tensor([[1.0, 0], [-100, -100], [0, 0]])
    loss = classification_loss(SimpleNamespace(logits=logits), labels)
    kept = logits[[0, 2]], labels[[0, 2]]
    assert loss.item() == pytest.approx(F.binary_cross_entropy_with_logits(*kept).item())
    nothing = classification_loss(SimpleNamespace(logits=logits), torch.full((3, 2), -100.0), 4)
    nothing.backward()
    assert nothing == 0 and logits.grad is not None and not logits.grad.any()
