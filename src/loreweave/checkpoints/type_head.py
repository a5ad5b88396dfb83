"""Type head in two files next to an encoder's own, which stay a plain Hugging Face folder.

entity_types.json          names of the types, temperature, and training settings
entity_types.safetensors   linear map, vectors of the names, vector of "no entity"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from loreweave.checkpoints.tensor_files import read_tensors, write_safetensors
from loreweave.corpus.files.manifests import read_description
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_path, write_json
from loreweave.errors import CheckpointError, DataError
from loreweave.models.type_head import TypeHead

FORMAT = "loreweave entity types"
FORMAT_VERSION = 1
DESCRIPTION, WEIGHTS = "entity_types.json", "entity_types.safetensors"


def recognises(folder: Pathname) -> bool:
    """Whether a folder has a type head."""
    return (Path(folder) / DESCRIPTION).is_file()


def save(folder: Pathname, head: TypeHead, types: Sequence[str], training: Mapping[str, Any]) -> None:
    """Write the two files of a head to a model folder, each atomically."""
    place = Path(folder)
    with atomic_path(place / WEIGHTS) as temporary:
        write_safetensors(dict(head.state_dict()), temporary)
    described = {"types": list(types), "temperature": head.temperature, "training": dict(training)}
    write_json(place / DESCRIPTION, {"format": FORMAT, "version": FORMAT_VERSION, **described})


def load(folder: Pathname) -> tuple[TypeHead, tuple[str, ...]]:
    """Head of a folder, in evaluation mode, float32, on the CPU; and the names of its types.

    Raises:
        CheckpointError: there is none, or it is not ours.
    """
    place = Path(folder)
    if not recognises(place):
        raise CheckpointError(f"{place}: found no {DESCRIPTION}, expected a model trained with entity_types")
    path = place / DESCRIPTION
    try:
        found = read_description(path, FORMAT, FORMAT_VERSION)
    except DataError as error:
        raise CheckpointError(str(error)) from None
    tensors = read_tensors(place / WEIGHTS)
    types, temperature = found.get("types"), found.get("temperature")
    if not isinstance(types, list) or not isinstance(temperature, float) or "names" not in tensors:
        raise CheckpointError(f"{path}: expected the fields types and temperature, and vectors of names in {WEIGHTS}")
    if len(types) != len(tensors["names"]):
        raise CheckpointError(f"{path}: found {len(types)} types, and {len(tensors['names'])} vectors in {WEIGHTS}")
    head = TypeHead(torch.zeros_like(tensors["names"]), temperature, "no_entity" in tensors)
    try:
        head.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(f"{place / WEIGHTS}: {error}") from None
    return head.float().eval(), tuple(types)
