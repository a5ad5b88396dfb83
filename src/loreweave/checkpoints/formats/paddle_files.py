"""Files of `paddle.save`: named arrays as a pickle (Paddle 2 and 3), or as safetensors (Paddle 3, on request).

Paddle stores bfloat16 as NumPy's uint16, because NumPy has no such type; no weight of Paddle is a true uint16.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from loreweave.checkpoints.unpickling import read_numpy_pickle
from loreweave.corpus.counts import listed
from loreweave.errors import CheckpointError

_NAME_TABLE, _BIG_TABLES = "StructuredToParameterName@@", "UnpackBigParamInfor@@"
_WORDS = "word_embeddings.weight"
_HEADER = 8  # bytes of the length with which a safetensors file begins


def read_arrays(file: Path) -> dict[str, Tensor]:
    """Read the named arrays of a file of `paddle.save`, by the restricted unpickler.

    A training checkpoint (`{"model": state, "epoch": 3}`) stands for the state in it that has a table of words.

    Raises:
        CheckpointError: the file is broken, contains anything but arrays, or has no dictionary of arrays.
    """
    if _is_safetensors(file):
        try:
            return load_file(file)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{file}: found no readable safetensors file ({error})") from None
    content = _state_in(read_numpy_pickle(file), file)
    content = {name: value for name, value in content.items() if name != _NAME_TABLE}
    for name, parts in content.pop(_BIG_TABLES, {}).items():  # protocol 2 and 3 cut arrays of more than 2^30 bytes
        pieces = [content.pop(part) for part in parts["slices"]]
        content[name] = np.concatenate(pieces).reshape(parts["OriginShape"])
    return {str(name): _tensor(name, value, file) for name, value in content.items()}


def _is_safetensors(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        start = stream.read(_HEADER + 1)
    length = int.from_bytes(start[:_HEADER], "little")
    return start[_HEADER:] == b"{" and length <= file.stat().st_size - _HEADER


def _state_in(content: Any, file: Path) -> dict[Any, Any]:
    """The dictionary of arrays: the whole content, or the one inside it that is the state of a model."""
    if not isinstance(content, dict):
        raise CheckpointError(f"{file}: found a {type(content).__name__}, expected a dictionary of arrays")
    tables = (_NAME_TABLE, _BIG_TABLES)
    inside = {str(name): value for name, value in content.items() if isinstance(value, dict) and name not in tables}
    states = [name for name, value in inside.items() if any(str(key).endswith(_WORDS) for key in value)]
    if len(states) > 1:
        raise CheckpointError(f"{file}: found {len(states)} models ({listed(states)}), expected one")
    return inside[states[0]] if states else content


def _tensor(name: Any, value: Any, file: Path) -> Tensor:
    if isinstance(value, tuple) and len(value) == 2:  # (name, array), the form of tensors inside other containers
        value = value[1]
    if not isinstance(value, np.ndarray):
        raise CheckpointError(f"{file}: found a {type(value).__name__} under {name!r}, expected an array")
    tensor = torch.from_numpy(np.ascontiguousarray(value).copy())
    return tensor.view(torch.bfloat16) if tensor.dtype == torch.uint16 else tensor


class _StablePickler(pickle.Pickler):
    """Arrays as `numpy.ndarray(shape, dtype, bytes)`: NumPy 1 and 2 share these names, but not those of their own pickles."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return np.ndarray, (value.shape, value.dtype, np.ascontiguousarray(value).tobytes())
        return NotImplemented


def write_arrays(tensors: Mapping[str, Tensor], file: BinaryIO) -> None:
    """Write tensors so that `paddle.load` gives Paddle's tensors of the same names, shapes and types.

    The table of parameters names each array: `paddle.load` leaves an array that it does not name as NumPy's.
    """
    arrays = {name: _array(tensor.detach().cpu().contiguous()) for name, tensor in tensors.items()}
    _StablePickler(file, protocol=4).dump({**arrays, _NAME_TABLE: {name: name for name in arrays}})


def _array(tensor: Tensor) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return array
