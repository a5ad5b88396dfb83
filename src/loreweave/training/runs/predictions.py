"""`predictions/` of a run: the output for every record, and tables of scores."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.writing import atomic_path, is_temporary, write_json, write_json_lines

_TABLES = ".tables.json"


def save(
    folder: Path,
    name: str,
    arrays: Mapping[str, np.ndarray],
    rows: Iterable[Mapping[str, Any]],
    tables: Mapping[str, Any] | None = None,
    files: Mapping[str, Any] | None = None,
) -> None:
    """Write `<name>.npz` (logits, labels, ids as text) and `<name>.jsonl`, one object per record.

    `tables`, if any, are written to `<name>.tables.json`: scores per label, for example. Each of the `files` is written to
    `<name>.<kind>.json`: predictions in the layout of an official script (`dev.official.json`).
    """
    with atomic_path(folder / f"{name}.npz") as path, open(path, "wb") as file:
        np.savez_compressed(file, **dict(arrays))  # type: ignore[arg-type]  # numpy's stub: names are arrays
    write_json_lines(folder / f"{name}.jsonl", rows)
    if tables:
        write_json(folder / f"{name}{_TABLES}", dict(tables))
    for kind, content in (files or {}).items():
        write_json(folder / f"{name}.{kind}.json", content)


def keep(folder: Path, source: str, name: str) -> None:
    """Copy the files of `source` (`dev_epoch2`) to `name` (`dev`)."""
    for file in sorted(folder.glob(f"{source}.*")):
        if not is_temporary(file.name):
            with atomic_path(folder / f"{name}{file.name.removeprefix(source)}") as path:
                shutil.copyfile(file, path)


def tables_of(folder: Path, name: str) -> dict[str, Any]:
    """The saved tables; empty if there are none."""
    path = folder / f"{name}{_TABLES}"
    return dict(read_json(path)) if path.exists() else {}
