"""Weight formats of a LUKE by name. A new one is a module in this folder and a row of `FORMATS`.

The module has `NAME`, `recognises(path)`, `load(path, options)` and, if the format can be written, `save(model, tokenizer,
path, ...)`.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from loreweave.checkpoints.formats import (
    allennlp,
    deepspeed,
    hugging_face,
    luke_disambiguation,
    luke_finetuned,
    luke_original,
    paddle,
)
from loreweave.corpus.counts import listed
from loreweave.corpus.files.missing import close_names
from loreweave.corpus.files.reading import Pathname
from loreweave.errors import CheckpointError, ConfigurationError

FORMATS: dict[str, ModuleType] = {
    module.NAME: module
    for module in (
        luke_disambiguation,
        hugging_face,
        allennlp,
        deepspeed,
        paddle,
        luke_finetuned,
        luke_original,
    )
}
"""Name -> its module, in the order in which they are tried."""

WRITABLE = tuple(name for name, module in FORMATS.items() if hasattr(module, "save"))
"""Names of the formats that can be written."""


def recognise(path: Pathname) -> str:
    """Name of the format of a file or folder.

    Raises:
        CheckpointError: the path does not exist, or has no known format; the message says what was found.
    """
    place = Path(path)
    if not place.exists():
        raise CheckpointError(f"{place}: no such file or folder{close_names(place)}")
    found = next((name for name, module in FORMATS.items() if module.recognises(place)), None)
    if found is None:
        raise CheckpointError(f"{place}: {_what_is_there(place)}")
    return found


_ONLY_FORMAT = "a Hugging Face folder is the only format"


def _what_is_there(place: Path) -> str:
    expected = f"; expected one of the formats {', '.join(FORMATS)}"
    kind = hugging_face.read_config(place).get("model_type") if place.is_dir() else None
    if kind == "luke":
        return f"found the configuration of a LUKE without weights{expected}"
    if kind is not None:
        possible = "a Hugging Face folder and fairseq's are the only formats" if kind == "roberta" else _ONLY_FORMAT
        return f"found a model of the type {kind}, which is not a LUKE: {possible} for such a model; copy the folder instead"
    if place.is_dir():
        names = sorted(item.name for item in place.iterdir())
        return f"found a folder with {listed(names, shown=8) or 'nothing in it'}{expected}"
    return f"found a file that is not a checkpoint of a LUKE{expected}"


def format_named(name: str, *others: str) -> ModuleType:
    """A format by name; `-`, `_` and case do not matter. `others` are also valid names, but handled elsewhere."""
    module = {plain_name(known): module for known, module in FORMATS.items()}.get(plain_name(name))
    if module is None:
        raise ConfigurationError(f"found the format {name!r}, expected one of {', '.join((*FORMATS, *others))}")
    return module


def plain_name(name: str) -> str:
    """A name without the differences that do not matter."""
    return name.lower().replace("-", "").replace("_", "")
