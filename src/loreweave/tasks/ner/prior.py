"""A classifier whose bias starts from the shares of the classes, as that of RetinaNet starts from a prior of rare objects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from loreweave.errors import ConfigurationError
from loreweave.models.head_settings import IGNORED


@torch.no_grad()
def start_from_shares(
    model: PreTrainedModel, targets: Sequence[np.ndarray | None], classes: Sequence[str], weights: Sequence[float] | None
) -> str:
    """Set the bias of the classifier to the logarithms of the shares of the classes; returns a line about it.

    With weights in the loss, a class counts as often as its weight says, because these are the shares that the model learns. A
    class without any example counts as if it had one.

    Args:
        model: model with a linear `classifier`.
        targets: class numbers of each training example; `IGNORED` is skipped.
        classes: names of the classes, that of no mention first.
        weights: weight of each class in the loss; None: all are 1.

    Raises:
        ConfigurationError: the model has no linear classifier with a bias.
    """
    classifier = getattr(model, "classifier", None)
    if not isinstance(classifier, nn.Linear) or classifier.bias is None:
        raise ConfigurationError(
            f"prior_bias: {type(model).__name__} has no linear classifier with a bias; leave prior_bias out"
        )
    found = np.concatenate([np.zeros(0, np.int64), *(each for each in targets if each is not None)])
    counts = np.bincount(found[found != IGNORED], minlength=len(classes))
    shares = np.maximum(counts, 1) * np.asarray([1.0] * len(classes) if weights is None else weights)
    shares /= shares.sum()
    classifier.bias.copy_(torch.from_numpy(np.log(shares)))
    total = int(counts.sum())
    outside = f"{counts[0] / total:.1%} of {total:,} labels are {classes[0]}" if total else "found no labels"
    return f"prior_bias: {outside}; the bias of the classifier starts from the shares of the classes"
