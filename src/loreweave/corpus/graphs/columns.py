"""Triples and texts of graphs in tables with several columns: CSV and TSV files with a header, or with numbered columns.

The first row is a header if its cells are known names of at least two of head, relation and tail (`subject,predicate,object`,
`source,relation,target`, ...) and do not occur again in their columns, or if the caller names the columns. A row that is
read as a header is counted and reported.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.delimited import cell_rows, has_quoted_cells
from loreweave.corpus.files.reading import content_suffix
from loreweave.corpus.graphs.lines import FirstRow, LeftOut, read_texts, read_triples
from loreweave.errors import ConfigurationError, DataError

Role = Literal["head", "relation", "tail", "id", "description", "name", "aliases"]
ROLES: tuple[Role, ...] = get_args(Role)
TRIPLE: tuple[Role, ...] = ("head", "relation", "tail")
Columns = Mapping[Role, str]
"""Role -> name of a column, or its number from 1."""

_NAMES: dict[Role, tuple[str, ...]] = {
    "head": ("head", "subject", "subj", "source", "src", "from", "start"),
    "relation": ("relation", "rel", "predicate", "pred", "property", "edge", "relationship", "relation_type", "type"),
    "tail": ("tail", "object", "obj", "target", "tgt", "dst", "to", "end"),
    "id": ("id", "entity", "relation", "qid", "node", "mid", "iri", "uri", "index"),
    "description": ("description", "desc", "text", "abstract", "summary", "definition", "gloss", "comment"),
    "name": ("name", "label", "title"),
    "aliases": ("aliases", "alias", "synonyms"),
}
_LETTERS = (("h", "r", "t"), ("s", "p", "o"))
"""Complete headers of single letters; a single letter alone is not evidence."""
_ENDINGS = re.compile(r"(_id|_entity|_label|_name)$")
_BREAKS = re.compile(r"[\t\r\n]")
_LOOKED_AT = 200
"""Number of rows in which the name of a column must not occur as a cell of that column."""


@dataclass(frozen=True)
class Layout:
    """Columns of a file.

    Attributes:
        places: the column of each role, from 0.
        header: names of all columns; None if the first row is data.
    """

    places: Mapping[Role, int]
    header: tuple[str, ...] | None = None

    def names(self, width: int) -> Sequence[str]:
        """Names of all columns; without a header, their numbers from 1 to `width`."""
        return self.header if self.header is not None else [str(number) for number in range(1, width + 1)]


def parse_columns(text: str) -> dict[Role, str]:
    """Parse `head=subject,relation=predicate,tail=object`.

    Raises:
        ConfigurationError: it has another form, or an unknown role.
    """
    columns: dict[Role, str] = {}
    for part in text.split(","):
        role, equals, name = (piece.strip() for piece in part.partition("="))
        if not equals or not name:
            raise ConfigurationError(f"--columns: found {part!r}, expected e.g. head=subject,relation=predicate,tail=object")
        known = next((known for known in ROLES if known == role), None)
        if known is None:
            close = difflib.get_close_matches(role, ROLES, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f", expected {', '.join(ROLES)}"
            raise ConfigurationError(f"--columns: found the role {role!r}{hint}")
        columns[known] = name
    chosen: dict[str, Role] = {}
    for role in (role for role in TRIPLE if role in columns):
        other = chosen.setdefault(columns[role].casefold(), role)
        if other != role:
            raise ConfigurationError(f"--columns: found the column {columns[role]!r} for {other} and for {role}, expected two")
    return columns


def is_csv(path: Path) -> bool:
    """Whether cells may be quoted and contain the delimiter."""
    return content_suffix(path) == ".csv"


def layout_of(
    path: Path, first: Sequence[str], roles: Sequence[Role], columns: Columns | None, *, is_data: bool = False
) -> Layout | None:
    """Columns of a file, as the caller or its first row names them; None if neither does.

    Numbers that the caller gives are places of columns, unless they are all cells of a first row that may be a header.

    Args:
        path: the file, for messages.
        first: its first row.
        roles: the roles that are wanted.
        columns: the caller's names or numbers.
        is_data: whether the first row is certainly no header.

    Raises:
        DataError: the caller names a column that does not exist.
    """
    cells = [cell.strip().lstrip("\ufeff") for cell in first]
    given = {role: name for role, name in (columns or {}).items() if role in roles}
    if given:
        if all(map(str.isdigit, given.values())) and (is_data or not set(cells).issuperset(given.values())):
            return Layout({role: _numbered(path, name, cells) for role, name in given.items()})
        return Layout({role: _named(path, role, name, cells) for role, name in given.items()}, tuple(cells))
    letters = tuple(cell.casefold() for cell in cells)
    if letters in _LETTERS and tuple(roles) == TRIPLE:
        return Layout({role: place for place, role in enumerate(TRIPLE)}, tuple(cells))
    found = {role: place for role in roles if (place := _place(role, cells)) is not None}
    taken = set(found.values())
    if len(taken) < max(2, len(found)):
        return None
    missing = [role for role in roles if role not in found and role in TRIPLE]
    if missing:
        others = [place for place in range(len(cells)) if place not in taken]
        if len(missing) > 1 or len(others) != 1:
            return None
        found[missing[0]] = others[0]
    return Layout(found, tuple(cells))


def _place(role: Role, cells: Sequence[str]) -> int | None:
    """The only column, or the first one, whose name belongs to a role."""
    plain = [re.sub(r"[\s\-:.]+", "_", cell.casefold()).strip("_") for cell in cells]
    for names in (plain, [_ENDINGS.sub("", name) for name in plain]):
        for name in _NAMES[role]:
            if name in names:
                return names.index(name)
    return None


def _numbered(path: Path, name: str, cells: Sequence[str]) -> int:
    number = int(name)
    if not 1 <= number <= len(cells):
        raise DataError(f"--columns: found the number {number}, expected 1 to {len(cells)}: {_shown(cells)}", path=path, line=1)
    return number - 1


def _named(path: Path, role: Role, name: str, cells: Sequence[str]) -> int:
    for names, wanted in ((list(cells), name), ([cell.casefold() for cell in cells], name.casefold())):
        if names.count(wanted) == 1:
            return names.index(wanted)
    close = difflib.get_close_matches(name, cells, 1)
    hint = f"; did you mean {role}={close[0]}?" if close else ""
    raise DataError(f"--columns: found no column {name!r} in the header {_shown(cells)}{hint}", path=path, line=1)


def _shown(cells: Sequence[str]) -> str:
    return listed(map(repr, cells), shown=8)


# ---- triples ---------------------------------------------------------------------------------------------------------


def has_columns(path: Path, columns: Columns) -> bool:
    """Whether a file of triples has the columns that the caller names for other files."""
    rows = list(islice(cell_rows(path), _LOOKED_AT))
    try:
        return bool(rows) and layout_of(path, rows[0][1], TRIPLE, columns, is_data=_recurs(rows)) is not None
    except DataError:
        return False


def read_triple_table(path: Path, left_out: LeftOut, columns: Columns | None = None) -> Iterator[tuple[int, str, str, str]]:
    """Yield (line, head, relation, tail); a file without a header has three columns, as for `read_triples`.

    Raises:
        DataError: a column does not exist, a row is malformed (unless wrong rows are skipped), or it is unknown which
            of several columns are the three.
    """
    rows = list(islice(cell_rows(path), _LOOKED_AT))
    is_data = _recurs(rows)
    layout = layout_of(path, rows[0][1], TRIPLE, columns, is_data=is_data) if rows else None
    if layout is not None and not columns and is_data:
        layout = None
    widths = {len(cells) for _, cells in rows[:2]}
    if layout is None and len(widths) == 1 and 3 not in widths and (is_csv(path) or max(widths) > 3):
        raise DataError(
            f"found {counted(max(widths), 'column')}, the first row {_shown(rows[0][1])}, and no names of head, relation and "
            "tail among them; choose them with --columns head=NAME,relation=NAME,tail=NAME (numbers if there is no header)",
            path=path,
            line=rows[0][0],
        )
    if layout is None and not is_csv(path):
        yield from read_triples(path, left_out)
        return
    yield from _chosen_cells(path, layout or Layout({role: place for place, role in enumerate(TRIPLE)}), left_out)


def _recurs(rows: Sequence[tuple[int, list[str]]]) -> bool:
    """Whether a cell of the first row occurs again in its column, as a cell of a triple can and the name of a column cannot."""
    first = [name.strip() for name in rows[0][1]] if rows else []
    return any(name and cell.strip() == name for _, cells in rows[1:] for cell, name in zip(cells, first, strict=False))


def _chosen_cells(path: Path, layout: Layout, left_out: LeftOut) -> Iterator[tuple[int, str, str, str]]:
    places = [layout.places[role] for role in TRIPLE]
    width = len(layout.header) if layout.header is not None else None
    alone, trim, count = FirstRow(path, left_out), left_out.ids.trim, 0
    for line, cells in _data(path, layout, left_out):
        width = width or len(cells)  # of the first row, if there is no header
        if len(cells) != width or width <= max(places):
            found = f"found {counted(len(cells), 'column')}, expected {width}: {_shown(cells)}"
            left_out.bad("malformed triple", found, path, line)
            continue
        head, relation, tail = (trim(cells[place]) for place in places)
        if broken := next((id for id in (head, relation, tail) if _BREAKS.search(id)), None):
            role = TRIPLE[[head, relation, tail].index(broken)]
            found = f"found the {role} {broken!r}, expected an id without tabs and line breaks"
            left_out.bad("malformed triple", found, path, line)
        elif head and relation and tail:
            count += 1
            if layout.header is None:
                alone.see(head, relation, tail)
            yield line, head, relation, tail
        else:
            empty = TRIPLE[[head, relation, tail].index("")]
            left_out.bad("malformed triple", f"found an empty {empty}, expected an id", path, line)
    alone.done()
    left_out.note_columns(path, layout.names(width or 0), layout.places.values(), count)


def _data(path: Path, layout: Layout, left_out: LeftOut) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header, which is counted; and so is a file whose cells a program put in quotes, as in CSV."""
    rows = cell_rows(path)
    if not is_csv(path) and has_quoted_cells(path):
        left_out.change("files with tabs whose cells are in quotes, read without these quotes")
    if layout.header is not None:
        next(rows)
        chosen = ", ".join(f"{role}={layout.header[place]}" for role, place in layout.places.items())
        left_out.change(f"header row read as {chosen}")
    yield from rows


# ---- texts -----------------------------------------------------------------------------------------------------------


def read_text_table(
    path: Path, role: Role, left_out: LeftOut, columns: Columns | None = None, *, bare_ids: bool = False
) -> Iterator[tuple[int, str, str]]:
    """Yield (line, id, text) of a file of texts; for `name`, the names separated by tabs, as `read_texts` yields them.

    The columns of a CSV file come from its header, and are otherwise id and text. A file with tabs has columns only if the
    caller names them, and is otherwise read by `read_texts`.

    Args:
        role: `description` or `name`.

    Raises:
        DataError: a column does not exist, or a row has no id (unless wrong rows are skipped).
    """
    named = any(name in ("id", role) for name in columns or {})
    if not is_csv(path) and not named:
        yield from read_texts(path, left_out, bare_ids=bare_ids)
        return
    first = next(cell_rows(path), None)
    if first is None:
        return
    roles: tuple[Role, ...] = ("id", role, "aliases") if role == "name" else ("id", role)
    layout = layout_of(path, first[1], roles, columns) or Layout({"id": 0, role: 1})
    if lacking := [wanted for wanted in ("id", role) if wanted not in layout.places]:
        message = f"found {_shown(first[1])}; name the column of the {lacking[0]}: --columns id=NAME,{role}=NAME"
        raise DataError(message, path=path, line=first[0])
    id_place, text_place, count, width = layout.places["id"], layout.places[role], 0, 0
    for line, cells in _data(path, layout, left_out):
        if len(cells) <= max(id_place, text_place) or not cells[id_place].strip():
            left_out.bad("malformed text", f"found {_shown(cells)}, expected an id and a {role}", path, line)
            continue
        parts = [" ".join(cells[text_place].split())]
        more = layout.places.get("aliases")
        if more is not None and len(cells) > more:
            parts += [alias.strip() for alias in cells[more].split("|")]
        count, width = count + 1, max(width, len(cells))
        yield line, left_out.ids.trim(cells[id_place]), "\t".join(part for part in parts if part)
    left_out.note_columns(path, layout.names(width), layout.places.values(), count)
