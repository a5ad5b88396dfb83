"""The files of the splits in a data folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from loreweave.corpus.files.tables import is_data_folder
from loreweave.errors import DataError

USUAL_SPLITS = {"train": ("train",), "dev": ("dev", "valid", "validation"), "test": ("test",)}
"""File stems of the splits of most data sets."""


def split_file(splits: Mapping[str, tuple[str, ...]], folder: Path, split: str) -> Path | None:
    """The file of a split in a data folder: `train.json`, `train.json.xz`, `train-00000-of-00001.parquet`; or its folder, where
    the data are one (`train/` of a saved data set, of brat), or if there is no such file (`train/` with files).

    Raises:
        DataError: several files could be it.
    """
    stems = splits[split]
    named = sorted(path for path in folder.iterdir() if _stem(path) in stems)
    found = [path for path in named if path.is_file() or is_data_folder(path)] or named
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataError(f"found {names}, expected one {split} file; use --{split}", path=folder)
    return found[0] if found else None


def _stem(path: Path) -> str:
    """The name without suffixes, and without what says that it is the whole of one part."""
    return path.name.partition(".")[0].removesuffix("-00000-of-00001")
