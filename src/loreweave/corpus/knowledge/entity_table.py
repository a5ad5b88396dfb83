"""Described entities: ids, names and texts, by row, from JSON Lines or the folder of a knowledge graph.

One JSON object per line: `{"id": "Q64", "label": "Berlin", "description": "capital of Germany", "aliases": ["Berlin, DE"]}`.
`id` is required; `title` (of the Wikipedia article), `wikidata` (the QID) and `types` are optional.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import Pathname, read_json_lines
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.files.writing import write_json_lines
from loreweave.corpus.graphs.knowledge_graph import KnowledgeGraph
from loreweave.corpus.knowledge.entity_names import canonical_entity, is_qid, without_qualifier
from loreweave.corpus.special_entities import NIL
from loreweave.errors import DataError

EXAMPLE = '{"id": "Q64", "label": "Berlin", "description": "capital of Germany", "aliases": ["Berlin, DE"]}'
_STRINGS, _LISTS = ("id", "label", "description", "title", "wikidata"), ("aliases", "types")


@dataclass(frozen=True, slots=True)
class DescribedEntity:
    """An entity.

    Attributes:
        id: its name in the table and in predictions.
        label: its usual name.
        description: one text about it; empty if there is none.
        aliases: further names.
        types: names or ids of its types.
        title: title of its Wikipedia article; empty if it is not known.
        wikidata: its QID; empty if it is not known.
    """

    id: str
    label: str = ""
    description: str = ""
    aliases: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    title: str = ""
    wikidata: str = ""

    @property
    def qid(self) -> str | None:
        """Its id in Wikidata, if it is known."""
        return self.wikidata or (self.id if is_qid(self.id) else None)

    @property
    def name(self) -> str:
        """Its label or, without one, its title or id."""
        return self.label or self.title.replace("_", " ") or self.id.replace("_", " ")

    @property
    def names(self) -> tuple[str, ...]:
        """Its label, aliases and title, each once; a title also without what it has in brackets at its end."""
        title = self.title.replace("_", " ")
        bare = without_qualifier(title)
        return tuple(dict.fromkeys(name for name in (self.name, *self.aliases, title, bare) if name.strip()))

    @property
    def text(self) -> str:
        """Name and description, which an encoder reads: "Berlin: capital of Germany"."""
        description = " ".join(self.description.split())
        return f"{self.name}: {description}" if description else self.name

    def to_dict(self) -> dict[str, Any]:
        """The entity as a JSON object; fields without a value are left out."""
        row = {name: getattr(self, name) for name in (*_STRINGS, *_LISTS)}
        return {name: list(value) if name in _LISTS else value for name, value in row.items() if value or name == "id"}


class EntityTable(Sequence[DescribedEntity]):
    """Entities by row, found by id, title or QID in any spelling (see `canonical_entity`).

    Args:
        entities: entities with different ids.

    Raises:
        DataError: an id occurs twice.

    Attributes:
        shared_titles: number of entities whose title finds another entity.
    """

    def __init__(self, entities: Iterable[DescribedEntity]) -> None:
        self._entities = list(entities)
        self._rows: dict[str, int] = {}
        self._ids: dict[str, int] = {}
        self.shared_titles = 0
        for row, entity in enumerate(self._entities):
            if self._ids.setdefault(entity.id, row) != row:
                raise DataError(f"found the id {entity.id!r} twice, expected one line per entity", field="id")
        for spelling in ("id", "wikidata", "title"):  # an id is never another entity's title
            for row, entity in enumerate(self._entities):
                if value := getattr(entity, spelling):
                    found = self._rows.setdefault(canonical_entity(value), row)
                    self.shared_titles += spelling == "title" and found != row

    def __len__(self) -> int:
        return len(self._entities)

    def __getitem__(self, row: Any) -> Any:
        """The entity of a row, or those of a slice."""
        return self._entities[row]

    def __iter__(self) -> Iterator[DescribedEntity]:
        return iter(self._entities)

    def row_of(self, name: str) -> int | None:
        """Row of an entity by its id, title, QID or address; None if the table does not have it."""
        found = self._ids.get(name)
        return self._rows.get(canonical_entity(name)) if found is None else found

    @property
    def without_description(self) -> int:
        """Number of entities whose text is their name alone."""
        return sum(not entity.description.strip() for entity in self._entities)

    def save(self, path: Pathname) -> None:
        """Write the entities as JSON Lines."""
        write_json_lines(path, (entity.to_dict() for entity in self._entities))


def read_entities(path: Pathname) -> list[DescribedEntity]:
    """The entities of JSON Lines (plain, .gz, .xz, .bz2), or of the folder of a knowledge graph.

    Raises:
        DataError: names the file, the line and the field; or there is no entity, or an id occurs twice.
    """
    if Path(path).is_dir():
        return [
            DescribedEntity(one.id, one.label, one.description, one.aliases, one.types, one.title)
            for one in KnowledgeGraph.load(path).entities
        ]
    found: dict[str, DescribedEntity] = {}
    lines: dict[str, int] = {}
    for line, row in read_json_lines(path):
        try:
            entity = _checked(row)
            if entity.id in found:
                raise DataError(f"found the id {entity.id!r} again (first in line {lines[entity.id]})", field="id")
        except DataError as error:
            raise DataError(error.message, path=path, line=line, field=error.field) from None
        found[entity.id], lines[entity.id] = entity, line
    if not found:
        raise DataError(f"found no entity, expected lines such as {EXAMPLE}", path=path)
    return list(found.values())


def _checked(row: Mapping[str, Any]) -> DescribedEntity:
    """The entity of a JSON object."""
    known = (*_STRINGS, *_LISTS)
    for key in row:
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"expected {', '.join(known)}, such as {EXAMPLE}"
            raise DataError(f"found the unknown key {key!r}; {hint}")
    values: dict[str, Any] = {}
    for name in _STRINGS:
        value = row.get(name)
        if value is not None and not isinstance(value, str):
            raise DataError(f"found {value!r}, expected a string", field=name)
        values[name] = (value or "").strip()
    for name in _LISTS:
        value = row.get(name)
        value = [] if value is None else value
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise DataError(f"found {value!r}, expected a list of strings", field=name)
        values[name] = tuple(dict.fromkeys(each.strip() for each in value if each.strip()))
    if not values["id"]:
        found = in_json(row["id"]) if "id" in row else "nothing"
        raise DataError(f"found {found}, expected the id of an entity, as in {EXAMPLE}", field="id")
    if values["id"] == NIL:
        raise DataError(f"found {NIL!r}, which stands for no entity, expected another id", field="id")
    if values["wikidata"] and not is_qid(values["wikidata"]):
        raise DataError(f"found {values['wikidata']!r}, expected an id of Wikidata such as 'Q64'", field="wikidata")
    return DescribedEntity(**values)


def described(table: EntityTable) -> str:
    """Size of a table, in words."""
    bare = table.without_description
    return (
        counted(len(table), "entity", "entities")
        + (f", {bare:,} of them without a description (their name is read)" if bare else "")
        + (f", {table.shared_titles:,} of them with a title that leads to another entity" if table.shared_titles else "")
    )
