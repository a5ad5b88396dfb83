"""The weights of a page, read back in plain steps."""

from __future__ import annotations

import numpy as np

from loreweave.attention.packing import rate_of, unpacked


def rows_restored(differences: np.ndarray) -> np.ndarray:
    """Codes [head, query, key] of `row_differences`."""
    codes = np.zeros(differences.shape, np.uint8)
    for head, rows in enumerate(differences):
        means = [0] * rows.shape[1]
        for query, row in enumerate(rows):
            left = 0
            for key, difference in enumerate(row):
                mean = (means[key] + 128) >> 8
                code = (int(difference) + mean + (left >> 2)) & 255
                left = code - mean
                codes[head, query, key] = code
                means[key] += (((code << 8) - means[key]) * rate_of(query)) >> 8
    return codes


def codes_of(block: str, encoding: str, shape: tuple[int, int, int]) -> np.ndarray:
    """Codes of one byte of a block."""
    codes = np.frombuffer(unpacked(block), np.uint8).reshape(shape)
    return rows_restored(codes) if encoding == "rows" else codes
