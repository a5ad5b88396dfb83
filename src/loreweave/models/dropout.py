"""Dropout with masks that are cheap on a CPU, equal in distribution to torch's.

torch draws one 32-bit number of its Mersenne twister per element and compares it in a loop that is not vectorised: 9.6 ns
per element, so the masks of attention weights take longer than the attention. Here numpy's SFC64 generates 64 bits at a
time, of which each element uses 16: 0.5 ns. An element is dropped if its number is below round(65536 p), so the
probability is a multiple of 1/65536 and differs from the requested one by at most 8e-6. Kept elements are divided by the
actual probability of keeping, so means are exact.

Every call seeds its own generator from torch's, which holds the only state: `torch.manual_seed`, the states in a
checkpoint, and gradient checkpointing (which restores torch's state before it recomputes) work as with torch's dropout.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

_LEVELS = 1 << 16


class MaskSource:
    """Masks for one use of dropout.

    Args:
        probability: probability of dropping an element, from 0 to 1.

    Attributes:
        scale: factor of the kept elements; 0 if the probability is 1.
    """

    def __init__(self, probability: float) -> None:
        self._threshold = round(probability * _LEVELS)
        kept = _LEVELS - self._threshold
        self.scale = _LEVELS / kept if kept else 0.0
        self._numbers = np.random.SFC64(int(torch.randint(2**63 - 1, ()).item()))

    def keep(self, count: int) -> np.ndarray:
        """Mask of the next elements, True where an element is kept [count]."""
        if self._threshold == _LEVELS:
            return np.zeros(count, dtype=bool)
        raw = cast(np.ndarray, self._numbers.random_raw(-(-count // 4)))
        return cast(np.ndarray, raw.view(np.uint16)[:count] >= np.uint16(self._threshold))


def as_tensor(mask: np.ndarray) -> Tensor:
    """The mask as numbers 0 and 1, which multiply faster than booleans; it shares the mask's memory."""
    return torch.from_numpy(mask.view(np.uint8))


def dropout(states: Tensor, probability: float, training: bool = True) -> Tensor:
    """`torch.nn.functional.dropout`; on a CPU with the masks of this module.

    Raises:
        ValueError: the probability is not from 0 to 1.
    """
    if not training or probability == 0.0 or states.device.type != "cpu" or torch.compiler.is_compiling():
        return functional.dropout(states, probability, training)
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"found a dropout probability of {probability}, expected a number from 0 to 1")
    return cast(Tensor, _Dropout.apply(states, probability))


class Dropout(nn.Dropout):
    """`nn.Dropout` that uses `dropout`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name that torch gives it
        """Apply dropout; the result has the shape of `input`."""
        return dropout(input, self.p, self.training)


class _Dropout(torch.autograd.Function):
    """Dropout that keeps the mask, one byte per element, as torch does."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, probability: float) -> Tensor:
        """Arguments as for `dropout`."""
        source = MaskSource(probability)
        mask = as_tensor(source.keep(states.numel())).view(states.shape)
        ctx.save_for_backward(mask)
        ctx.scale = source.scale
        return torch.mul(states, mask).mul_(source.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient of the states."""
        (mask,) = ctx.saved_tensors
        return torch.mul(gradients[0], mask).mul_(ctx.scale), None
