"""Differences between the numbers of two runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from loreweave.corpus.files.reading import hashes_of_folder, read_json
from loreweave.errors import DataError

_COSTS = ("seconds", "cpu_seconds", "peak_memory_gib", "used", "model", "data")
"""Names in `results.json` that are not compared: costs, and where the inputs are."""
_WEIGHTS = (".safetensors", ".bin", ".pt")


def differences(first: Path, second: Path) -> list[str]:
    """What differs between two finished runs: numbers in `results.json`, losses of the updates, weights.

    Returns:
        A line for each difference (`dev.micro_f1 was 0.5, now 0.6`); none if everything is equal bit by bit.
    """
    paths = [folder / "results.json" for folder in (first, second)]
    if missing := [path for path in paths if not path.is_file()]:
        return [f"{path} is missing: the run was not finished" for path in missing]
    before, now = (dict(_leaves(read_json(path))) for path in paths)
    names = dict.fromkeys([*before, *now])
    lines = [f"{name} was {before.get(name)}, now {now.get(name)}" for name in names if before.get(name) != now.get(name)]
    return [*_weights(first, second), *_losses(first, second), *lines]


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in nested objects and lists by its dotted place."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield place, value
        return
    for name, part in items:
        if place or name not in _COSTS:
            yield from _leaves(part, f"{place}.{name}".lstrip("."))


def _losses(first: Path, second: Path) -> list[str]:
    paths = [folder / "train_loss.npy" for folder in (first, second)]
    if not all(path.is_file() for path in paths):
        return []
    try:
        before, now = map(losses_in, paths)
    except DataError as error:
        return [f"the losses cannot be compared: {error}"]
    if before.shape != now.shape:
        return [f"there were {len(before)} updates, now {len(now)}"]
    other = np.flatnonzero((before != now) & ~(np.isnan(before) & np.isnan(now)))
    if not len(other):
        return []
    at = other[0]
    return [
        f"the loss of {len(other)} of {len(now)} updates; first at update {at + 1}: was {before[at]:.9g}, now {now[at]:.9g}"
    ]


def losses_in(path: Path) -> np.ndarray:
    """The loss of each update.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        found: np.ndarray = np.load(path, allow_pickle=False)
        return found.reshape(-1).astype(np.float32)
    except (OSError, ValueError, BadZipFile, EOFError, TypeError, AttributeError) as error:
        why = str(error).partition(".")[0] or "the file ends too early"
        raise DataError(f"found losses that cannot be read ({why}), expected a NumPy array", path=path) from None


def _weights(first: Path, second: Path) -> list[str]:
    """Files of weights with other content; none if the first run has no model, because a search has removed it."""
    if not (first / "model").is_dir():
        return []
    before, now = (
        {name: digest for name, digest in _hashes(folder / "model").items() if name.endswith(_WEIGHTS)}
        for folder in (first, second)
    )  # fmt: skip
    return [f"the weights in model/{name}" for name in dict.fromkeys([*before, *now]) if before.get(name) != now.get(name)]


def _hashes(folder: Path) -> dict[str, str]:
    return hashes_of_folder(folder) if folder.is_dir() else {}
