"""Files of predictions, ours and of other systems: rows with or without ids, aligned with the gold records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from loreweave.corpus.counts import counted
from loreweave.corpus.files.json_rows import first_character, json_rows
from loreweave.corpus.files.reading import not_an_object, open_text, read_json_lines
from loreweave.corpus.files.rows import id_of
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError
from loreweave.tasks.files.own_ids import without_partner

V = TypeVar("V")

PREDICTED = "predicted"
"""Field of the prediction in every file of predictions and in answers of `loreweave predict`; the truth is in `gold`."""
PLACES = ("line", "record", "row")
"""Fields of an answer for the place of its query: in JSON Lines and text, in a JSON list, in a table."""

_LIST_OF_OBJECTS = re.compile(r"\s*\[\s*\{")


def predicted_name(row: Mapping[str, Any], *older: str) -> str:
    """Field of a row with the prediction: `predicted`, or the first of its `older` names that exists."""
    return next((name for name in (PREDICTED, *older) if name in row), PREDICTED)


def _id(row: Mapping[str, Any]) -> str | None:
    return id_of(row, "") or None


@dataclass(frozen=True)
class Prediction(Generic[V]):
    """One row: its place, the id of its record (None if the file has the order of the records), and the prediction.

    `line` is the number of the line, or of what `kind` says: a record of a JSON list. `text` is the text of the record, if
    the row has it.
    """

    line: int
    id: str | None
    value: V
    kind: str = "line"
    text: str | None = None

    @property
    def place(self) -> str:
        """The place in words, for messages."""
        return f"{self.kind} {self.line}"


def json_predictions(
    path: Path,
    value: Callable[[Mapping[str, Any]], V],
    id_of: Callable[[Mapping[str, Any]], str | None] = _id,
    *,
    text_field: str = "text",
) -> list[Prediction[V]]:
    """Rows of JSON Lines or of a JSON list; by default, the optional `id` identifies the record. `text_field` has its text.

    A row with an `error` instead of an answer (of `loreweave predict`) is not a prediction.

    Raises:
        DataError: names the line, or the record of a list, if `value` or `id_of` refuses a row.
    """
    found = []
    kind, rows = ("record", _rows_of_list(path)) if is_list_of_objects(path) else ("line", read_json_lines(path))
    for number, row in rows:
        if "error" in row and PREDICTED not in row and row.keys() <= {"id", *PLACES, "file", "error"}:
            continue
        try:
            text = row.get(text_field)
            found.append(Prediction(number, id_of(row), value(row), kind, text if isinstance(text, str) else None))
        except DataError as error:
            raise DataError(error.message, path=path, record=f"{kind} {number}", field=error.field) from None
    return found


def is_list_of_objects(path: Path) -> bool:
    """Whether a file is one JSON list whose first value is an object; JSON Lines and columns are not."""
    if first_character(path) != "[":
        return False
    with open_text(path) as file:
        head = ""
        for line in file:
            head = f"{head}{line}".strip()
            if len(head) > 1:
                return bool(_LIST_OF_OBJECTS.match(head))
    return False


def _rows_of_list(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, (_, row) in enumerate(json_rows(path), 1):
        if not isinstance(row, dict):
            problem = row if isinstance(row, DataError) else not_an_object(row)
            raise DataError(problem.message, path=path, record=f"record {number}")
        yield number, row


def place_in_episode(row: Mapping[str, Any], part: str) -> str | None:
    """Id of a row in a file of episodes: `7/0` from `episode` and `part` (default 0); None without `episode`."""
    return f"{row['episode']}/{row.get(part, 0)}" if "episode" in row else None


def with_places(rows: Sequence[Prediction[V]]) -> list[Prediction[tuple[str, V]]]:
    """Rows whose values have their place ("line 3"), for values that only their gold record can refuse."""
    return [Prediction(row.line, row.id, (row.place, row.value), row.kind, row.text) for row in rows]


def label_predictions(path: Path) -> list[Prediction[str]]:
    """Lines of `id<TAB>label` (SemEval), or of one label each (TACRED), as the first line shows."""
    with open_text(path) as file:
        rows = [(number, line.strip().split("\t")) for number, line in enumerate(file, 1) if line.strip()]
    width = len(rows[0][1]) if rows else 1
    for number, cells in rows:
        if len(cells) != width or width > 2:
            expected = "one label" if width == 1 else "id<TAB>label"
            raise DataError(f"found {counted(len(cells), 'column')}, expected {expected}", path=path, line=number)
    return [Prediction(number, cells[0] if width == 2 else None, cells[-1]) for number, cells in rows]


def align(
    rows: Sequence[Prediction[V]],
    ids: Sequence[str],
    path: Path,
    id_field: str = "id",
    missing_are: str = "counted as wrong",
    *,
    texts: Sequence[str] = (),
) -> tuple[list[V | None], list[str]]:
    """A prediction for each gold record, and notes about those that have none, about predictions for no record, and about
    predictions whose text is not that of their record.

    Rows are aligned by id if they have one, otherwise by order.

    Args:
        rows: the predictions.
        ids: ids of the gold records.
        path: file of the predictions.
        id_field: name of the field with the id.
        missing_are: what is done with records without a prediction, for the note.
        texts: texts of the gold records; without them, texts are not compared.

    Raises:
        DataError: no rows, no id of a gold record, an id that is repeated, ids in some rows only, or rows without ids in
            another number than records.
    """
    found, notes = _partners(rows, ids, path, id_field, missing_are)
    if texts:
        notes += other_texts(found, texts)
    return [None if row is None else row.value for row in found], notes


def _partners(
    rows: Sequence[Prediction[V]], ids: Sequence[str], path: Path, id_field: str, missing_are: str
) -> tuple[list[Prediction[V] | None], list[str]]:
    """The row of each gold record, and notes; see `align`."""
    if not rows:
        raise DataError("found no prediction", path=path)
    if [row.id for row in rows] == ids:  # also where ids repeat
        return list(rows), []
    nameless = [row for row in rows if row.id is None]
    if nameless and len(nameless) < len(rows):
        raise DataError(f"found no {id_field}, which other rows have", path=path, record=nameless[0].place, field=id_field)
    if nameless:
        if len(rows) != len(ids):
            expected = f"expected one for each of {counted(len(ids), 'record')}"
            raise DataError(f"found {counted(len(rows), 'prediction')} without ids, {expected}", path=path)
        return list(rows), []
    if len(set(ids)) != len(ids):
        times = Counter(ids)
        found = f"found gold records with the same id (the first is {next(id for id in ids if times[id] > 1)!r})"
        raise DataError(f"{found}, so predictions must be all of them, in order", path=path)
    known, given = set(ids), dict[str, Prediction[V]]()
    for row in rows:
        assert row.id is not None
        if row.id in known and row.id in given:
            raise DataError(
                f"found a second prediction for the {id_field} {row.id!r}", path=path, record=row.place, field=id_field
            )
        given[row.id] = row
    missing = [id for id in ids if id not in given]
    theirs = [str(row.id) for row in rows]
    return [given.get(id) for id in ids], without_partner(
        theirs, ids, missing, path, counted(len(ids), "record"), missing_are=missing_are
    )


def other_texts(found: Sequence[Prediction[Any] | None], texts: Sequence[str]) -> list[str]:
    """A note about predictions whose text is not that of their record, whatever its case and white space."""
    pairs = [(row, text) for row, text in zip(found, texts, strict=True) if row is not None and row.text is not None]
    other = [(row, text) for row, text in pairs if _letters(row.text or "") != _letters(text)]
    if not other:
        return []
    row, text = other[0]
    have = counted(len(other), "prediction has", "predictions have")
    first = f"{row.place}: found {in_json(row.text)}, expected {in_json(text)}"
    return [f"{have} another text than the record with its id or place; are they for other data? The first: {first}"]


def _letters(text: str) -> str:
    return "".join(text.split()).casefold()


def holds_json(path: Path) -> bool:
    """Whether a file of predictions is JSON Lines, or a JSON list of objects.

    Raises:
        DataError: it is empty.
    """
    first = first_character(path)
    if not first:
        raise DataError("found an empty file, expected predictions", path=path)
    return first == "{" or is_list_of_objects(path)
