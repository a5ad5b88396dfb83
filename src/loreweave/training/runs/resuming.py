"""Whether a run is resumed or replaced, as the user asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import listed
from loreweave.corpus.files.reading import read_json
from loreweave.errors import ConfigurationError, DataError
from loreweave.training.runs.inputs import changed_settings
from loreweave.training.runs.lock import is_held
from loreweave.training.runs.status import read_status

_SHOWN_CHANGES = 3


def check_resume(resume: bool, overwrite: bool) -> None:
    """Refuse both at once.

    Raises:
        ConfigurationError: both.
    """
    if resume and overwrite:
        raise ConfigurationError("--resume and --overwrite exclude each other")


def occupied(folder: Path, config: Mapping[str, Any]) -> str:
    """What a folder with a run contains, for a new run with a configuration, and the ways out."""
    try:
        known, state = read_json(folder / "config.json"), read_status(folder).get("status")
    except DataError:
        return "the folder contains another run, which cannot be read; use --overwrite or another folder"
    if changed := changed_settings(known, json.loads(json.dumps(dict(config)))):
        another = f"the folder contains another run ({listed(changed, _SHOWN_CHANGES)})"
        if is_held(folder):
            return f"{another}, and a process is training it now; use another folder"
        return f"{another}; use --overwrite or another folder"
    if state == "done":
        return "the folder contains the same run, which is done; --overwrite repeats it"
    if is_held(folder):
        return "the folder contains the same run, and a process is training it now"
    how = "has crashed" if state == "running" else f"is {state}" if state in ("interrupted", "pruned") else f"has {state}"
    return f"the folder contains the same run, which {how}; --resume continues it, --overwrite begins again"
