"""Inference over many examples: dynamic padding, batches by length, outputs in the order of the examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from loreweave.training.batches import batches_by_length
from loreweave.training.devices import autocast
from loreweave.training.evaluation import Outputs
from loreweave.training.finite import require_finite

Batch = dict[str, Tensor]


class Sized(Protocol):
    """Interface of an example that the engine runs."""

    @property
    def length(self) -> int:
        """Cost of the example: its number of sub-words."""


ExampleT = TypeVar("ExampleT", bound=Sized)
ModelT = TypeVar("ModelT", bound=nn.Module)


def move(model: ModelT, device: torch.device) -> ModelT:
    """Move the model to a device; transformers' own `to` hides its type."""
    nn.Module.to(model, device)
    return model


@torch.inference_mode()
def run_model(
    model: nn.Module,
    examples: Sequence[ExampleT],
    collate: Callable[[list[ExampleT]], Batch],
    unpack: Callable[[Any, Mapping[str, Tensor]], Outputs],
    *,
    batch_size: int = 32,
    precision: str = "fp32",
    advance: Callable[[int], object] | None = None,
) -> Outputs:
    """Outputs of every example, one array each, in order.

    Args:
        model: model on its device; it is left in evaluation mode.
        examples: encoded inputs.
        collate: examples to padded tensors; `labels` are not passed to the model.
        unpack: a batch's output and inputs to one array per example, padding removed.
        batch_size: number of examples per batch.
        precision: fp32, bf16 or fp16.
        advance: called with the number of finished examples, for a progress bar.

    Raises:
        CheckpointError: an output is not finite.
    """
    device = next(model.parameters()).device
    model.eval()
    outputs: dict[int, np.ndarray] = {}
    for indices in batches_by_length([example.length for example in examples], batch_size):
        batch = collate([examples[index] for index in indices])
        inputs = {name: tensor.to(device) for name, tensor in batch.items() if name != "labels"}
        with autocast(device, precision):
            result = model(**inputs)
        found = unpack(result, batch)
        for output in found:
            require_finite(output, "the model's output for an input")
        outputs.update(zip(indices, found, strict=True))
        if advance is not None:
            advance(len(indices))
    return [outputs[index] for index in range(len(examples))]
