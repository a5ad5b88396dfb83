"""The losses equal torch's means."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from loreweave.training.losses import binary_cross_entropy, cross_entropy, squared_error


def test_multi_hot_labels() -> None:
    logits, labels = torch.randn(4, 3), torch.tensor([[1.0, 0, 0]] * 4)
    loss = binary_cross_entropy(SimpleNamespace(logits=logits), labels)
    assert loss == pytest.approx(F.binary_cross_entropy_with_logits(logits, labels).item())
    parts = [
        binary_cross_entropy(SimpleNamespace(logits=x), y, 12) for x, y in ((logits[:1], labels[:1]), (logits[1:], labels[1:]))
    ]
    assert sum(parts) == pytest.approx(loss.item())


def test_class_numbers_with_ignored_places() -> None:
    logits, labels = torch.randn(2, 5, 3), torch.tensor([[0, 1, 2, -100, -100], [1, -100, -100, -100, -100]])
    loss = cross_entropy(SimpleNamespace(logits=logits), labels)
    assert loss == pytest.approx(F.cross_entropy(logits.view(-1, 3), labels.view(-1)).item())
    assert cross_entropy(SimpleNamespace(logits=logits), labels, 8) == pytest.approx(loss.item() / 2)
    assert cross_entropy(SimpleNamespace(logits=logits), torch.full((2, 5), -100)) == 0


def test_multi_hot_labels_with_ignored_rows() -> None:
    logits, labels = torch.randn(3, 2, requires_grad=True), torch.tensor([[1.0, 0], [-100, -100], [0, 0]])
    loss = binary_cross_entropy(SimpleNamespace(logits=logits), labels)
    kept = logits[[0, 2]], labels[[0, 2]]
    assert loss.item() == pytest.approx(F.binary_cross_entropy_with_logits(*kept).item())
    nothing = binary_cross_entropy(SimpleNamespace(logits=logits), torch.full((3, 2), -100.0), 4)
    nothing.backward()
    assert nothing == 0 and logits.grad is not None and not logits.grad.any()


def test_squared_error_of_numbers() -> None:
    logits, labels = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([0.5, 2.5, 1.0])
    loss = squared_error(SimpleNamespace(logits=logits), labels)
    assert loss == pytest.approx(F.mse_loss(logits.flatten(), labels).item()) == pytest.approx((0.25 + 0.25 + 9) / 3)
    parts = [squared_error(SimpleNamespace(logits=x), y, 3) for x, y in ((logits[:1], labels[:1]), (logits[1:], labels[1:]))]
    assert sum(parts) == pytest.approx(loss.item())


def test_squared_error_with_ignored_places() -> None:
    logits = torch.tensor([[1.0], [2.0]], requires_grad=True)
    assert squared_error(SimpleNamespace(logits=logits), torch.tensor([-100.0, 5.0])).item() == pytest.approx(9)
    nothing = squared_error(SimpleNamespace(logits=logits), torch.full((2,), -100.0), 4)
    nothing.backward()
    assert nothing == 0 and logits.grad is not None and not logits.grad.any()


def test_squared_error_needs_a_score_for_each_number() -> None:
    with pytest.raises(ValueError, match=r"found \(2, 3\) scores for \(2,\) numbers"):
        squared_error(SimpleNamespace(logits=torch.zeros(2, 3)), torch.zeros(2))


def test_classes_with_weights_by_hand() -> None:
    """Two classes with even logits have a loss of log 2 each; the divisor stays the number of labels."""
    logits, labels = torch.zeros(1, 4, 2), torch.tensor([[0, 0, 1, -100]])
    loss = cross_entropy(SimpleNamespace(logits=logits), labels, class_weights=(0.25, 1.0))
    assert loss == pytest.approx((0.25 + 0.25 + 1) * math.log(2) / 3)
    assert cross_entropy(SimpleNamespace(logits=logits), labels, 6, (0.25, 1.0)) == pytest.approx(loss.item() / 2)
    assert cross_entropy(SimpleNamespace(logits=logits), labels, class_weights=(1.0, 1.0)) == pytest.approx(math.log(2))
