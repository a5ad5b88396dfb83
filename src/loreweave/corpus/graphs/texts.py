"""Texts of entities from two files, `id<TAB>description` and `id<TAB>name<TAB>name...`, joined with little memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from loreweave.corpus.files.reading import read_json
from loreweave.corpus.files.strict_json import in_json, kind_of
from loreweave.corpus.graphs.columns import Columns, read_text_table
from loreweave.corpus.graphs.entities import GraphEntity
from loreweave.corpus.graphs.lines import LeftOut, split_names
from loreweave.errors import DataError

OUTSIDE = "texts and names of ids without triples"

Located = tuple[Path, int | None, GraphEntity]
"""File and line that an entity (or a relation, in the same form) was read from."""


def join_texts(
    descriptions: Path | None,
    names: Path | None,
    ids: Mapping[str, int],
    left_out: LeftOut,
    columns: Columns | None = None,
) -> Iterator[Located]:
    """Yield the texts about `ids` in two files: first in the order of `descriptions`, then those with names only.

    The first name is the label, the others are aliases. Either file is optional, and either may be CSV
    (`columns.read_text_table`; `columns` are its own). Memory: one byte for every byte of
    the names, and 13 bytes for every id.
    """
    named = _Names(len(ids))
    if names is not None:
        for line, id, text in read_text_table(names, "name", left_out, columns, bare_ids=True):
            row = ids.get(id)
            if row is None:
                left_out.note(OUTSIDE)
            elif not named.put(row, text):
                left_out.bad("second row of names", f"found names of {id!r} a second time", names, line)
    described = bytearray(len(ids))
    if descriptions is not None:
        for line, id, text in read_text_table(descriptions, "description", left_out, columns):
            row = ids.get(id)
            if row is None:
                left_out.note(OUTSIDE)
            else:
                described[row] = True
                yield descriptions, line, _entity(id, text, named.get(row))
    if names is not None:
        for id, row in ids.items():
            if not described[row] and (found := named.get(row)):
                yield names, None, _entity(id, "", found)


def read_json_texts(path: Path, aliases: str = "aliases") -> Iterator[GraphEntity]:
    """Entities of a JSON object `{id: {"label", "description", <aliases>: [...], "wikipedia"}}`; a field may be absent or null.

    `wikipedia` is the address of an article, whose title becomes the entity's.

    Raises:
        DataError: it has another form; names the id and the field.
    """
    rows = read_json(path)
    if not isinstance(rows, dict):
        raise DataError(f"found {kind_of(rows, 'JSON')}, expected an object of id -> texts", path=path)
    for id, row in rows.items():
        if not isinstance(row, dict):
            raise DataError(f"found {in_json(row)} for {id!r}, expected an object with label and description", path=path)
        label, description, names = row.get("label") or "", row.get("description") or "", row.get(aliases) or []
        address = row.get("wikipedia") or ""
        if not isinstance(names, list) or not all(isinstance(text, str) for text in (label, description, address, *names)):
            raise DataError(f"found values that are not strings for {id!r}", path=path)
        title = unquote(address.rpartition("/wiki/")[2]).replace("_", " ")
        yield GraphEntity(id, label.strip(), description.strip(), tuple(names), title=title)


def present(*paths: Path | None) -> tuple[Path, ...]:
    """The values that are not None."""
    return tuple(path for path in paths if path is not None)


def _entity(id: str, description: str, names: list[str]) -> GraphEntity:
    return GraphEntity(id, names[0] if names else "", description, tuple(dict.fromkeys(names[1:])))


class _Names:
    """Row -> names, as bytes in one block: Python strings for millions of entities would take gigabytes."""

    def __init__(self, rows: int) -> None:
        self._block = bytearray()
        self._starts = array("q", [-1]) * rows
        self._lengths = array("i", [0]) * rows

    def put(self, row: int, text: str) -> bool:
        """Store the names of a row; False if it already has some."""
        if self._starts[row] >= 0:
            return False
        encoded = text.encode()
        self._starts[row], self._lengths[row] = len(self._block), len(encoded)
        self._block += encoded
        return True

    def get(self, row: int) -> list[str]:
        """Names of the row."""
        start = self._starts[row]
        return split_names(self._block[start : start + self._lengths[row]].decode()) if start >= 0 else []
