"""Files of the entity vocabulary.

TSV: `title<TAB>count`, the id is the line. JSON Lines: `{"id", "entities": [[title, language], ...], "count"}`.
Hugging Face's `entity_vocab.json`: key -> id.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.entity_vocabulary import SPECIAL_ENTITIES, EntityVocabulary
from loreweave.corpus.files import Pathname, atomic_write, content_suffix, open_text, read_json_lines, write_json_lines
from loreweave.errors import ConfigurationError, DataError

FILE_NAMES = ("entity_vocab.tsv", "entity_vocab.jsonl", "entity_vocab.json")


def load(path: Pathname) -> EntityVocabulary:
    """Read a vocabulary; the suffix names the format, and where it does not, the first line does."""
    file = Path(path)
    if file.is_dir():
        file = _file_in(file)
    kind = content_suffix(file)
    if kind not in _READERS:
        kind = _kind_by_content(file)
    return _READERS[kind](file)


def save(vocabulary: EntityVocabulary, path: Pathname) -> None:
    """Write a vocabulary in the format of the suffix (.tsv, .jsonl, .json)."""
    check_target(path, with_languages=bool(vocabulary.languages))
    _WRITERS[content_suffix(path)](vocabulary, path)


def check_target(path: Pathname, *, with_languages: bool) -> None:
    """Refuse a name that `save` could not write under; callable before the work.

    Raises:
        ConfigurationError: a suffix that names no format, or TSV for a vocabulary with languages.
    """
    kind = content_suffix(path)
    if kind not in _WRITERS:
        raise ConfigurationError(f"{path}: found the suffix {kind!r}, expected one of {', '.join(_WRITERS)}")
    if kind == ".tsv" and with_languages:
        raise ConfigurationError(f"{path}: TSV holds no languages, write .jsonl or .json")


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


def _read_tsv(path: Path) -> EntityVocabulary:
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
    return EntityVocabulary(ids, np.array(counts, dtype=np.int64), source=path)


def _read_jsonl(path: Path) -> EntityVocabulary:
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
            special = title in SPECIAL_ENTITIES  # one pair per language; all mean the same entity
            if language is None or special:
                key, bare = title, bare or not special
            else:
                key = f"{language}:{title}"
                languages.add(language)
            if ids.setdefault(key, id) != id:
                raise DataError(f"found {key!r} with the id {id}, it had {ids[key]} before", path=path, line=number)
    if bare and languages:
        raise DataError("found titles with and without a language, expected one of the two", path=path)
    vocabulary = EntityVocabulary(ids, languages=languages, source=path)
    table = np.zeros(len(vocabulary), dtype=np.int64)
    known = [id for id in counts if 0 <= id < len(table)]
    table[known] = [counts[id] for id in known]
    return EntityVocabulary(ids, table, languages, path)


def _read_json(path: Path) -> EntityVocabulary:
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
            raise DataError(f"found broken JSON ({error.msg})", path=path, line=error.lineno) from None
    if not isinstance(ids, dict):
        raise DataError(f"found a JSON {type(ids).__name__}, expected an object of title -> id", path=path)
    return EntityVocabulary.from_hugging_face(ids, source=path)


_READERS = {".tsv": _read_tsv, ".jsonl": _read_jsonl, ".json": _read_json}

# ---- writing ---------------------------------------------------------------------------------------------------------


def _rows(vocabulary: EntityVocabulary) -> Iterator[tuple[int, list[tuple[str, str | None]]]]:
    """(id, its titles with languages) in the order of ids; special entities in every language."""
    rows: dict[int, list[tuple[str, str | None]]] = {}
    for title, language, id in vocabulary.items():
        special = title in SPECIAL_ENTITIES
        pairs = [(title, name) for name in vocabulary.languages or (None,)] if special else [(title, language)]
        rows.setdefault(id, []).extend(pairs)
    yield from sorted(rows.items())


def _write_tsv(vocabulary: EntityVocabulary, path: Pathname) -> None:
    with atomic_write(path) as file:
        for line, (id, titles) in enumerate(_rows(vocabulary)):
            title = titles[0][0]
            if id != line or len(titles) > 1 or any(character in title for character in "\t\r\n"):
                message = f"TSV holds one title an id, without gaps and tabs; found {titles} for {id} at row {line}"
                raise DataError(f"{message}, write .jsonl or .json", path=path)
            file.write(f"{title}\t{vocabulary.count_of(id) or 0}\n")


def _write_jsonl(vocabulary: EntityVocabulary, path: Pathname) -> None:
    counts = vocabulary.counts
    write_json_lines(
        path,
        (
            {"id": id, "entities": titles, "count": 0 if counts is None else int(counts[id])}
            for id, titles in _rows(vocabulary)
        ),
    )


def _write_json(vocabulary: EntityVocabulary, path: Pathname) -> None:
    with atomic_write(path) as file:
        json.dump(vocabulary.to_hugging_face(), file, ensure_ascii=False, indent=0)


_WRITERS = {".tsv": _write_tsv, ".jsonl": _write_jsonl, ".json": _write_json}
