"""Files of the entity vocabulary.

TSV: `title<TAB>count`; the id is the number of the line. JSON Lines: `{"id", "entities": [[title, language], ...], "count"}`.
Hugging Face's `entity_vocab.json`: key -> id.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from loreweave.corpus.files.reading import Pathname, content_suffix, open_text, read_json_lines
from loreweave.corpus.files.strict_json import broken_json, kind_of
from loreweave.corpus.files.writing import atomic_write, write_json_lines
from loreweave.corpus.special_entities import SPECIAL_ENTITIES
from loreweave.errors import ConfigurationError, DataError

FILE_NAMES = ("entity_vocab.tsv", "entity_vocab.jsonl", "entity_vocab.json")


@dataclass(frozen=True)
class VocabularyFile:
    """Content of a file before it is checked.

    Attributes:
        path: the file.
        ids: key -> id.
        counts: id -> number of links; None if the file has no counts.
        languages: languages of the keys; None if only the keys tell, as in Hugging Face's file.
    """

    path: Path
    ids: dict[str, int]
    counts: Mapping[int, int] | None = None
    languages: frozenset[str] | None = frozenset()


class Writable(Protocol):
    """Content of a vocabulary that is written."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the keys."""

    def items(self) -> Iterator[tuple[str, str | None, int]]:
        """(title, language, id)."""

    def count_of(self, id: int) -> int | None:
        """Number of links of an entity, if known."""

    def to_hugging_face(self) -> dict[str, int]:
        """Key -> id."""


def read(path: Pathname) -> VocabularyFile:
    """Read a file. The suffix determines the format, otherwise the first line does."""
    file = Path(path)
    if file.is_dir():
        file = _file_in(file)
    kind = content_suffix(file)
    if kind not in _READERS:
        kind = _kind_by_content(file)
    return _READERS[kind](file)


def save(vocabulary: Writable, path: Pathname) -> None:
    """Write a vocabulary in the format of the suffix (.tsv, .jsonl, .json)."""
    check_target(path, with_languages=bool(vocabulary.languages))
    _WRITERS[content_suffix(path)](vocabulary, path)


def check_target(path: Pathname, *, with_languages: bool) -> None:
    """Refuse a name that `save` cannot write to, before any work is done.

    Raises:
        ConfigurationError: the suffix is not of a format, or it is TSV for a vocabulary with languages.
    """
    kind = content_suffix(path)
    if kind not in _WRITERS:
        raise ConfigurationError(f"{path}: found the suffix {kind!r}, expected one of {', '.join(_WRITERS)}")
    if kind == ".tsv" and with_languages:
        raise ConfigurationError(f"{path}: TSV does not support languages; write .jsonl or .json")


def _file_in(folder: Path) -> Path:
    for name in FILE_NAMES:
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"found no entity vocabulary, expected one of {', '.join(FILE_NAMES)}", path=folder)


def _kind_by_content(file: Path) -> str:
    with open_text(file) as lines:
        first = next((line for line in lines if not line.isspace()), "")
    if "\t" in first and not first.lstrip().startswith("{"):
        return ".tsv"
    return ".jsonl" if '"entities"' in first else ".json"


# ---- reading ---------------------------------------------------------------------------------------------------------


def _read_tsv(path: Path) -> VocabularyFile:
    ids: dict[str, int] = {}
    counts: list[int] = []
    with open_text(path) as file:
        for number, line in enumerate(file):
            title, tab, count = line.rstrip("\n").rpartition("\t")
            try:
                counts.append(int(count))
            except ValueError:
                tab = ""
            if not tab:
                raise DataError(f"found {line.strip()[:60]!r}, expected title<TAB>count", path=path, line=number + 1)
            ids[title] = number
            if len(ids) != number + 1:
                raise DataError(f"found the title {title!r} a second time", path=path, line=number + 1)
    return VocabularyFile(path, ids, dict(enumerate(counts)))


def _read_jsonl(path: Path) -> VocabularyFile:
    ids: dict[str, int] = {}
    counts: dict[int, int] = {}
    languages: set[str] = set()
    bare = False
    for number, row in read_json_lines(path):
        try:
            id, entities = row["id"], [(title, language) for title, language in row["entities"]]
            if type(id) is not int:
                raise TypeError
            counts[id] = int(row.get("count", 0))
        except (KeyError, TypeError, ValueError):
            message = 'found no {"id": int, "entities": [[title, language], ...], "count": int}'
            raise DataError(message, path=path, line=number) from None
        for title, language in entities:
            special = title in SPECIAL_ENTITIES  # one pair per language; all are the same entity
            if language is None or special:
                key, bare = title, bare or not special
            else:
                key = f"{language}:{title}"
                languages.add(language)
            if ids.setdefault(key, id) != id:
                raise DataError(f"found {key!r} with the id {id}, it had {ids[key]} before", path=path, line=number)
    if bare and languages:
        raise DataError("found titles with and without a language, expected one of the two", path=path)
    return VocabularyFile(path, ids, counts, frozenset(languages))


def _read_json(path: Path) -> VocabularyFile:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise DataError(f"found the title {twice!r} a second time", path=path)
        return found

    with open_text(path) as file:
        try:
            ids = json.load(file, object_pairs_hook=unique)
        except json.JSONDecodeError as error:
            raise DataError(f"found {broken_json(error)}", path=path, line=error.lineno) from None
    if not isinstance(ids, dict):
        raise DataError(f"found {kind_of(ids, 'JSON')}, expected an object of title -> id", path=path)
    return VocabularyFile(path, ids, languages=None)


_READERS = {".tsv": _read_tsv, ".jsonl": _read_jsonl, ".json": _read_json}

# ---- writing ---------------------------------------------------------------------------------------------------------


def _rows(vocabulary: Writable) -> Iterator[tuple[int, list[tuple[str, str | None]]]]:
    """(id, its titles with languages), sorted by id; special entities in every language."""
    rows: dict[int, list[tuple[str, str | None]]] = {}
    for title, language, id in vocabulary.items():
        special = title in SPECIAL_ENTITIES
        pairs = [(title, name) for name in vocabulary.languages or (None,)] if special else [(title, language)]
        rows.setdefault(id, []).extend(pairs)
    yield from sorted(rows.items())


def _write_tsv(vocabulary: Writable, path: Pathname) -> None:
    with atomic_write(path) as file:
        for line, (id, titles) in enumerate(_rows(vocabulary)):
            title = titles[0][0]
            if id != line or len(titles) > 1 or any(character in title for character in "\t\r\n"):
                message = f"TSV supports one title per id, without gaps and tabs; found {titles} for {id} at row {line}"
                raise DataError(f"{message}; write .jsonl or .json", path=path)
            file.write(f"{title}\t{vocabulary.count_of(id) or 0}\n")


def _write_jsonl(vocabulary: Writable, path: Pathname) -> None:
    rows = ({"id": id, "entities": titles, "count": vocabulary.count_of(id) or 0} for id, titles in _rows(vocabulary))
    write_json_lines(path, rows)


def _write_json(vocabulary: Writable, path: Pathname) -> None:
    with atomic_write(path) as file:
        json.dump(vocabulary.to_hugging_face(), file, ensure_ascii=False, indent=0)


_WRITERS = {".tsv": _write_tsv, ".jsonl": _write_jsonl, ".json": _write_json}
