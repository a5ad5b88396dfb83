"""Files of named tensors: safetensors and PyTorch, in one file or in shards with an index."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from loreweave.checkpoints.unpickling import read_torch_file
from loreweave.corpus.counts import listed
from loreweave.corpus.files.reading import Pathname, read_json
from loreweave.errors import CheckpointError

WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


def weight_file_in(folder: Pathname) -> Path | None:
    """Weight file: safetensors before PyTorch, one file before shards; None if there is none."""
    return next((Path(folder) / name for name in WEIGHT_FILES if (Path(folder) / name).is_file()), None)


def read_tensors(path: Pathname) -> dict[str, Tensor]:
    """Read all tensors of a weight file, of an index with its shards, or of a folder with one of them.

    Raises:
        CheckpointError: the file is missing, unreadable, or contains something other than tensors.
    """
    file = Path(path)
    if file.is_dir():
        found = weight_file_in(file)
        if found is None:
            raise CheckpointError(f"{file}: found no weights, expected one of {', '.join(WEIGHT_FILES)}")
        file = found
    if file.name.endswith(".index.json"):
        return _read_shards(file)
    if file.suffix == ".safetensors":
        try:
            return load_file(file)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{file}: found no readable safetensors file ({error})") from None
    return state_dict_in(read_torch_file(file), file)


def _read_shards(index: Path) -> dict[str, Tensor]:
    content = read_json(index)
    weight_map = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(weight_map, dict) or not all(isinstance(name, str) for name in weight_map.values()):
        raise CheckpointError(f"{index}: found no weight_map of tensor name -> file name")
    tensors: dict[str, Tensor] = {}
    for name in sorted(set(weight_map.values())):
        if Path(name).name != name:
            raise CheckpointError(f"{index}: found the shard {name!r}, expected a file name in the same folder")
        tensors |= read_tensors(index.with_name(name))
    if missing := sorted(set(weight_map) - set(tensors)):
        raise CheckpointError(f"{index}: the shards do not hold {listed(missing)}")
    return tensors


def state_dict_in(value: Any, path: Pathname) -> dict[str, Tensor]:
    """Check that a loaded object is a dictionary of tensors.

    Raises:
        CheckpointError: it is not.
    """
    if not isinstance(value, Mapping):
        raise CheckpointError(f"{path}: found a {type(value).__name__}, expected a dictionary of tensors")
    wrong = next((name for name, item in value.items() if not isinstance(name, str) or not isinstance(item, Tensor)), None)
    if wrong is not None:
        found = type(value[wrong]).__name__
        raise CheckpointError(f"{path}: found a {found} under {wrong!r}, expected only tensors by name")
    return dict(value)


def write_safetensors(tensors: Mapping[str, Tensor], path: Pathname) -> None:
    """Write tensors to one safetensors file; tensors that share memory are each written in full."""
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    save_file(own, path, metadata={"format": "pt"})


def write_torch(tensors: Mapping[str, Tensor], path: Pathname) -> None:
    """Write tensors to a PyTorch file; tied tensors (equal memory) are stored once, views without the rest of a table."""
    own: dict[tuple[int, torch.Size], Tensor] = {}
    state = {}
    for name, tensor in tensors.items():
        key = (tensor.data_ptr(), tensor.shape)
        if key not in own:
            own[key] = tensor.detach().cpu().clone()
        state[name] = own[key]
    torch.save(state, path)
