"""Files of predictions, of ours and of other systems: rows with or without ids, put beside the gold records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.reading import open_text, read_json_lines
from loreweave.errors import DataError

V = TypeVar("V")

PREDICTED = "predicted"
"""Where every file of predictions and every answer of `loreweave predict` has what was predicted; the truth is in `gold`."""
PLACES = ("line", "record", "row")
"""Fields of an answer that say where its query stands: of JSON Lines and text, of a JSON list, of a table."""


def predicted_name(row: Mapping[str, Any], *older: str) -> str:
    """The field of a row that holds what was predicted: `predicted`, or the first of its `older` names that is there."""
    return next((name for name in (PREDICTED, *older) if name in row), PREDICTED)


def _id(row: Mapping[str, Any]) -> str | None:
    return str(row["id"]) if "id" in row else None


@dataclass(frozen=True)
class Prediction(Generic[V]):
    """One row: where it stands, whose it is (None where the file goes by order), and what it says."""

    line: int
    id: str | None
    value: V


def json_predictions(
    path: Path, value: Callable[[Mapping[str, Any]], V], id_of: Callable[[Mapping[str, Any]], str | None] = _id
) -> list[Prediction[V]]:
    """Rows of JSON Lines; by default `id` says whose they are, and may be absent.

    A row with an `error` in place of an answer (of `loreweave predict`) is no prediction.

    Raises:
        DataError: names the line where `value` or `id_of` refuses a row.
    """
    found = []
    for line, row in read_json_lines(path):
        if "error" in row and PREDICTED not in row and row.keys() <= {"id", *PLACES, "file", "error"}:
            continue
        try:
            found.append(Prediction(line, id_of(row), value(row)))
        except DataError as error:
            raise DataError(error.message, path=path, line=line, field=error.field) from None
    return found


def place_in_episode(row: Mapping[str, Any], part: str) -> str | None:
    """Whose a row of a file of episodes is: `7/0` by `episode` and `part`, 0 where that is missing; None without the former."""
    return f"{row['episode']}/{row.get(part, 0)}" if "episode" in row else None


def with_places(rows: Sequence[Prediction[V]], kind: str = "line") -> list[Prediction[tuple[str, V]]]:
    """Rows whose values know their place ("line 3"): for values that only their gold record can refuse."""
    return [Prediction(row.line, row.id, (f"{kind} {row.line}", row.value)) for row in rows]


def label_predictions(path: Path) -> list[Prediction[str]]:
    """Lines of `id<TAB>label` (SemEval), or of one label each (TACRED); the first says which."""
    with open_text(path) as file:
        rows = [(number, line.strip().split("\t")) for number, line in enumerate(file, 1) if line.strip()]
    width = len(rows[0][1]) if rows else 1
    for number, cells in rows:
        if len(cells) != width or width > 2:
            expected = "one label" if width == 1 else "id<TAB>label"
            raise DataError(f"found {counted(len(cells), 'column')}, expected {expected}", path=path, line=number)
    return [Prediction(number, cells[0] if width == 2 else None, cells[-1]) for number, cells in rows]


def beside(
    rows: Sequence[Prediction[V]], ids: Sequence[str], path: Path, id_field: str = "id"
) -> tuple[list[V | None], list[str]]:
    """A prediction for each gold record, and notes about those that have none.

    Rows go by id where they have one, else by order.

    Raises:
        DataError: no row, an id twice or of no record, some rows with and some without, or rows without ids that are not as
            many as the records.
    """
    if not rows:
        raise DataError("found no prediction", path=path)
    if [row.id for row in rows] == ids:  # also where ids repeat
        return [row.value for row in rows], []
    nameless = [row for row in rows if row.id is None]
    if nameless and len(nameless) < len(rows):
        raise DataError(f"found no {id_field}, which other rows have", path=path, line=nameless[0].line, field=id_field)
    if nameless:
        if len(rows) != len(ids):
            expected = f"expected one for each of {counted(len(ids), 'record')}"
            raise DataError(f"found {counted(len(rows), 'prediction')} without ids, {expected}", path=path)
        return [row.value for row in rows], []
    if len(set(ids)) != len(ids):
        raise DataError("found gold records with the same id, so predictions must be all of them, in their order", path=path)
    known, given = set(ids), dict[str, V]()
    for row in rows:
        assert row.id is not None
        if row.id not in known or row.id in given:
            problem, way_out = "a second prediction for", ""
            if row.id not in known:
                problem = "no gold record with"
                way_out = f'; those of gold are {listed(ids)} (give \'loreweave predict\' JSON Lines with "id" and "text")'
            raise DataError(f"found {problem} the {id_field} {row.id!r}{way_out}", path=path, line=row.line, field=id_field)
        given[row.id] = row.value
    missing = [id for id in ids if id not in given]
    notes = [f"no prediction for {len(missing)} of {counted(len(ids), 'record')}, counted as wrong: {listed(missing)}"]
    return [given.get(id) for id in ids], notes if missing else []


def holds_json(path: Path) -> bool:
    """Whether a file of predictions is JSON Lines.

    Raises:
        DataError: it is empty.
    """
    first = first_character(path)
    if not first:
        raise DataError("found an empty file, expected predictions", path=path)
    return first == "{"
