"""Losses of fine-tuning, divided by the number of labels of the whole update."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORED = -100
"""A label position that counts for nothing."""


def classification_loss(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
    """Cross-entropy for integer labels, binary cross-entropy for multi-hot float labels.

    Args:
        outputs: has `logits`: `[..., classes]` for integer labels, the shape of `labels` for float ones.
        labels: integers, or floats of 0 and 1; `IGNORED` is skipped.
        num_items_in_batch: labels in all micro-batches and processes of the update; None takes those of this batch.
    """
    logits = outputs.logits.float()
    counted = labels != IGNORED
    if labels.is_floating_point():
        total = F.binary_cross_entropy_with_logits(logits, labels.float(), counted.float(), reduction="sum")
    else:
        flat = labels.reshape(-1)
        total = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), flat, ignore_index=IGNORED, reduction="sum")
    divisor = counted.sum() if num_items_in_batch is None else num_items_in_batch
    return total / torch.as_tensor(divisor, device=total.device).clamp_min(1)


def squared_error(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
    """Squared error of a number per example: regression on the raw score.

    Args:
        outputs: has `logits` [batch, 1].
        labels: floats [batch]; `IGNORED` is skipped.
        num_items_in_batch: as of `classification_loss`.

    Raises:
        ValueError: another number of scores than labels, which would be spread over one another.
    """
    scores = outputs.logits.float().flatten()
    if labels.shape != scores.shape:
        raise ValueError(f"found {tuple(outputs.logits.shape)} scores for {tuple(labels.shape)} numbers, expected one for each")
    counted = labels != IGNORED
    total = ((scores - labels.float()) ** 2 * counted).sum()
    divisor = counted.sum() if num_items_in_batch is None else num_items_in_batch
    return total / torch.as_tensor(divisor, device=total.device).clamp_min(1)
