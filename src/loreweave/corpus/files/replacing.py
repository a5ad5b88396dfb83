"""Rules of `--overwrite`: it never replaces a run, and replaces built folders only if loreweave built them."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

from loreweave.errors import ConfigurationError

_RUN = ("status.json", "lock.json")
"""Files of a run's folder; it has at least one of them from the start."""

_OURS = "loreweave "
"""Prefix of the `format` field in every manifest of ours."""


def check_overwritable(folder: Path, manifest: str | None = None) -> None:
    """Refuse to replace a folder with other content than what is about to be written.

    Args:
        folder: the folder that `--overwrite` would replace; it may not exist.
        manifest: name of the file that identifies the folder as ours; None if such folders have none.

    Raises:
        ConfigurationError: the folder is a run or holds runs, or it is not empty and has no such manifest.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    run = next(chain.from_iterable(folder.glob(f"{depth}{name}") for depth in ("", "*/", "*/*/") for name in _RUN), None)
    if run is not None:
        raise ConfigurationError(
            f"{folder}: found a run in {run.parent}, which --overwrite does not replace; choose another folder, or remove the "
            "run yourself"
        )
    if manifest is not None and not _is_ours(folder / manifest):
        raise ConfigurationError(
            f"{folder}: the folder is not empty, and it has no {manifest} of a loreweave build, so "
            "--overwrite does not replace it; choose another folder"
        )


def _is_ours(manifest: Path) -> bool:
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and str(found.get("format", "")).startswith(_OURS)
