"""Token sequences as fairseq writes them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from loreweave.corpus.fairseq_shards import TYPES


def write_token_sequences(prefix: Path, sequences: Iterable[Sequence[int]], dtype: DTypeLike = "<u2") -> None:
    """Write `<prefix>.bin` and `<prefix>.idx`."""
    kind = np.dtype(dtype).newbyteorder("<")
    code = next(code for code, known in TYPES.items() if known == kind)
    rows = [np.array(ids, kind) for ids in sequences]
    sizes = [len(row) for row in rows]
    starts = [sum(sizes[:number]) * kind.itemsize for number in range(len(rows))]
    prefix.with_name(f"{prefix.name}.bin").write_bytes(b"".join(row.tobytes() for row in rows))
    index = b"MMIDIDX\x00\x00" + struct.pack("<QBQ", 1, code, len(rows)) + np.array(sizes, "<i4").tobytes()
    prefix.with_name(f"{prefix.name}.idx").write_bytes(index + np.array(starts, "<i8").tobytes())
