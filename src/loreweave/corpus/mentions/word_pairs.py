"""A set of pairs of words in a few bits per pair, which answers for all pairs of a text at once.

Two pairs may share a bit: a pair that is not in the set may seem to be in it, but never the other way round.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np

_BITS_PER_PAIR = 16
_SMALLEST = 6
"""Logarithm of the number of bits of the smallest set."""
_FACTORS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
"""Odd numbers whose multiples are spread over 64 bits."""


def word_number(word: str) -> int:
    """A number of 32 bits for a word, the same on every machine."""
    return zlib.crc32(word.encode())


def make_pairs(pairs: Iterable[tuple[str, str]]) -> np.ndarray:
    """The set of some pairs.  # [2^n bytes], uint8"""
    numbers = np.array([(word_number(first), word_number(second)) for first, second in pairs], np.uint64).reshape(-1, 2)
    size = max(_SMALLEST, int(len(numbers) * _BITS_PER_PAIR).bit_length())
    places = _places(numbers[:, 0], numbers[:, 1], size)
    bits = np.zeros(1 << size, np.uint8)
    bits[places] = 1
    return np.packbits(bits, bitorder="little")


def have_pairs(pairs: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Whether each word and the one after it are in a set; the last word is in no pair.

    Args:
        pairs: a set of `make_pairs`.
        numbers: `word_number` of the words of a text.  # [words], uint64

    Returns:
        # [words], bool
    """
    found = np.zeros(len(numbers), bool)
    places = _places(numbers[:-1], numbers[1:], (len(pairs) * 8).bit_length() - 1)
    found[:-1] = (pairs[places >> np.uint64(3)] >> (places & np.uint64(7)).astype(np.uint8)) & 1
    return found


def _places(first: np.ndarray, second: np.ndarray, size: int) -> np.ndarray:
    """Bit of each pair in a set of 2^size bits."""
    mixed = first * _FACTORS[0] + second * _FACTORS[1]
    return np.right_shift(mixed.astype(np.uint64), np.uint64(64 - size))
