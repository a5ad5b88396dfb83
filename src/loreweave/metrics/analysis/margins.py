"""How far each record is from being right or wrong: the order of error tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from loreweave.metrics.analysis.calibration import check_single_label
from loreweave.metrics.analysis.estimates import Floats, finite


def margins(logits: ArrayLike, gold: ArrayLike, threshold: ArrayLike = 0.0) -> Floats:
    """Distance in logits by which each record is right (positive) or wrong (negative). [records]

    Of a single-label record: the logit of the gold class minus the largest other one. Of a multi-label record: the least of the
    distances of its logits from the threshold, each negative on the wrong side; a record is wrong if one label is.

    Args:
        logits: [records, classes] or [records, labels].
        gold: class numbers [records], or label sets [records, labels].
        threshold: of multi-label logits, one or one a label. Default: 0.

    Raises:
        DataError: logits are not finite.
        ValueError: the shapes do not fit, there are fewer than two classes, or a class number is out of range.
    """
    scores, truth = finite(logits, "logits"), np.asarray(gold)
    if truth.ndim == 2:
        if scores.shape != truth.shape or not scores.shape[1]:
            raise ValueError(f"found shapes {scores.shape} and {truth.shape}, expected [records, labels] twice")
        apart = scores - np.asarray(threshold, dtype=np.float64)
        least: Floats = np.where(truth.astype(np.bool_), apart, -apart).min(axis=1)
        return least
    check_single_label(scores, truth)
    if scores.shape[1] < 2:
        raise ValueError(f"found {scores.shape[1]} class, expected at least two")
    rows = np.arange(len(scores))
    others = scores.copy()
    others[rows, truth] = -np.inf
    return scores[rows, truth] - others.max(axis=1)
