"""Numbers as compressed text inside an HTML page, which the page's `packed.js` reads back.

Bytes are compressed with zlib and written with 91 printable characters, 13 bits in two of them: 23 % more than the bytes, where
base64 needs 33 % more. Codes of weights are first replaced by their differences from a prediction, because the rows of a head
resemble each other: the bytes become about 7 % fewer.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALPHABET = "".join(chr(code) for code in range(33, 127) if chr(code) not in "\"'<")
"""The 91 characters. `<` would end a script element; quotes are escaped in attributes."""
_BITS, _LAST = 13, 6
_LEVEL, _MEMORY = 9, 9
_RATE = 80
_PIECE = _BITS << 14
"""Number of bytes that are written at once, a multiple of 13."""


def packed(data: bytes, *, numbers: bool = True) -> str:
    """Bytes as compressed text; the same for the same bytes. numbers: they are not text, and repeat little."""
    stream = zlib.compressobj(
        _LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY, zlib.Z_FILTERED if numbers else zlib.Z_DEFAULT_STRATEGY
    )
    return text_of(stream.compress(data) + stream.flush())


def unpacked(text: str) -> bytes:
    """The bytes of `packed`."""
    return zlib.decompress(bytes_of(text))


def text_of(data: bytes) -> str:
    """Bytes as text of 91 characters, not compressed."""
    letters = np.frombuffer(ALPHABET.encode("ascii"), np.uint8)
    pieces = []
    for start in range(0, len(data), _PIECE):
        bits = np.unpackbits(np.frombuffer(data[start : start + _PIECE], np.uint8))
        rest = len(bits) % _BITS
        single = 0 < rest <= _LAST
        whole = np.pad(bits, (0, _LAST - rest if single else -len(bits) % _BITS))
        pairs = whole[: -_LAST if single else None].reshape(-1, _BITS) @ (1 << np.arange(_BITS)[::-1])
        places = np.stack(np.divmod(pairs, len(ALPHABET)), axis=1).ravel()
        if single:
            places = np.append(places, whole[-_LAST:] @ (1 << np.arange(_LAST)[::-1]))
        pieces.append(letters[places].tobytes().decode("ascii"))
    return "".join(pieces)


def bytes_of(text: str) -> bytes:
    """The bytes of `text_of`."""
    places = np.array([ALPHABET.index(letter) for letter in text], np.int64)
    pairs = places[: len(places) // 2 * 2].reshape(-1, 2) @ [len(ALPHABET), 1]
    bits = [f"{pair:0{_BITS}b}" for pair in pairs] + [f"{place:0{_LAST}b}" for place in places[len(places) // 2 * 2 :]]
    joined = "".join(bits)
    return bytes(int(joined[at : at + 8], 2) for at in range(0, len(joined) // 8 * 8, 8))


def row_differences(codes: NDArray[Any]) -> NDArray[np.uint8]:
    """Codes [head, query, key] of one byte as their differences from a prediction, modulo 256.

    The prediction of a code is the running mean of the codes above it, plus a quarter of the difference of its left neighbour.
    """
    given = codes.astype(np.int32)
    heads, queries, keys = given.shape
    means = np.zeros((heads, keys), np.int32)
    found = np.empty(given.shape, np.uint8)
    for query in range(queries):
        row = given[:, query]
        difference = row - ((means + 128) >> 8)
        left = np.zeros_like(difference)
        left[:, 1:] = difference[:, :-1] >> 2
        found[:, query] = (difference - left) & 255
        means += (((row << 8) - means) * rate_of(query)) >> 8
    return found


def rate_of(query: int) -> int:
    """Share of a row in the running mean, in 256ths: all of the first row, then less, down to a fixed share."""
    return max(_RATE, 256 // (query + 1))
