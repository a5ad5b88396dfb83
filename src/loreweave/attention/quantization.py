"""Attention weights in few bytes, for the page.

`u8-sqrt` keeps the square root of a weight in one byte: weights differ by at most 0.004, and small weights, which are most of
them, do not become 0 as they would in linear bytes. `u16` keeps weights to 1e-5 in two bytes.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from loreweave.attention.captured import Weights

Quantization = Literal["u8-sqrt", "u16"]
QUANTIZATIONS: tuple[Quantization, ...] = ("u8-sqrt", "u16")


def quantize(weights: Weights, how: Quantization) -> NDArray[Any]:
    """Probabilities as integers, little-endian."""
    shares = np.clip(weights, 0.0, 1.0)
    if how == "u8-sqrt":
        return np.rint(255 * np.sqrt(shares)).astype("u1")
    return np.rint(65535 * shares).astype("<u2")


def dequantize(numbers: NDArray[Any], how: Quantization) -> Weights:
    """Integers as probabilities."""
    shares: Weights = numbers.astype(np.float32) / np.float32(255 if how == "u8-sqrt" else 65535)
    return shares * shares if how == "u8-sqrt" else shares
