"""Lines of knowledge-graph files: triples, texts and names by id, with counts of what is left out."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import COMPRESSIONS, Pathname, open_text
from loreweave.corpus.graphs.ids import TrimmedIds
from loreweave.errors import DataError

SPLIT_NAMES = {"train": ("train",), "valid": ("valid", "dev", "val"), "test": ("test",)}
"""Name of a split -> names that its file may have."""


class LeftOut:
    """Counts, by reason, of what a build leaves out, changes, or finds suspicious.

    Wrong rows are errors unless `skip_bad`; they are then also listed in `list_file` (JSON Lines), which is created
    with the first of them. A context manager.
    """

    def __init__(self, list_file: Path | None = None, skip_bad: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self.changes: Counter[str] = Counter()
        self.warnings: list[str] = []
        self.ids = TrimmedIds()
        self.skip_bad = skip_bad
        self._used_columns: set[tuple[str, int]] = set()
        self._unused_columns: dict[tuple[str, int], int] = {}
        self._path = list_file
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def note(self, reason: str, count: int = 1) -> None:
        """Count something that a rule excludes although it is not wrong."""
        if count:
            self.counts[reason] += count

    def note_columns(self, path: Pathname, header: Sequence[str], used: Collection[int], rows: int) -> None:
        """Count cells of columns that are not read; for a file that is read several times, those that no reading used."""
        file = os.path.realpath(path)
        for place, name in enumerate(header):
            column, reason = (file, place), f"cells of the column {name!r}"
            if place in used:
                self._used_columns.add(column)
                self.counts[reason] -= self._unused_columns.pop(column, 0)
                if not self.counts[reason]:
                    del self.counts[reason]
            elif column not in self._used_columns and column not in self._unused_columns:
                self._unused_columns[column] = rows
                self.note(reason, rows)

    def change(self, reason: str, count: int = 1) -> None:
        """Count something that is read differently from its form in the files."""
        self.changes[reason] += count

    def bad(self, reason: str, message: str, path: Pathname, line: int | None = None) -> None:
        """Count and list a wrong row.

        Raises:
            DataError: wrong rows are not to be skipped.
        """
        if not self.skip_bad:
            raise DataError(message, path=path, line=line)
        self.counts[reason] += 1
        if self._path is not None:
            if self._file is None:
                self._file = open(self._path, "w", encoding="utf-8")  # noqa: SIM115 (__exit__ closes it)
            row = {"reason": reason, "file": Path(path).name, "line": line, "message": message}
            self._file.write(json.dumps(row) + "\n")


def read_triples(path: Pathname, left_out: LeftOut) -> Iterator[tuple[int, str, str, str]]:
    """Yield (line from 1, head, relation, tail) of a file of `head<TAB>relation<TAB>tail`; blank lines are ignored.

    A first line whose ids occur nowhere else gives a warning, because it may be a header.

    Raises:
        DataError: a line has another form, and wrong rows are not skipped.
    """
    first = FirstRow(path, left_out)
    trim = left_out.ids.trim
    with open_text(path) as file:
        for line, text in enumerate(file, 1):
            fields = [trim(field) for field in text.rstrip("\r\n").split("\t")]
            if len(fields) == 3 and all(fields):
                first.see(fields[0], fields[1], fields[2])
                yield line, fields[0], fields[1], fields[2]
            elif not text.isspace():
                message = f"found {text.strip()[:80]!r}, expected head<TAB>relation<TAB>tail"
                left_out.bad("malformed triple", message, path, line)
    first.done()


class FirstRow:
    """Check whether the ids of a file's first triple occur nowhere else in it, like the names of columns."""

    _LEAST = 10
    """Number of triples from which that is unlikely to be a coincidence."""

    def __init__(self, path: Pathname, left_out: LeftOut) -> None:
        self.path, self.left_out = path, left_out
        self.count, self.alone = 0, True
        self.cells: tuple[str, str, str] | None = None

    def see(self, head: str, relation: str, tail: str) -> None:
        """Process the next triple."""
        self.count += 1
        if self.cells is None:
            self.cells = (head, relation, tail)
        elif self.alone and (relation == self.cells[1] or {head, tail} & {self.cells[0], self.cells[2]}):
            self.alone = False

    def done(self) -> None:
        """Process the end of the file."""
        if self.alone and self.cells is not None and self.count >= self._LEAST:
            head, relation, tail = self.cells
            self.left_out.warnings.append(
                f"{self.path}: the ids of the first triple, {head!r}, {relation!r}, {tail!r}, occur nowhere else in the "
                f"file; if they are names of columns, use --columns 'head={head},relation={relation},tail={tail}'"
            )


def read_texts(path: Pathname, left_out: LeftOut, bare_ids: bool = False) -> Iterator[tuple[int, str, str]]:
    """Yield (line from 1, id, text) of a file of `id<TAB>text`; a text may be empty and may contain tabs.

    Args:
        path: the file.
        left_out: counts wrong rows.
        bare_ids: accept a line without a tab as an id without text. Not for descriptions, where such a line is usually
            the second part of a description with a line break.

    Raises:
        DataError: a line has no tab or no id, and wrong rows are not skipped.
    """
    with open_text(path) as file:
        for line, row in enumerate(file, 1):
            id, tab, text = row.rstrip("\r\n").partition("\t")  # the line's end is no white space of an id without a text
            id = left_out.ids.trim(id)
            if id and (tab or bare_ids):
                yield line, id, text.strip()
            elif not row.isspace():
                left_out.bad("malformed text", f"found {row.strip()[:80]!r}, expected id<TAB>text", path, line)


def read_table(path: Pathname, left_out: LeftOut, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (line from 1, the first `columns` cells) of a file of `id<TAB>cell<TAB>...`; all but the id may be empty.

    Raises:
        DataError: a line has fewer cells or no id, and wrong rows are not skipped.
    """
    with open_text(path) as file:
        for line, row in enumerate(file, 1):
            cells = [cell.strip() for cell in row.split("\t")]
            if len(cells) >= columns and cells[0]:
                yield line, cells[:columns]
            elif not row.isspace():
                message = f"found {row.strip()[:80]!r}, expected an id and {counted(columns - 1, 'cell')} with tabs between"
                left_out.bad("malformed row", message, path, line)


def split_names(text: str) -> list[str]:
    """Split `name<TAB>name<TAB>...` into a list without empty names."""
    return [name for name in map(str.strip, text.split("\t")) if name]


def find_file(folder: Path, *names: str) -> Path | None:
    """The file with one of these names, plain or compressed; the first existing name counts.

    Raises:
        DataError: a file exists in two compressions.
    """
    for name in names:
        found = [path for suffix in ("", *COMPRESSIONS) if (path := folder / f"{name}{suffix}").is_file()]
        if len(found) > 1:
            raise DataError(f"found {' and '.join(path.name for path in found)}, expected one of them", path=folder)
        if found:
            return found[0]
    return None


def need_file(folder: Path, *names: str) -> Path:
    """As `find_file`, but the file is required.

    Raises:
        DataError: none of the files exists.
    """
    path = find_file(folder, *names)
    if path is None:
        raise no_file(folder, *names)
    return path


def no_file(folder: Path, *names: str) -> DataError:
    """Error for a folder that has none of these files, compressed or not."""
    return DataError(f"found no {' or '.join(names)} (nor one with {', '.join(COMPRESSIONS)})", path=folder)


def find_splits(folder: Path, prefix: str = "", suffixes: tuple[str, ...] = (".tsv", ".txt")) -> dict[str, Path]:
    """Split -> file of triples `<prefix><split><suffix>` for the splits train, valid (or dev, val) and test.

    Raises:
        DataError: there is no training file, or there are two files for one split.
    """
    splits = {}
    for split, spellings in SPLIT_NAMES.items():
        names = [f"{prefix}{name}{suffix}" for name in spellings for suffix in suffixes]
        found = [path for name in names if (path := find_file(folder, name)) is not None]
        if len(found) > 1:
            raise DataError(f"found {' and '.join(path.name for path in found)}, expected one of them", path=folder)
        if found:
            splits[split] = found[0]
    if "train" not in splits:
        raise DataError(f"found no {' or '.join(f'{prefix}train{suffix}' for suffix in suffixes)}", path=folder)
    return splits


class Ids(dict[str, int]):
    """Id -> row. While open, an unknown id receives the next row; when closed, it is a KeyError."""

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        super().__init__(known or {})
        self.open = known is None

    def __missing__(self, id: str) -> int:
        if not self.open:
            raise KeyError(id)
        self[id] = row = len(self)
        return row
