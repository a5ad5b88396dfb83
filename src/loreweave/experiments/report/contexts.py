"""Contexts of questions, which predictions do not have: they are read from the data again, if the file is still the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loreweave.corpus.files.reading import sha256_of
from loreweave.errors import LoreweaveError
from loreweave.experiments.runs.recorded import RecordedRun
from loreweave.tasks.registry import load_training
from loreweave.training.runs.inputs import name_and_content


@dataclass(frozen=True)
class Contexts:
    """Contexts of the questions of a run.

    Attributes:
        texts: context of each question by its id.
        missing: why there are none; None if there are.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    missing: str | None = None


def contexts_of(run: RecordedRun, split: str) -> Contexts:
    """The contexts of the questions on which a run is scored."""
    path, content = _file(run, split)
    if path is None:
        return Contexts(missing="the run does not record where its data are")
    try:
        if not path.is_file():
            return Contexts(missing=f"there is no file {path}")
        if content is not None and sha256_of(path) != content:
            return Contexts(missing=f"{path} is not the file on which the run was scored")
        format_, skip_bad = run.config.get("format"), bool(run.config.get("skip_bad"))
        read = load_training(str(run.task)).read(path, None if format_ is None else str(format_), skip_bad)
    except (LoreweaveError, OSError) as error:
        return Contexts(missing=f"the data cannot be read: {error}")
    return Contexts(
        {str(record.id): record.context for record in read.records if isinstance(getattr(record, "context", None), str)}
    )


def _file(run: RecordedRun, split: str) -> tuple[Path | None, str | None]:
    """The file with the data, and its SHA-256, as far as they are recorded."""
    files, name = run.status.get("files") or {}, split if run.kind == "finetuning" else "data"
    if name not in files:
        return None, None
    path = Path(str(run.status.get("directory") or "")) / str(files[name])
    if run.kind == "finetuning":
        recorded = run.config.get("data")
        text = recorded.get(split) if isinstance(recorded, Mapping) else None
        return path, name_and_content(str(text))[1] or None if text else None
    hashes = run.inputs.get("data")
    found = hashes.get(path.name) if isinstance(hashes, Mapping) else None
    return path, None if found is None else str(found)
