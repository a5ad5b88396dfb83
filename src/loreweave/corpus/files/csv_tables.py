"""Tables as CSV files."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence

from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_write, json_text


def write_csv(path: Pathname, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a header and rows, and return the number of rows.

    None and numbers that are not finite become empty cells; lists and objects become JSON.
    """
    count = 0
    with atomic_write(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(value) for value in row])
            count += 1
    return count


def _cell(value: object) -> object:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json_text(value) if isinstance(value, dict | list | tuple) else value
