"""Models on the Hugging Face Hub as folders of the local cache."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

_TEXTS = ("*.json", "*.txt", "*.model", "*.jsonl", "*.tsv")
_WEIGHTS, _PICKLES = "*.safetensors", "pytorch_model*"


class NotOnHubError(Exception):
    """There is no model of a name; the message continues a sentence that says so."""


def download(name: str, *, weights: bool) -> Path:
    """Download the model `owner/name`, or find it in the local cache, and return its folder.

    Safetensors are preferred: pickled weights are downloaded only if a repository has nothing else. Without `weights`, only
    configuration, tokenizer and vocabularies are downloaded.

    Raises:
        NotOnHubError: no model has this name, or the Hub cannot be reached.
    """
    try:
        folder = Path(snapshot_download(name, allow_patterns=[*_TEXTS, *([_WEIGHTS] if weights else [])]))
        if weights and not any(folder.glob("*.safetensors*")):
            folder = Path(snapshot_download(name, allow_patterns=[*_TEXTS, _PICKLES]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise NotOnHubError(_reason(error, reason)) from None
    return folder


def _reason(error: Exception, reason: str) -> str:
    """Reason why a name is not a model on the Hub, or why that is unknown."""
    if isinstance(error, RepositoryNotFoundError):
        return ", and no model of this name on the Hub (or it is private, and no token with access is set)"
    if isinstance(error, HFValidationError):
        return f", and no model can have this name on the Hub ({reason})"
    return f", and no model of this name among those downloaded from the Hub, which cannot be reached ({reason})"
