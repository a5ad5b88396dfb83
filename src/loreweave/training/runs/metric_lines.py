"""`metrics.jsonl`: one object per line, appended during a run; a killed run may leave an incomplete line at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import naming, not_an_object
from loreweave.corpus.files.writing import json_text
from loreweave.errors import DataError


def append_line(path: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    """Append an object and return it as written: numbers that are not finite become null, because JSON lacks them."""
    line = json_text(row)
    with naming(path), open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")
    return dict(json.loads(line))


def read_lines(path: Path) -> tuple[list[dict[str, Any]], bool]:
    """The objects, and whether an incomplete last line was left out.

    Raises:
        DataError: another line is broken.
    """
    rows, broken = numbered_lines(path)
    return [row for _, row in rows], broken


def numbered_lines(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], bool]:
    """The objects with the numbers of their lines, and whether an incomplete last line was left out.

    Raises:
        DataError: another line is broken.
    """
    lines = path.read_bytes().splitlines() if path.exists() else []
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip(b" \t\0")]
    rows: list[tuple[int, dict[str, Any]]] = []
    for place, (number, line) in enumerate(filled):
        try:
            row = json.loads(line.decode("utf-8"), parse_constant=lambda _: None)  # as `append_line` writes them
        except (ValueError, RecursionError) as error:
            if place == len(filled) - 1:
                return rows, True
            raise DataError(f"found broken JSON ({error}), expected one object per line", path=path, line=number) from None
        if not isinstance(row, dict):
            raise not_an_object(row, path, number)
        rows.append((number, row))
    return rows, False
