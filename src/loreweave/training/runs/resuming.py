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
_WAIT = ", and a process is training it now; wait for it, or use another folder"
_REPLACE = "; use --overwrite or another folder"


def check_resume(resume: bool, overwrite: bool) -> None:
    """Refuse both at once.

    Raises:
        ConfigurationError: both.
    """
    if resume and overwrite:
        raise ConfigurationError("--resume and --overwrite exclude each other")


def occupied(folder: Path, config: Mapping[str, Any]) -> str:
    """What a folder with a run contains, for a new run with a configuration, and the ways out."""
    held = is_held(folder)
    try:
        known, state = read_json(folder / "config.json"), read_status(folder).get("status")
    except DataError:
        return f"the folder contains another run, which cannot be read{_WAIT if held else _REPLACE}"
    if changed := changed_settings(known, json.loads(json.dumps(dict(config)))):
        return f"the folder contains another run ({listed(changed, _SHOWN_CHANGES)}){_WAIT if held else _REPLACE}"
    if held:
        return f"the folder contains the same run{_WAIT}"
    if state == "done":
        return "the folder contains the same run, which is done; --overwrite repeats it"
    how = "has crashed" if state == "running" else f"is {state}" if state in ("interrupted", "pruned") else f"has {state}"
    return f"the folder contains the same run, which {how}; --resume continues it, --overwrite begins again"
