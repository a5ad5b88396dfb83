"""Pickles from other sources, read without running code: they may contain only tensors, arrays and plain containers.

PyTorch files are read with `torch.load(weights_only=True)`, bare pickles of NumPy arrays (Paddle) with
the unpickler here. Both refuse any other global by name before it is called.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.restricted_pickle import RestrictedUnpickler
from loreweave.errors import CheckpointError, DataError

_REFUSED_BY_TORCH = re.compile(r"(?:GLOBAL |find class |instance of )['\"`]?([\w.]+)")
_ALLOWED_KINDS = "biufc"  # bool, integers, floats, complex: object arrays could contain foreign objects


class Settings:
    """Replacement for a pickled `argparse.Namespace`: its attributes, no code."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


class StandIn:
    """Replacement for an object of a foreign package: accepts any state, keeps nothing, runs nothing."""

    def __new__(cls, *_: Any, **__: Any) -> StandIn:
        """An empty object, whatever the arguments."""
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        """Forget the state."""


def read_torch_file(path: Pathname, stand_in_for: str | None = None) -> Any:
    """Read a PyTorch file (zip or legacy) on the CPU; tensors of a zip file stay memory-mapped until they are used.

    Args:
        stand_in_for: a package whose classes and functions are accepted; each object of them becomes a `StandIn`.

    Raises:
        CheckpointError: the file is not a PyTorch file, is broken, or names a global other than tensors and containers.
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointError(f"{file}: file not found")
    allowed: list[Any] = [(Settings, "argparse.Namespace"), *_numpy_globals()]
    try:
        while True:  # each pass reveals one more name, before any tensor is read
            try:
                with torch.serialization.safe_globals(allowed):
                    return torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
            except pickle.UnpicklingError as error:
                found = _REFUSED_BY_TORCH.search(str(error))
                stand_in = (StandIn, found[1]) if found else None
                if stand_in is None or stand_in in allowed or stand_in[1].partition(".")[0] != stand_in_for:
                    raise CheckpointError(f"{file}: {_refusal(str(error))}") from None
                allowed.append(stand_in)
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{file}: found no readable PyTorch file ({first_line})") from None


def _numpy_globals() -> list[Any]:
    """NumPy arrays and scalars (training counters) under the names of NumPy 1 and 2."""
    reconstruct, scalar = np.empty(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    dtypes = sorted({type(np.dtype(code)) for code in np.typecodes["AllInteger"] + "?efdFD"}, key=lambda kind: kind.__name__)
    names = [(reconstruct, "_reconstruct"), (scalar, "scalar")]
    modules = ("numpy.core.multiarray", "numpy._core.multiarray")
    return [*((item, f"{module}.{name}") for module in modules for item, name in names), np.ndarray, np.dtype, *dtypes]


def _refusal(message: str) -> str:
    found = _REFUSED_BY_TORCH.search(message)
    if found is None:
        return f"found no readable PyTorch file ({message.splitlines()[0]})"
    return f"found {found[1]} in the pickle, expected only tensors, arrays and containers; it was not run"


def read_numpy_pickle(path: Pathname, classes: Sequence[type] = ()) -> Any:
    """Read a bare pickle of NumPy arrays in plain containers (`.pdparams`).

    Args:
        classes: further accepted classes; they must be harmless whatever their attributes are.

    Raises:
        CheckpointError: the pickle is broken, names another global, or contains an array of objects.
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointError(f"{file}: file not found")
    try:
        with file.open("rb") as stream:
            allowed = _ALLOWED_IN_NUMPY_PICKLES | {(kind.__module__, kind.__qualname__): kind for kind in classes}
            value = RestrictedUnpickler(stream, allowed, "arrays and containers").load()
    except (CheckpointError, DataError) as error:
        raise CheckpointError(f"{file}: {error}") from None
    except Exception as error:  # a broken pickle fails in any way: struct, memory, index, type, ... errors
        raise CheckpointError(f"{file}: found a broken pickle ({type(error).__name__}: {error})") from None
    _refuse_object_arrays(value, file)
    return value


def _latin1(text: str, encoding: str = "latin1") -> bytes:
    """Replacement for `_codecs.encode` in pickles of protocol 2, for the one encoding that they use."""
    if encoding not in ("latin1", "latin-1"):
        raise CheckpointError(f"found the text encoding {encoding!r} in the pickle, expected latin1")
    return text.encode("latin1")


def _allowed_in_numpy_pickles() -> dict[tuple[str, str], Callable[..., Any]]:
    allowed: dict[tuple[str, str], Callable[..., Any]] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("collections", "OrderedDict"): OrderedDict,
        ("_codecs", "encode"): _latin1,
        ("argparse", "Namespace"): Settings,
    }
    for module in ("numpy.core", "numpy._core"):
        allowed[f"{module}.multiarray", "_reconstruct"] = np.empty(0).__reduce__()[0]  # type: ignore[assignment]  # a builtin
        allowed[f"{module}.multiarray", "scalar"] = np.float64(0).__reduce__()[0]  # type: ignore[assignment]  # a builtin
        allowed[f"{module}.numeric", "_frombuffer"] = np.empty(1).__reduce_ex__(5)[0]  # type: ignore[assignment]  # protocol 5
    for module in ("builtins", "__builtin__"):
        allowed |= {(module, kind.__name__): kind for kind in (tuple, list, dict, set, bytes, bytearray)}
    return allowed


_ALLOWED_IN_NUMPY_PICKLES = _allowed_in_numpy_pickles()


def _refuse_object_arrays(value: Any, file: Path) -> None:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind not in _ALLOWED_KINDS:
        raise CheckpointError(f"{file}: found an array of {value.dtype}, expected numbers")
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list | tuple):
        for item in value:
            _refuse_object_arrays(item, file)
