"""Event files for TensorBoard: the numbers of `metrics.jsonl`, and the settings for its HParams tab."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

_SELECTING = "dev"
"""The split whose metrics are shown beside the settings; without dev data, those of the first lines are."""


class EventFiles:
    """Event files of a run; they begin with exactly the given rows.

    Args:
        folder: a folder of their own, which is replaced.
        rows: rows of `metrics.jsonl`.
        settings: settings of the run, in groups or by their dotted names.
    """

    def __init__(self, folder: Path, rows: Iterable[Mapping[str, Any]], settings: Mapping[str, Any] | None = None) -> None:
        from torch.utils.tensorboard import SummaryWriter

        shutil.rmtree(folder, ignore_errors=True)
        self._writer: Any = SummaryWriter(str(folder))
        self._settings = dict(_values(settings or {}))
        self._tags: list[str] = []
        self._described = not self._settings
        for row in rows:
            self._add(row)
        self._writer.flush()

    def show(self, row: Mapping[str, Any]) -> None:
        """Add the numbers of a row."""
        self._add(row)
        self._writer.flush()

    def _add(self, row: Mapping[str, Any]) -> None:
        names = [name for name, value in row.items() if name not in ("step", "split") and isinstance(value, int | float)]
        tags = [f"{row['split']}/{name}" for name in names]
        if row["split"] == _SELECTING and not self._described:
            self._describe(tags)
        self._tags = self._tags or tags
        for tag, name in zip(tags, names, strict=True):
            self._writer.add_scalar(tag, row[name], row["step"])

    def _describe(self, tags: Iterable[str]) -> None:
        """Write the settings, and the tags of the metrics to show beside them."""
        from torch.utils.tensorboard.summary import hparams

        experiment, session, end = hparams(self._settings, dict.fromkeys(tags, 0.0))
        for summary in (experiment, session, end):
            self._writer.file_writer.add_summary(summary)
        self._described = True

    def close(self) -> None:
        """Close the files."""
        if not self._described:
            self._describe(self._tags)
        self._writer.close()


def _values(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by their dotted names; TensorBoard shows numbers, booleans and texts."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _values(value, f"{prefix}{name}.")
        elif isinstance(value, int | float | str):
            yield f"{prefix}{name}", value
        else:
            yield f"{prefix}{name}", "none" if value is None else str(value)
