"""Names on the Hugging Face Hub as folders of the local cache."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from loreweave.corpus.files import Pathname
from loreweave.errors import CheckpointError

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_TEXTS = ("*.json", "*.txt", "*.model", "*.jsonl", "*.tsv")
_WEIGHTS, _PICKLES = "*.safetensors", "pytorch_model*"


def local_folder(path: Pathname, *, weights: bool = True) -> Path:
    """The path itself when it exists; else, for `owner/name`, the downloaded files of that model.

    Safetensors are preferred: pickled weights are fetched only when a repository has nothing else. Without `weights` come
    configuration, tokenizer and vocabularies alone.

    Raises:
        CheckpointError: there is no such path and no such model.
    """
    place = Path(path)
    if place.exists():
        return place
    name = str(path)
    if not HUB_NAME.fullmatch(name):
        raise CheckpointError(f"{name}: no such file or folder")
    try:
        folder = Path(snapshot_download(name, allow_patterns=[*_TEXTS, *([_WEIGHTS] if weights else [])]))
        if weights and not any(folder.glob("*.safetensors*")):
            folder = Path(snapshot_download(name, allow_patterns=[*_TEXTS, _PICKLES]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{name}: no such file or folder, and no model of this name on the Hub ({reason})") from None
    return folder
