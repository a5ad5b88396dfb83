"""Dropout whose masks are cheap on a CPU, equal in distribution to torch's.

torch draws one 32-bit number of its Mersenne twister for each element and compares it in a loop that is not vectorised:
9.6 ns an element, and the masks of attention weights take longer than the attention. Here numpy's SFC64 makes 64 bits at
a time, of which each element takes 16: 0.5 ns. An element is dropped if its number lies below round(65536 p), so that the
probability is a multiple of 1/65536, at most 8e-6 from the one asked for; what is kept is divided by the probability of
keeping that was really used, so that means are exact.

Every call seeds a generator of its own from torch's, whose state is the only one: `torch.manual_seed`, the states in a
checkpoint, and gradient checkpointing (which restores torch's state before it computes again) work as they do for torch.
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
        probability: of dropping an element, from 0 to 1.

    Attributes:
        scale: factor of the elements that are kept; 0 if none is.
    """

    def __init__(self, probability: float) -> None:
        self._threshold = round(probability * _LEVELS)
        kept = _LEVELS - self._threshold
        self.scale = _LEVELS / kept if kept else 0.0
        self._numbers = np.random.SFC64(int(torch.randint(2**63 - 1, ()).item()))

    def keep(self, count: int) -> np.ndarray:
        """The next elements' mask, True where an element is kept [count]."""
        if self._threshold == _LEVELS:
            return np.zeros(count, dtype=bool)
        raw = cast(np.ndarray, self._numbers.random_raw(-(-count // 4)))
        return cast(np.ndarray, raw.view(np.uint16)[:count] >= np.uint16(self._threshold))


def as_tensor(mask: np.ndarray) -> Tensor:
    """A mask as numbers 0 and 1, which multiply faster than truth values do; it shares the mask's memory."""
    return torch.from_numpy(mask.view(np.uint8))


def dropout(states: Tensor, probability: float, training: bool = True) -> Tensor:
    """`torch.nn.functional.dropout`, on a CPU with the masks of this module.

    Raises:
        ValueError: the probability is not one.
    """
    if not training or probability == 0.0 or states.device.type != "cpu" or torch.compiler.is_compiling():
        return functional.dropout(states, probability, training)
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"found a dropout probability of {probability}, expected one from 0 to 1")
    return cast(Tensor, _Dropout.apply(states, probability))


class Dropout(nn.Dropout):
    """`nn.Dropout` by `dropout`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name that torch gives it
        """Shaped like `input`."""
        return dropout(input, self.p, self.training)


class _Dropout(torch.autograd.Function):
    """Keeps the mask, one byte an element, as torch does."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, probability: float) -> Tensor:
        """Arguments as of `dropout`."""
        source = MaskSource(probability)
        mask = as_tensor(source.keep(states.numel())).view(states.shape)
        ctx.save_for_backward(mask)
        ctx.scale = source.scale
        return torch.mul(states, mask).mul_(source.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of the states."""
        (mask,) = ctx.saved_tensors
        return torch.mul(gradients[0], mask).mul_(ctx.scale), None
