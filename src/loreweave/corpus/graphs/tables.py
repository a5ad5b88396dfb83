"""Graphs in our JSON Lines format: every entity and relation is listed, and triples may name no others.

entities.jsonl        {"id", "label", "description", "aliases": [...], "types": [...]}; all but `id` are optional
relations.jsonl       {"id", "label", "description"}
triples/<split>.tsv   head <TAB> relation <TAB> tail; any split names
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import COMPRESSIONS, Pathname, read_json_lines
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.graphs.entities import COLUMNS, GraphEntity
from loreweave.corpus.graphs.knowledge_graph import check_split_name
from loreweave.corpus.graphs.lines import SPLIT_NAMES, LeftOut, need_file
from loreweave.corpus.graphs.source import GraphSource
from loreweave.corpus.graphs.texts import Located
from loreweave.errors import DataError

_RELATION_COLUMNS = ("id", "label", "description")
_LISTS = ("aliases", "types")
_BROKEN_ID = re.compile("[\t\r\n\ud800-\udfff]")


def graph_tables(folder: Pathname) -> GraphSource:
    """Find the files.

    Raises:
        DataError: a file is missing, there are no triples, or a split's name is not valid in a file name.
    """
    base = Path(folder)
    entities, relations = need_file(base, "entities.jsonl"), need_file(base, "relations.jsonl")
    triples: dict[str, Path] = {}
    for suffix in ("", *COMPRESSIONS):
        for path in sorted((base / "triples").glob(f"[!.]*.tsv{suffix}")):
            split = path.name.removesuffix(f".tsv{suffix}")
            check_split_name(split, path)
            if split in triples:
                raise DataError(f"found {triples[split].name} and {path.name}, expected one of them", path=base / "triples")
            triples[split] = path
    if not triples:
        raise DataError("found no triples/<split>.tsv", path=base)
    order = {name: place for place, name in enumerate(SPLIT_NAMES)}
    return GraphSource(
        "jsonl",
        dict(sorted(triples.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))),
        partial(_read_records, entities, COLUMNS),
        partial(_read_records, relations, _RELATION_COLUMNS),
        text_files=(entities, relations),
        entity_ids=partial(_read_ids, entities, COLUMNS),
        relation_ids=partial(_read_ids, relations, _RELATION_COLUMNS),
    )


def _read_ids(path: Path, columns: tuple[str, ...], left_out: LeftOut) -> Iterator[tuple[Path, int, str]]:
    """Distinct ids; a repeated row is found when the rows are read again for their texts."""
    unlisted = LeftOut(skip_bad=left_out.skip_bad)  # wrong rows are counted when their texts are read
    unlisted.ids = left_out.ids
    yielded = set()
    for _, line, record in _read_records(path, columns, {}, unlisted):
        if record.id not in yielded and line is not None:
            yielded.add(record.id)
            yield path, line, record.id


def _read_records(path: Path, columns: tuple[str, ...], ids: Mapping[str, int], left_out: LeftOut) -> Iterator[Located]:
    for line, row in read_json_lines(path):
        if fault := _fault(row, columns):
            left_out.bad(f"malformed row of {path.name}", fault, path, line)
        else:
            aliases, types = (tuple(row.get(name, ())) for name in _LISTS)
            label, description, title = (row.get(name, "") for name in ("label", "description", "title"))
            yield path, line, GraphEntity(left_out.ids.trim(row["id"]), label, description, aliases, types, title)


def _fault(row: dict[str, Any], columns: tuple[str, ...]) -> str:
    """The error of a row; empty if there is none."""
    if not row.get("id") or (isinstance(row["id"], str) and not row["id"].strip()):
        return 'found no "id"'
    for name, cell in row.items():
        if name not in columns:
            return f"found the field {name!r}, expected {', '.join(columns)}"
        if name in _LISTS:
            if not isinstance(cell, list) or not all(isinstance(part, str) for part in cell):
                return f"field {name!r}: found {in_json(cell)}, expected a list of strings"
        elif not isinstance(cell, str):
            return f"field {name!r}: found {in_json(cell)}, expected a string"
    if _BROKEN_ID.search(row["id"]):
        return f"field 'id': found {row['id']!r}, expected whole characters without tabs and line breaks"
    return ""
