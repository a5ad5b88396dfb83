"""The files of a run's record, with what readers of runs rely on checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import not_an_object, read_json
from loreweave.corpus.files.strict_json import in_json
from loreweave.errors import DataError
from loreweave.experiments.runs.recorded import STATES, is_number
from loreweave.training.runs.metric_lines import numbered_lines

CONFIG, METRICS = "config.json", "metrics.jsonl"

Kind = tuple[str, Callable[[object], bool]]
_NUMBER: Kind = ("a number", is_number)
_TEXT: Kind = ("a text", lambda value: isinstance(value, str))
_OBJECT: Kind = ("an object", lambda value: isinstance(value, Mapping))
_ROWS: Kind = (
    "a list of objects",
    lambda value: isinstance(value, Sequence) and all(isinstance(row, Mapping) for row in value),
)
_STATE: Kind = (f"one of {', '.join(STATES)}", lambda value: value in STATES)


def object_in(path: Path) -> dict[str, Any]:
    """A JSON object; empty if there is no file, or one that a full disk has left empty.

    Raises:
        DataError: the content is something else.
    """
    if not path.is_file() or not path.stat().st_size:
        return {}
    found = read_json(path)
    if not isinstance(found, dict):
        raise not_an_object(found, path)
    return found


def status_in(path: Path) -> dict[str, Any]:
    """Content of `status.json`.

    Raises:
        DataError: names the field that is of another kind.
    """
    found = object_in(path)
    _check(found, {"status": _STATE, "kind": _TEXT, "used": _OBJECT, "files": _OBJECT, "error": _TEXT}, path)
    for name, value in (found.get("used") or {}).items():
        _check({f"used.{name}": value}, {f"used.{name}": _NUMBER}, path, needed=True)
    for name, value in (found.get("files") or {}).items():
        _check({f"files.{name}": value}, {f"files.{name}": _TEXT}, path, needed=True)
    return found


def results_in(path: Path) -> dict[str, Any]:
    """Content of `results.json`.

    Raises:
        DataError: names the field that is of another kind.
    """
    found = object_in(path)
    kinds = {"dev": _OBJECT, "test": _OBJECT, "tables": _OBJECT, "examples": _NUMBER, "best_epoch": _NUMBER, "metric": _TEXT}
    _check(found, kinds, path)
    _check_labels(found, "", path)
    for split, tables in (found.get("tables") or {}).items():
        if split in ("dev", "test") and tables is not None:
            _check({f"tables.{split}": tables}, {f"tables.{split}": _OBJECT}, path)
            _check_labels(tables, f"tables.{split}.", path)
    return found


def rows_in(path: Path) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl`, without an incomplete last one.

    Raises:
        DataError: names the line and the field that is of another kind.
    """
    rows = []
    for number, row in numbered_lines(path)[0]:
        _check(row, {"step": _NUMBER, "split": _TEXT}, path, needed=True, line=number)
        _check(row, {"epoch": _NUMBER}, path, line=number)
        rows.append(row)
    return rows


def _check_labels(tables: Mapping[str, Any], prefix: str, path: Path) -> None:
    """Check the table with scores of each label."""
    name = f"{prefix}per_label"
    _check({name: tables.get("per_label")}, {name: _ROWS}, path)
    for row in tables.get("per_label") or []:
        counts = {f"{name}.{count}": row.get(count) for count in ("gold", "support")}
        _check(counts, dict.fromkeys(counts, _NUMBER), path)


def _check(
    values: Mapping[str, Any], kinds: Mapping[str, Kind], path: Path, *, needed: bool = False, line: int | None = None
) -> None:
    for message, name in _wrong(values, kinds, needed):
        raise DataError(message, path=path, line=line, field=name)


def _wrong(values: Mapping[str, Any], kinds: Mapping[str, Kind], needed: bool) -> Iterator[tuple[str, str]]:
    for name, (expected, fits) in kinds.items():
        value = values.get(name)
        if value is None and not needed:
            continue
        if not fits(value):
            yield f"found {'none' if value is None else in_json(value)}, expected {expected}", name
