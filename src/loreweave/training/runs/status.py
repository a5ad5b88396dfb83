"""`status.json` of a run: its state, and what is needed to find out where it came from."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import not_an_object, read_json
from loreweave.corpus.files.writing import write_json

FILE = "status.json"


def now() -> str:
    """Time of day in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def begun(kind: str, command: Sequence[str] | None = None, **origin: Any) -> dict[str, Any]:
    """Status of a run that begins now.

    Args:
        kind: finetuning, pretraining or evaluation.
        command: words of the command. Default: those of this process.
        origin: where the run's inputs are, such as `files`; relative paths are relative to the working directory of now.
    """
    words = list(command or sys.argv)
    return {"status": "running", "kind": kind, "command": words, "directory": str(Path.cwd()), "started": now(), **origin}


def read_status(folder: Path) -> dict[str, Any]:
    """Content of the file; empty if there is none.

    Raises:
        DataError: it is no JSON object.
    """
    path = folder / FILE
    found = read_json(path) if path.exists() and path.stat().st_size else {}
    if not isinstance(found, dict):
        raise not_an_object(found, path)
    return found


def write_status(folder: Path, status: Mapping[str, Any]) -> None:
    """Replace the file atomically; on a full disk in place, so that the status is not lost."""
    path = folder / FILE
    try:
        write_json(path, dict(status))
    except OSError as error:
        if error.errno != errno.ENOSPC or not path.exists():
            raise
        with open(path, "r+", encoding="utf-8") as file:
            file.write(json.dumps(dict(status), ensure_ascii=False) + "\n")
            file.truncate()
