"""Types of entities: the names of the types of each title, and their file.

One JSON object per line: `{"entity": "Great_tit", "types": ["Birds", "Animals of Europe"]}`. The titles are those of links; in
titles, a space and an underscore are equal, as in MediaWiki.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.entity_vocabulary import EntityVocabulary, spellings
from loreweave.corpus.files.reading import Pathname, read_json_lines
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.files.writing import write_json_lines
from loreweave.errors import DataError
from loreweave.random_streams import stream

TITLE, TYPES = "entity", "types"


def read_entity_types(path: Pathname) -> dict[str, tuple[str, ...]]:
    """Title -> names of its types, in the order of the file.

    Raises:
        DataError: a line has other fields, a title occurs twice, a name is empty, or there are no lines.
    """
    found: dict[str, tuple[str, ...]] = {}
    for number, row in read_json_lines(path):
        try:
            title, names = _checked(row)
            if title in found:
                raise DataError(f"found {title!r} twice, expected one line per entity", field=TITLE)
        except DataError as error:
            raise DataError(str(error), path=path, line=number) from None
        found[title] = names
    if not found:
        raise DataError(f"found no entity, expected lines such as {EXAMPLE}", path=path)
    return found


EXAMPLE = '{"entity": "Great_tit", "types": ["Birds"]}'


def _checked(row: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Title and types of a row, each name once."""
    if set(row) != {TITLE, TYPES}:
        raise DataError(f"found the fields {listed(sorted(row)) or 'none'}, expected entity and types: {EXAMPLE}")
    title, names = row[TITLE], row[TYPES]
    if not isinstance(title, str) or not title.strip():
        raise DataError(f"found {in_json(title)}, expected a title", field=TITLE)
    if not isinstance(names, list) or not names:
        raise DataError(f"found {in_json(names)}, expected a list of at least one name", field=TYPES)
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise DataError(f"found {in_json(name)}, expected the name of a type", field=TYPES)
    return title, tuple(dict.fromkeys(name.strip() for name in names))


def write_entity_types(path: Pathname, types: Mapping[str, tuple[str, ...]]) -> int:
    """Write the file atomically, and return the number of entities."""
    return write_json_lines(path, ({TITLE: title, TYPES: list(names)} for title, names in types.items()))


@dataclass(frozen=True)
class VocabularyTypes:
    """Types of the rows of an entity vocabulary, in compressed rows: those of row i are
    `types[offsets[i] : offsets[i + 1]]`, as indices of `names`.

    Attributes:
        names: names of the types that the vocabulary's entities have, sorted.
        offsets: [rows + 1]
        types: [sum of the numbers of types of all rows]
        unknown: number of entities of the file that the vocabulary does not have.
    """

    names: tuple[str, ...]
    offsets: np.ndarray
    types: np.ndarray
    unknown: int = 0

    @classmethod
    def of(cls, given: Mapping[str, tuple[str, ...]], vocabulary: EntityVocabulary) -> VocabularyTypes:
        """Types of `vocabulary`'s entities. Titles that are one entity (in several languages) have the types of all."""
        by_row: dict[int, dict[str, None]] = {}
        unknown = 0
        for title, names in given.items():
            rows = {row for row in map(vocabulary.id_of, spellings(title)) if row is not None} - set(vocabulary.special_ids)
            unknown += not rows
            for row in rows:
                by_row.setdefault(row, {}).update(dict.fromkeys(names))
        used = tuple(sorted({name for names in by_row.values() for name in names}))
        number = {name: index for index, name in enumerate(used)}
        counts = np.zeros(len(vocabulary), np.int64)
        counts[list(by_row)] = [len(names) for names in by_row.values()]
        flat = [number[name] for row in sorted(by_row) for name in by_row[row]]
        return cls(used, np.concatenate([[0], np.cumsum(counts)]), np.array(flat, np.int64), unknown)

    @property
    def counts(self) -> np.ndarray:
        """Number of types of each row. [rows]"""
        return np.diff(self.offsets)

    def of_row(self, row: int) -> np.ndarray:
        """Types of a row of the vocabulary. [types of the row]"""
        return self.types[self.offsets[row] : self.offsets[row + 1]]

    def numbered(self, names: Sequence[str]) -> VocabularyTypes:
        """The same types as indices of `names`, which has all of them and may have more."""
        numbers = {name: number for number, name in enumerate(names)}
        places = np.array([numbers[name] for name in self.names], np.int64)
        return replace(self, names=tuple(names), types=places[self.types])

    def shuffled(self, seed: int) -> VocabularyTypes:
        """The same sets of types, each given to a random other entity: a control without knowledge.

        Every type stays as frequent among entities as it was.
        """
        typed = np.flatnonzero(self.counts)
        sources = np.arange(len(self.counts))
        sources[typed] = stream(seed, "shuffled knowledge").permutation(typed)
        offsets, types = reordered(self.offsets, self.types, sources)
        return replace(self, offsets=offsets, types=types)

    def summary(self, vocabulary: EntityVocabulary) -> str:
        """How many entities, and how many of their links, have types."""
        typed = self.counts > 0
        entities = len(vocabulary) - len(vocabulary.special_ids)
        text = f"{int(typed.sum()):,} of {counted(entities, 'entity', 'entities')} have a type"
        text += f" ({counted(len(self.names), 'type')})"
        if vocabulary.counts is not None and vocabulary.counts.sum():
            text += f", {vocabulary.counts[typed].sum() / vocabulary.counts.sum():.0%} of the links that the vocabulary counts"
        if self.unknown:
            text += f"; {counted(self.unknown, 'entity of the file is', 'entities of the file are')} not in the vocabulary"
        return text


def reordered(offsets: np.ndarray, values: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compressed rows in another order: row i of the result is row `order[i]` of `offsets` and `values`."""
    counts = np.diff(offsets)[order]
    new = np.concatenate([[0], np.cumsum(counts)])
    return new, values[np.repeat(offsets[:-1][order] - new[:-1], counts) + np.arange(new[-1])]
