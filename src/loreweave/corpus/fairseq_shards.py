"""Token sequences in fairseq's binary format: `<prefix>.idx` and `<prefix>.bin`, memory-mapped.

.idx   magic (9 bytes) | version 1 (uint64) | type code (uint8) | count (uint64) | sizes (int32 each)
       | byte offsets (int64 each), all little-endian
.bin   ids of all sequences
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from struct import Struct
from typing import Any, overload

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.files.missing import file_not_found
from loreweave.corpus.files.reading import Pathname
from loreweave.errors import DataError

MAGIC = b"MMIDIDX\x00\x00"
OLDER_MAGIC = b"TNTIDX\x00\x00"
VERSION = 1
TYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<u1"),
    2: np.dtype("<i1"),
    3: np.dtype("<i2"),
    4: np.dtype("<i4"),
    5: np.dtype("<i8"),
    6: np.dtype("<f8"),  # fairseq's `float` is Python's, of 64 bits
    7: np.dtype("<f8"),
    8: np.dtype("<u2"),
    9: np.dtype("<u4"),
    10: np.dtype("<u8"),
}
"""Type code of an index -> dtype of the ids; 9 and 10 were added after fairseq 0.10."""

_HEADER = Struct("<9sQBQ")


class TokenSequences(Sequence[np.ndarray]):
    """Sequences of one `.idx` and `.bin` pair; an item is a view of the file.

    Attributes:
        sizes: number of ids of each sequence.  # [sequences], int32
        offsets: number of bytes of `.bin` before each sequence.  # [sequences], int64

    Raises:
        DataError: a file is missing or does not match the index; names the file and the byte.
    """

    def __init__(self, prefix: Pathname) -> None:
        self.index_file, self.data_file = _with_suffix(prefix, ".idx"), _with_suffix(prefix, ".bin")
        for file in (self.index_file, self.data_file):
            if not file.is_file():
                raise file_not_found(file)
        self.dtype, self.sizes, self.offsets = _read_index(self.index_file)
        bytes_here = self.data_file.stat().st_size
        self._check_places(bytes_here)
        # a plain array over the mapping, since slices of np.memmap itself are slow to create
        self._data = np.asarray(np.memmap(self.data_file, np.uint8, "r")) if bytes_here else np.empty(0, np.uint8)

    def _check_places(self, bytes_here: int) -> None:
        ends = self.offsets + self.sizes.astype(np.int64) * self.dtype.itemsize
        outside = (self.offsets < 0) | (self.offsets > bytes_here) | (ends > bytes_here)
        wrong = outside | (self.sizes < 0) | (self.offsets % self.dtype.itemsize > 0)
        for item in np.flatnonzero(wrong)[:1]:
            at = _HEADER.size + 4 * len(self.sizes) + 8 * item
            said = f"{self.sizes[item]} ids of {self.dtype} from byte {self.offsets[item]} of {self.data_file.name}"
            message = f"found, at byte {at}, that sequence {item} is {said}, which has {counted(bytes_here, 'byte')}"
            raise DataError(message, path=self.index_file)

    def __len__(self) -> int:
        return len(self.sizes)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, index: slice) -> list[np.ndarray]: ...

    def __getitem__(self, index: int | slice) -> np.ndarray | list[np.ndarray]:
        if isinstance(index, slice):
            return [self[item] for item in range(*index.indices(len(self)))]
        start, size = int(self.offsets[index]), int(self.sizes[index])
        return self._data[start : start + size * self.dtype.itemsize].view(self.dtype)

    def __repr__(self) -> str:
        return f"<{len(self)} sequences of {self.dtype} in {self.data_file}>"

    def check_ids(self, symbols: int) -> None:
        """Check all ids against the size of a dictionary.

        Raises:
            DataError: an id is not from 0 to `symbols` - 1; names its file, sequence and byte.
        """
        whole = self._data[: len(self._data) // self.dtype.itemsize * self.dtype.itemsize].view(self.dtype)
        if not len(whole) or 0 <= whole.min() <= whole.max() < symbols:
            return
        for item, ids in enumerate(self):
            for at in np.flatnonzero((ids < 0) | (ids >= symbols))[:1]:
                place = f"sequence {item}, byte {self.offsets[item] + at * self.dtype.itemsize}"
                raise DataError(f"found the id {ids[at]} in {place}, expected an id below {symbols}", path=self.data_file)


def _with_suffix(prefix: Pathname, suffix: str) -> Path:
    path = Path(prefix)
    return path.with_name(path.name + suffix)


def _read_index(path: Path) -> tuple[np.dtype[Any], np.ndarray, np.ndarray]:
    """Dtype of the ids, sizes and byte offsets of the sequences."""
    bytes_here = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    if header.startswith(OLDER_MAGIC):
        message = "an index of fairseq's older format (--dataset-impl lazy or cached), expected that of mmap"
        raise DataError(f"found {OLDER_MAGIC!r} at byte 0: {message}", path=path)
    if not header.startswith(MAGIC):
        raise DataError(f"found {header[: len(MAGIC)]!r} at byte 0, expected {MAGIC!r}", path=path)
    if len(header) < _HEADER.size:
        raise DataError(f"found {counted(bytes_here, 'byte')}, expected a header of {_HEADER.size}", path=path)
    _, version, code, count = _HEADER.unpack(header)
    if version != VERSION:
        raise DataError(f"found version {version} at byte 9, expected {VERSION}", path=path)
    if code not in TYPES:
        raise DataError(f"found the type code {code} at byte 17, expected a code from 1 to {max(TYPES)}", path=path)
    if bytes_here != _HEADER.size + 12 * count:
        found = f"{counted(count, 'sequence')} at byte 18 and {counted(bytes_here, 'byte')}"
        message = f"found {found}, expected {_HEADER.size + 12 * count:,} bytes"
        raise DataError(message, path=path)
    content = np.asarray(np.memmap(path, np.uint8, "r"))
    ends_of_sizes = _HEADER.size + 4 * count
    return TYPES[code], content[_HEADER.size : ends_of_sizes].view("<i4"), content[ends_of_sizes:].view("<i8")
