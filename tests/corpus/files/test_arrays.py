"""NumPy arrays in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loreweave.corpus.files.arrays import open_npy
from loreweave.errors import DataError


def test_an_array_is_mapped_and_anything_else_is_an_error(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.array([[1, 2]], np.int32))
    found = open_npy(tmp_path / "rows.npy")
    assert isinstance(found, np.memmap) and found.tolist() == [[1, 2]]
    with pytest.raises(DataError, match=r"row\.npy: file not found; did you mean .*rows\.npy"):
        open_npy(tmp_path / "row.npy")
    np.save(tmp_path / "objects.npy", np.array([None], object), allow_pickle=True)
    for name, content in (("objects.npy", None), ("empty.npy", b""), ("text.npy", b"1 2 3")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}: not a NumPy array of numbers"):
            open_npy(tmp_path / name)
