"""What `--overwrite` may replace: never a run, and of built folders only what a build of ours wrote."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

from loreweave.errors import ConfigurationError

_RUN = ("status.json", "lock.json")
"""Files of which the folder of a run has at least one from its first second on."""

_OURS = "loreweave "
"""How the `format` of every manifest of ours begins."""


def check_overwritable(folder: Path, manifest: str | None = None) -> None:
    """Refuse to replace a folder that holds something else than what is written there.

    Args:
        folder: what `--overwrite` would replace; anything may be there, or nothing.
        manifest: name of the file that says that the folder is ours; None where such folders have none.

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
            f"{folder}: the folder is not empty, and no {manifest} in it says that a build of loreweave wrote it, so "
            "--overwrite does not replace it; choose another folder"
        )


def _is_ours(manifest: Path) -> bool:
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and str(found.get("format", "")).startswith(_OURS)
