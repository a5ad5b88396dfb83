"""Gradient x attention: on which tokens the logit of a label depends (Chefer et al. 2021, equations 5 and 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from loreweave.attention.capture.observation import observed
from loreweave.attention.captured import Weights


def relevance(model: PreTrainedModel, inputs: Mapping[str, Any], classes: Sequence[int]) -> list[Weights]:
    """Relevance of every token for every token, [tokens, tokens] for each class, padding included.

    In each layer, the weights are multiplied by the gradients of the class's logit, negative products are set to 0, and the
    mean over the heads is taken (B). The relevance R starts as the identity matrix, and each layer adds the product B R. The
    identity is subtracted at the end, because it would hide the other values.

    Args:
        model: a classifier whose output has `logits` [1, classes].
        inputs: its input, a batch of one.
        classes: numbers of the classes.
    """
    # inference tensors have no gradients, so they are copied
    copied = {name: value.clone() if isinstance(value, Tensor) else value for name, value in inputs.items()}
    with torch.enable_grad(), observed(model) as calls:
        logits = model(**copied).logits[0]  # [classes]
        layers = list(calls[0].attentions["self"].values())
        found = []
        for number in classes:
            gradients = torch.autograd.grad(logits[number], layers, retain_graph=True, allow_unused=True)
            found.append(_accumulated(layers, gradients))
    return found


def _accumulated(layers: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> Weights:
    """[tokens, tokens] from the weights and gradients of each layer, both [1, heads, tokens, tokens]."""
    size = layers[0].shape[-1]
    total = torch.eye(size, dtype=layers[0].dtype, device=layers[0].device)
    for weights, gradient in zip(layers, gradients, strict=True):
        if gradient is None:  # nothing of this layer reaches the logit
            continue
        product = (weights * gradient)[0].clamp(min=0).mean(0)  # [tokens, tokens]
        total += product.detach() @ total
    found: Weights = (total - torch.eye(size, dtype=total.dtype, device=total.device)).float().cpu().numpy()
    return found
