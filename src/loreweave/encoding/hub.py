"""Models on the Hugging Face Hub as folders of the local cache."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

from loreweave.corpus.files.reading import Pathname
from loreweave.errors import CheckpointError

HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")
_TEXTS = ("*.json", "*.txt", "*.model", "*.jsonl", "*.tsv")
_WEIGHTS, _PICKLES = "*.safetensors", "pytorch_model*"


def local_folder(path: Pathname, *, weights: bool = True) -> Path:
    """Return the path if it exists; otherwise download the model `owner/name` and return its folder.

    Safetensors are preferred: pickled weights are downloaded only if a repository has nothing else. Without `weights`, only
    configuration, tokenizer and vocabularies are downloaded.

    Raises:
        CheckpointError: neither a path nor a model of this name exists.
    """
    place = Path(path)
    if place.exists():
        return place
    name = str(path)
    if not HUB_NAME.fullmatch(name):
        raise CheckpointError(f"{name}: no such file or folder{close_names(place)}")
    try:
        folder = Path(snapshot_download(name, allow_patterns=[*_TEXTS, *([_WEIGHTS] if weights else [])]))
        if weights and not any(folder.glob("*.safetensors*")):
            folder = Path(snapshot_download(name, allow_patterns=[*_TEXTS, _PICKLES]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        close = close_names(place)
        raise CheckpointError(f"{name}: no such file or folder{close or _hub_says(error, reason)}") from None
    return folder


def _hub_says(error: Exception, reason: str) -> str:
    """Reason why a name is not a model on the Hub, or why that is unknown."""
    if isinstance(error, RepositoryNotFoundError):
        return ", and no model of this name on the Hub (or it is private, and no token with access is set)"
    if isinstance(error, HFValidationError):
        return f", and no model can have this name on the Hub ({reason})"
    return f", and no model of this name among those downloaded from the Hub, which cannot be reached ({reason})"


def close_names(place: Path) -> str:
    """Suggestion for a mistyped path: similar names in its folder, or the first folder that does not exist."""
    missing = next(path for path in (*reversed(place.parents), place) if not path.exists())
    if missing != place:
        return f" (there is no {missing})" if len(place.parts) > 2 else ""
    close = difflib.get_close_matches(place.name, [entry.name for entry in place.parent.iterdir()], n=1, cutoff=0.6)
    return f"; did you mean {str(place.with_name(close[0]))!r}?" if close else ""
