"""Token ids of many texts in one flat array: in memory, or in two `.npy` files that are memory-mapped."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import DTypeLike

from loreweave.corpus.counts import counted
from loreweave.corpus.files.arrays import open_npy
from loreweave.errors import DataError


class TokenTable:
    """Row -> token ids without special tokens.

    Attributes:
        tokens: tokens of all rows, concatenated, uint16 or int32.  # [all tokens]
        offsets: start of each row, and the end of the last, int64.  # [rows + 1]
    """

    def __init__(self, tokens: np.ndarray, offsets: np.ndarray) -> None:
        self.tokens, self.offsets = tokens, offsets

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], dtype: DTypeLike) -> Self:
        """Create a table from rows."""
        return cls(_flat(rows, dtype), _offsets([_lengths(rows)]))

    @classmethod
    def open(cls, folder: Path, name: str) -> Self:
        """Memory-map the files of `save` or of a `TokenTableWriter`.

        Raises:
            DataError: a file is missing or not an array of integers, or the two do not fit together.
        """
        tokens, offsets = (open_array(folder / f"{name}_{part}.npy") for part in ("tokens", "offsets"))
        said = int(offsets[-1]) if len(offsets) else 0
        if len(tokens) != said:
            message = f"found {counted(len(tokens), 'token')}, expected {said} as in {name}_offsets.npy"
            raise DataError(message, path=folder / f"{name}_tokens.npy")
        return cls(tokens, offsets)

    def save(self, folder: Path, name: str) -> None:
        """Write `<name>_tokens.npy` and `<name>_offsets.npy`."""
        np.save(folder / f"{name}_tokens.npy", self.tokens)
        np.save(folder / f"{name}_offsets.npy", self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Numbers of tokens, int64.  # [rows]

        Raises:
            IndexError: a row is negative or past the end.
        """
        check_rows(rows, len(self))
        return self.offsets[rows + 1] - self.offsets[rows]

    def place(self, rows: np.ndarray, lengths: np.ndarray, out: np.ndarray, columns: np.ndarray) -> None:
        """Copy the first `lengths[i]` tokens of row `rows[i]` into `out[i]`, from column `columns[i]` on."""
        line = np.repeat(np.arange(len(rows)), lengths)
        within = np.arange(len(line)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        out[line, columns[line] + within] = self.tokens[self.offsets[rows][line] + within]


def check_rows(rows: np.ndarray, count: int) -> None:
    """Raise IndexError if one of the rows is negative, or not below `count`: NumPy would take it from the end."""
    if len(rows) and not 0 <= rows.min() <= rows.max() < count:
        raise IndexError(f"found the rows {rows.min()} to {rows.max()}, expected rows of {count}")


class TokenTableBuilder:
    """Collects rows in memory (a context manager, like the writer)."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self._lengths: list[np.ndarray] = []
        self._pieces: list[np.ndarray] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def add(self, rows: Sequence[Sequence[int]]) -> None:
        """Append rows."""
        self._lengths.append(_lengths(rows))
        self._keep(_flat(rows, self.dtype))

    def _keep(self, piece: np.ndarray) -> None:
        self._pieces.append(piece)

    def table(self) -> TokenTable:
        """All rows."""
        return TokenTable(np.concatenate([np.zeros(0, self.dtype), *self._pieces]), _offsets(self._lengths))


class TokenTableWriter(TokenTableBuilder):
    """Writes rows to files as they come, keeping only their lengths in memory until the files are complete."""

    def __init__(self, folder: Path, name: str, dtype: DTypeLike) -> None:
        super().__init__(dtype)
        self._folder, self._name, self._count = folder, name, 0
        self._file: BinaryIO = open(folder / f"{name}_tokens.npy", "wb")  # noqa: SIM115  # `__exit__` closes it
        self._write_header()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._file:
            if kind is None:
                self._file.seek(0)
                self._write_header()
                np.save(self._folder / f"{self._name}_offsets.npy", _offsets(self._lengths))

    def _keep(self, piece: np.ndarray) -> None:
        self._count += len(piece)
        self._file.write(piece.tobytes())

    def table(self) -> TokenTable:
        """All rows, memory-mapped; the context must have ended."""
        return TokenTable.open(self._folder, self._name)

    def _write_header(self) -> None:
        """Rewrite the header with the final count: NumPy pads it for a growing first axis."""
        header = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": (self._count,)}
        np.lib.format.write_array_header_1_0(self._file, header)


def open_array(path: Path) -> np.ndarray:
    """Memory-map a one-dimensional array of integers.

    Raises:
        DataError: the file is missing, or is something else.
    """
    array = open_npy(path)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        message = f"found an array of shape {array.shape} and type {array.dtype}, expected integers in one dimension"
        raise DataError(message, path=path)
    return array


def _flat(rows: Sequence[Sequence[int]], dtype: DTypeLike) -> np.ndarray:
    return np.fromiter(chain.from_iterable(rows), dtype)


def _lengths(rows: Sequence[Sequence[int]]) -> np.ndarray:
    return np.fromiter(map(len, rows), np.int64, len(rows))


def _offsets(lengths: Sequence[np.ndarray]) -> np.ndarray:
    return np.cumsum(np.concatenate([np.zeros(1, np.int64), *lengths]))
