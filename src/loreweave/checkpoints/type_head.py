"""Type head in two files next to an encoder's own, which stay a plain Hugging Face folder.

entity_types.json          names of the types, temperature, and training settings
entity_types.safetensors   linear map, vectors of the names, vector of "no entity"
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from loreweave.checkpoints.head_files import HeadFiles, filled
from loreweave.checkpoints.tensor_files import read_tensors
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import CheckpointError
from loreweave.models.type_head import TypeHead

FILES = HeadFiles("entity_types", "loreweave entity types")


def recognises(folder: Pathname) -> bool:
    """Whether a folder has a type head."""
    return FILES.description(Path(folder)).is_file()


def save(folder: Pathname, head: TypeHead, types: Sequence[str], training: Mapping[str, Any]) -> None:
    """Write the two files of a head to a model folder, each atomically."""
    described = {"types": list(types), "temperature": head.temperature, "training": dict(training)}
    FILES.save(Path(folder), dict(head.state_dict()), described)


def training_of(folder: Pathname) -> dict[str, Any]:
    """Training settings of the head of a folder.

    Raises:
        CheckpointError: there is none, or it is not ours.
    """
    found: Any = FILES.read(Path(folder)).get("training")
    return found if isinstance(found, dict) else {}


def load(folder: Pathname) -> tuple[TypeHead, tuple[str, ...]]:
    """Head of a folder, in evaluation mode, float32, on the CPU; and the names of its types.

    Raises:
        CheckpointError: there is none, or it is not ours.
    """
    place = Path(folder)
    path, weights = FILES.description(place), FILES.weights(place)
    if not recognises(place):
        raise CheckpointError(f"{place}: found no {path.name}, expected a model trained with entity_types")
    found, tensors = FILES.read(place), read_tensors(weights)
    types: Any = found.get("types")
    temperature: Any = found.get("temperature")
    if not isinstance(types, list) or not all(isinstance(name, str) for name in types):
        raise CheckpointError(f"{path}: types: found {in_json(types)}, expected a list of names")
    if type(temperature) not in (int, float) or not 0 < temperature < math.inf or "names" not in tensors:
        raise CheckpointError(f"{path}: expected a temperature over 0, and vectors of names in {weights.name}")
    if len(types) != len(tensors["names"]):
        raise CheckpointError(f"{path}: found {len(types)} types, and {len(tensors['names'])} vectors in {weights.name}")
    head = TypeHead(torch.zeros_like(tensors["names"]), float(temperature), "no_entity" in tensors)
    return filled(head, tensors, weights).float(), tuple(types)
