"""Captured attention on disk: a folder with a line of `index.jsonl` and a `.safetensors` file for each example."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from loreweave.attention.captured import CapturedAttention, EntityToken, LatentTypes, Prediction, Tokens, Weights, missing_of
from loreweave.corpus.files.reading import Pathname, read_json_lines
from loreweave.corpus.files.writing import atomic_folder, json_text
from loreweave.errors import DataError

INDEX = "index.jsonl"
VERSION = 1
WEIGHTS = "weights"
"""Name of the tensor [layer, head, query, key]."""
_RELEVANCE = "relevance"


def write_attention(
    folder: Pathname, examples: Iterable[CapturedAttention], *, dtype: str = "float32", overwrite: bool = False
) -> int:
    """Write examples one at a time, and return their number.

    Args:
        folder: new folder.
        examples: the examples.
        dtype: `float32`, or `float16` for half the size.
        overwrite: replace an existing folder.

    Raises:
        ConfigurationError: the folder exists, and `overwrite` is false.
    """
    count = 0
    with atomic_folder(folder, overwrite) as place, (place / INDEX).open("w", encoding="utf-8") as index:
        for example in examples:
            count += 1
            name = f"{count:06d}.safetensors"
            tensors = {WEIGHTS: example.weights.astype(dtype)}
            tensors |= {f"{_RELEVANCE}.{number}": matrix for number, matrix in enumerate(example.relevance.values())}
            save_file(tensors, place / name)
            index.write(json_text(_row(example, name)) + "\n")
    return count


def read_attention(
    folder: Pathname,
    ids: Collection[str] = (),
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
) -> Iterator[CapturedAttention]:
    """Examples of a folder, one at a time. Only the requested layers are read.

    Args:
        folder: folder written by `write_attention`.
        ids: ids of the examples. Default: all.
        layers: layers to read. None: all.
        heads: heads to read. None: all.

    Raises:
        DataError: a file of another version, a missing file, or an id that is not there.
    """
    place = Path(folder)
    if not (place / INDEX).is_file():
        raise DataError(f"found no captured attention ({INDEX})", path=place)
    seen: set[str] = set()
    for line, row in read_json_lines(place / INDEX):
        if row.get("version") != VERSION:
            found = f"found version {row.get('version')!r}, expected {VERSION}: capture the attention again"
            raise DataError(found, path=place / INDEX, line=line, field="version")
        if ids and row.get("id") not in ids:
            continue
        try:
            example = _example(place, row, layers)
        except (KeyError, TypeError) as error:
            found = f"found an incomplete row ({error!r}): capture the attention again"
            raise DataError(found, path=place / INDEX, line=line) from error
        seen.add(example.id)
        yield example.only(heads=heads)
    if missing := set(ids) - seen:
        raise DataError(f"found no example {sorted(missing)[0]!r}, expected an id in this file", path=place / INDEX, field="id")


def _row(example: CapturedAttention, name: str) -> dict[str, Any]:
    """Everything of an example but its weights."""
    return {
        "version": VERSION,
        "file": name,
        "id": example.id,
        "model": example.model,
        "text": example.text,
        "kind": example.kind,
        "layers": example.layers,
        "heads": example.heads,
        "queries": asdict(example.queries),
        "keys": None if example.keys is None else asdict(example.keys),
        "entities": [asdict(entity) for entity in example.entities],
        "sentences": example.sentences,
        "prediction": None if example.prediction is None else asdict(example.prediction),
        "relevance": list(example.relevance),
        "types": None if example.types is None else asdict(example.types),
        "cut": example.cut,
    }


def _example(folder: Path, row: Mapping[str, Any], layers: Sequence[int] | None) -> CapturedAttention:
    path = folder / row["file"]
    chosen = [layer for layer in row["layers"] if layers is None or layer in layers]
    if layers is not None and (missing := missing_of(row["layers"], layers, "layer")):
        raise DataError(missing, path=path)
    try:
        with safe_open(path, framework="numpy") as file:
            stored = file.get_slice(WEIGHTS)
            weights = np.stack([stored[row["layers"].index(layer)] for layer in chosen]).astype(np.float32)
            relevance: dict[str, Weights] = {
                label: file.get_tensor(f"{_RELEVANCE}.{number}") for number, label in enumerate(row["relevance"])
            }
    except (OSError, SafetensorError) as error:
        raise DataError(f"found no readable weights ({error})", path=path) from error
    return CapturedAttention(
        id=row["id"],
        model=row["model"],
        text=row["text"],
        kind=row["kind"],
        queries=Tokens(**row["queries"]),
        keys=None if row["keys"] is None else Tokens(**row["keys"]),
        weights=weights,
        layers=chosen,
        heads=row["heads"],
        entities=[EntityToken(**entity) for entity in row["entities"]],
        sentences=row["sentences"],
        prediction=None if row["prediction"] is None else Prediction(**row["prediction"]),
        relevance=relevance,
        types=None if row["types"] is None else LatentTypes(**row["types"]),
        cut=row.get("cut", ""),
    )
