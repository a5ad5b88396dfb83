"""Entities and relations of a knowledge graph: the records, and millions of entities as Arrow columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loreweave.corpus.counts import counted
from loreweave.corpus.files.missing import file_not_found
from loreweave.errors import DataError

ROWS_PER_BATCH = 16_384
"""Small enough that a batch of long descriptions uses little memory, and that all batches open in milliseconds."""


@dataclass(frozen=True, slots=True)
class GraphEntity:
    """An entity: its id in the source (`Q145`, `/m/07ssc`, `08860123`), its name, one text about it, more names, types, and the
    title of its Wikipedia article if the source has it."""

    id: str
    label: str = ""
    description: str = ""
    aliases: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class GraphRelation:
    """A relation: its id in the source (`P17`, `_hypernym`), its name and one text about it."""

    id: str
    label: str = ""
    description: str = ""


_LISTS = ("aliases", "types")
COLUMNS = tuple(item.name for item in fields(GraphEntity))
SCHEMA = pa.schema([(name, pa.list_(pa.string()) if name in _LISTS else pa.string()) for name in COLUMNS])


class StringColumn(Sequence[str]):
    """Strings of an Arrow column, created on access; `arrow` is the column itself."""

    def __init__(self, arrow: pa.ChunkedArray) -> None:
        self.arrow = arrow

    def __len__(self) -> int:
        return len(self.arrow)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return self.arrow[index].to_pylist()
        return self.arrow[int(index)].as_py()

    def __iter__(self) -> Iterator[str]:
        for chunk in self.arrow.chunks:
            yield from chunk.to_pylist()

    def __repr__(self) -> str:
        return f"<{len(self)} strings>"

    def take(self, rows: Iterable[int]) -> list[str]:
        """Strings of some rows. (Arrow's own `take` first joins the batches, which is all text of a graph.)"""
        return [self.arrow[int(row)].as_py() for row in rows]


class GraphEntities(Sequence[GraphEntity]):
    """Row -> entity over an Arrow table with `SCHEMA`; `column(name)` returns one column without creating records."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    @classmethod
    def of(cls, entities: Iterable[GraphEntity]) -> Self:
        """Create Arrow columns in memory from records."""
        batches, waiting = [], _Waiting()
        for entity in entities:
            waiting.add(entity)
            if len(waiting) == ROWS_PER_BATCH:
                batches.append(waiting.batch())
        if len(waiting):
            batches.append(waiting.batch())
        return cls(pa.Table.from_batches(batches, SCHEMA))

    @classmethod
    def open(cls, path: Path) -> Self:
        """Memory-map a file of `EntityWriter`.

        Raises:
            DataError: the file is missing, broken, or has other columns.
        """
        try:
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        except FileNotFoundError:
            raise file_not_found(path) from None
        except pa.ArrowInvalid as error:
            raise DataError(f"not an Arrow file ({error})", path=path) from None
        if table.schema == SCHEMA.remove(SCHEMA.get_field_index("title")):  # the format of graphs written before 2026-11-21
            table = table.append_column("title", pa.array([""] * len(table)))
        if table.schema != SCHEMA:
            raise DataError(f"found the columns {', '.join(table.column_names)}, expected {', '.join(COLUMNS)}", path=path)
        return cls(table)

    def __len__(self) -> int:
        return self.table.num_rows

    @overload
    def __getitem__(self, index: int) -> GraphEntity: ...

    @overload
    def __getitem__(self, index: slice) -> list[GraphEntity]: ...

    def __getitem__(self, index: int | slice) -> GraphEntity | list[GraphEntity]:
        if isinstance(index, slice):
            return self.take(range(*index.indices(len(self))))
        return _record([column[int(index)].as_py() for column in self.table.columns])

    def __iter__(self) -> Iterator[GraphEntity]:
        for batch in self.table.to_batches():
            yield from map(_record, zip(*(column.to_pylist() for column in batch.columns), strict=True))

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'entity', 'entities')}>"

    def take(self, rows: Iterable[int]) -> list[GraphEntity]:
        """Entities of some rows."""
        return [self[int(row)] for row in rows]

    def column(self, name: str) -> pa.ChunkedArray:
        """A column of `COLUMNS`."""
        return self.table.column(name)

    def strings(self, name: str) -> StringColumn:
        """The column `id`, `label`, `description` or `title` as Python strings."""
        return StringColumn(self.column(name))

    def given(self, name: str) -> np.ndarray:
        """Whether a column has a value.  # [entities], bool"""
        column = self.column(name)
        lengths = pc.list_value_length(column) if name in _LISTS else pc.binary_length(column)
        return pc.greater(lengths, 0).to_numpy()

    def have_text(self) -> np.ndarray:
        """Whether an entity has a label, a description or an alias.  # [entities], bool"""
        return np.logical_or.reduce([self.given(name) for name in ("label", "description", "aliases")])


class EntityWriter:
    """Writes entities to an Arrow file batch by batch (a context manager)."""

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self._waiting = _Waiting()
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._file, SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None and len(self._waiting):
            self._writer.write_batch(self._waiting.batch())
        self._writer.close()
        self._file.close()

    def add(self, entity: GraphEntity) -> None:
        """Write one entity; its row is the number of entities before it."""
        self._waiting.add(entity)
        self.rows += 1
        if len(self._waiting) == ROWS_PER_BATCH:
            self._writer.write_batch(self._waiting.batch())


class _Waiting:
    """Entities of the next batch."""

    def __init__(self) -> None:
        self.columns: tuple[list[Any], ...] = tuple([] for _ in COLUMNS)

    def __len__(self) -> int:
        return len(self.columns[0])

    def add(self, entity: GraphEntity) -> None:
        ids, labels, descriptions, aliases, types, titles = self.columns
        ids.append(entity.id)
        labels.append(entity.label)
        descriptions.append(entity.description)
        aliases.append(entity.aliases)
        types.append(entity.types)
        titles.append(entity.title)

    def batch(self) -> pa.RecordBatch:
        """Create the batch and begin the next one."""
        arrays = [pa.array(column, item.type) for column, item in zip(self.columns, SCHEMA, strict=True)]
        for column in self.columns:
            column.clear()
        return pa.record_batch(arrays, schema=SCHEMA)


def _record(cells: Sequence[Any]) -> GraphEntity:
    id, label, description, aliases, types, title = cells
    return GraphEntity(id, label, description, tuple(aliases), tuple(types), title)


def are_read_alike(without_text: int, total: int) -> bool:
    """Whether a model of texts cannot distinguish entities (or relations) without text: they have no other text."""
    return without_text == total > 1
