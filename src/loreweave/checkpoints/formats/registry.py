"""Weight formats by name. A new one of a LUKE is a module in this folder and a row of `MODULES`.

The module has `NAME`, `recognises(path)`, `load(path, options)` and, if the format can be written, `save(model, tokenizer,
path, ...)`. It is imported on first use, so that help can list the formats without torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

from loreweave.corpus.counts import listed
from loreweave.corpus.files.missing import close_names
from loreweave.corpus.files.reading import Pathname
from loreweave.errors import CheckpointError, ConfigurationError

MODULES = {
    "luke-disambiguation": ("luke_disambiguation", False),
    "hugging-face": ("hugging_face", True),
    "allennlp": ("allennlp", False),
    "deepspeed": ("deepspeed", False),
    "paddle": ("paddle", True),
    "luke-finetuned": ("luke_finetuned", False),
    "luke-original": ("luke_original", True),
}
"""Name -> its module, and whether it has `save`; in the order in which they are tried."""

WRITABLE = tuple(name for name, (_, has_save) in MODULES.items() if has_save)
"""Names of the formats of a LUKE that can be written."""

WITHOUT_ENTITIES = ("fairseq", "sparse-lt", "encoder")
"""Names of the formats of other encoders; they can be written, and have functions of their own."""

TARGETS = (*WRITABLE, *WITHOUT_ENTITIES)
"""All formats that can be written."""


class _Modules(Mapping[str, ModuleType]):
    """The modules of the formats by name; names are known without an import."""

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)

    def __contains__(self, name: object) -> bool:
        return name in MODULES

    def __getitem__(self, name: str) -> ModuleType:
        return import_module(f"loreweave.checkpoints.formats.{MODULES[name][0]}")


FORMATS: Mapping[str, ModuleType] = _Modules()
"""Formats of a LUKE: name -> its module, in the order in which they are tried."""


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
    kind = FORMATS["hugging-face"].read_config(place).get("model_type") if place.is_dir() else None
    if kind == "luke":
        return f"found the configuration of a LUKE without weights{expected}"
    if kind is not None:
        possible = "a Hugging Face folder and fairseq's are the only formats" if kind == "roberta" else _ONLY_FORMAT
        return f"found a model of the type {kind}, which is not a LUKE: {possible} for such a model; copy the folder instead"
    if place.is_dir():
        names = sorted(item.name for item in place.iterdir())
        return f"found a folder with {listed(names, shown=8) or 'nothing in it'}{expected}"
    return f"found a file that is not a checkpoint of a LUKE{expected}"


def format_named(name: str) -> ModuleType:
    """A format by name; `-`, `_` and case do not matter."""
    known = next((known for known in FORMATS if plain_name(known) == plain_name(name)), None)
    if known is None:
        raise ConfigurationError(f"found the format {name!r}, expected one of {', '.join(FORMATS)}")
    return FORMATS[known]


def plain_name(name: str) -> str:
    """A name without the differences that do not matter."""
    return name.lower().replace("-", "").replace("_", "")
