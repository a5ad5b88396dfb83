"""Event files for TensorBoard: the numbers of `metrics.jsonl`."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


class EventFiles:
    """Event files of a run; they begin with exactly the given rows."""

    def __init__(self, folder: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        shutil.rmtree(folder, ignore_errors=True)
        self._writer: Any = SummaryWriter(str(folder))
        for row in rows:
            self._add(row)
        self._writer.flush()

    def show(self, row: Mapping[str, Any]) -> None:
        """Add the numbers of a row."""
        self._add(row)
        self._writer.flush()

    def _add(self, row: Mapping[str, Any]) -> None:
        for name, value in row.items():
            if name not in ("step", "split") and isinstance(value, int | float):
                self._writer.add_scalar(f"{row['split']}/{name}", value, row["step"])

    def close(self) -> None:
        """Close the files."""
        self._writer.close()
