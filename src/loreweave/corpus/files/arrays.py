"""NumPy arrays in files, memory-mapped."""

from __future__ import annotations

import numpy as np

from loreweave.corpus.files.missing import Pathname, file_not_found
from loreweave.errors import DataError


def open_npy(path: Pathname) -> np.ndarray:
    """Memory-map an array of numbers in a .npy file.

    Raises:
        DataError: the file is missing, or is something else.
    """
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise file_not_found(path) from None
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"not a NumPy array of numbers ({error})", path=path) from None
    return array
