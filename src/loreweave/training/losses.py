"""Losses of fine-tuning, divided by the number of labels of the whole update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from loreweave.models.head_settings import IGNORED


def cross_entropy(
    outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None, class_weights: Sequence[float] | None = None
) -> Tensor:
    """Cross-entropy of one class per position.

    Args:
        outputs: has `logits` `[..., classes]`.
        labels: class numbers `[...]`; `IGNORED` is skipped.
        num_items_in_batch: number of labels in all micro-batches and processes of the update. None: those of this batch.
        class_weights: factor of the loss of each class. The sum is still divided by the number of labels. None: all are 1.
    """
    logits, flat = outputs.logits.float(), labels.reshape(-1)
    weights = None if class_weights is None else logits.new_tensor(class_weights)
    rows = logits.reshape(-1, logits.shape[-1])
    total = F.cross_entropy(rows, flat, weight=weights, ignore_index=IGNORED, reduction="sum")
    return _mean(total, labels, num_items_in_batch)


def span_cross_entropy(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
    """Cross-entropy of the first and of the last sub-word of a span, each over all places of an input.

    Padding is among the places, as in the models of transformers, so that the loss depends on the padding of the batch.

    Args:
        outputs: has `start_logits` and `end_logits` [batch, sub-words].
        labels: positions of the first and of the last sub-word [batch, 2]; `IGNORED` is skipped.
        num_items_in_batch: as for `cross_entropy`; a span has two labels.
    """
    logits = torch.stack([outputs.start_logits, outputs.end_logits], dim=1).float()  # [batch, 2, sub-words]
    total = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum")
    return _mean(total, labels, num_items_in_batch)


def binary_cross_entropy(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
    """Binary cross-entropy of classes that exclude nothing.

    Args:
        outputs: has `logits` of the shape of `labels`.
        labels: floats of 0 and 1; `IGNORED` is skipped.
        num_items_in_batch: as for `cross_entropy`.
    """
    counted = labels != IGNORED
    # Logits of masked places are the lowest number there is, and would give infinity times zero.
    logits, targets = outputs.logits.float().where(counted, 0.0), labels.float().where(counted, 0.0)
    total = F.binary_cross_entropy_with_logits(logits, targets, counted.float(), reduction="sum")
    return _mean(total, labels, num_items_in_batch)


def squared_error(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
    """Squared error of a number per example: regression on the raw score.

    Args:
        outputs: has `logits` [batch, 1].
        labels: floats [batch]; `IGNORED` is skipped.
        num_items_in_batch: as for `cross_entropy`.

    Raises:
        ValueError: the number of scores differs from that of labels, so that they would be broadcast.
    """
    scores = outputs.logits.float().flatten()
    if labels.shape != scores.shape:
        raise ValueError(f"found {tuple(outputs.logits.shape)} scores for {tuple(labels.shape)} numbers, expected one for each")
    counted = labels != IGNORED
    total = ((scores - labels.float()) ** 2 * counted).sum()
    return _mean(total, labels, num_items_in_batch)


def _mean(total: Tensor, labels: Tensor, num_items_in_batch: Tensor | int | None) -> Tensor:
    divisor = (labels != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
    return total / torch.as_tensor(divisor, device=total.device).clamp_min(1)
