"""The files of a mention dictionary: tries of strings and arrays of numbers, all of them memory-mapped.

names.marisa, entities.marisa     normalised names and entities; a string's row is its number in the trie
first_words.marisa                first words of the names; longest.npy has the length of the longest name of each
pairs.npy                         first two words of the names (`word_pairs`)
name_links.npy                    number of links that each name has
texts_linking.npy, texts.npy      number of texts that link each name, and that contain it
candidate_starts.npy              first candidate of each name, and the number of all candidates at the end
candidate_entities.npy            entity of each candidate; those of one name by decreasing number of links
candidate_links.npy               number of links of each candidate
redirects.marisa                  titles that redirect; redirect_targets.npy has the entity of each
pages.marisa, page_starts.npy     titles whose links are known, and the first link of each
surfaces.marisa                   names of these links as they are written
page_surfaces.npy, page_entities.npy written name and entity of each link of a page
page_redirects.marisa             titles that redirect to such a page; page_redirect_targets.npy has the row of each
manifest.json                     normalisation, counts, where the names come from, and the hash of each file
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import marisa_trie
import numpy as np

from loreweave.corpus.counts import counted
from loreweave.corpus.files.arrays import open_npy
from loreweave.corpus.files.manifests import MANIFEST, describe_files, read_description, verify_files
from loreweave.corpus.files.missing import file_not_found
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.writing import atomic_folder, write_json
from loreweave.corpus.mentions.boundaries import split_words
from loreweave.corpus.mentions.word_pairs import make_pairs
from loreweave.errors import DataError

FORMAT = "loreweave mention dictionary"
FORMAT_VERSION = 1
TRIES = ("names", "entities", "first_words", "redirects", "pages", "page_redirects", "surfaces")
ARRAYS: dict[str, Any] = {
    "longest": np.int32,
    "pairs": np.uint8,
    "name_links": np.int64,
    "texts_linking": np.int64,
    "texts": np.int64,
    "candidate_starts": np.int64,
    "candidate_entities": np.int32,
    "candidate_links": np.int64,
    "redirect_targets": np.int32,
    "page_starts": np.int64,
    "page_surfaces": np.int32,
    "page_entities": np.int32,
    "page_redirect_targets": np.int32,
}


@dataclass
class NameCounts:
    """What is counted of a name.

    Attributes:
        entities: entity -> number of links from the name to it; 0 if only a graph gives it the name.
        texts_linking: number of texts that link the name.
        texts: number of texts that contain the name, linked or not.
        links: number of all links; more than those of `entities` if rare entities were left out. 0 means their sum.
    """

    entities: dict[str, int] = field(default_factory=dict)
    texts_linking: int = 0
    texts: int = 0
    links: int = 0


@dataclass(frozen=True)
class Tables:
    """Tries and arrays by the names of their files."""

    tries: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]


def make_tables(
    names: Mapping[str, NameCounts],
    redirects: Mapping[str, str],
    pages: Mapping[str, Sequence[tuple[str, str]]],
    page_redirects: Mapping[str, str],
) -> Tables:
    """Tables of normalised names.

    Args:
        names: name -> its counts.
        redirects: title -> the title that it redirects to.
        pages: title -> (name as it is written, entity) of each of its links.
        page_redirects: title -> the title in `pages` that it redirects to.
    """
    entities = {entity for counts in names.values() for entity in counts.entities}
    entities.update(redirects.values(), (entity for links in pages.values() for _, entity in links))
    longest: dict[str, int] = {}
    pairs: set[tuple[str, str]] = set()
    for name in names:
        for word, *second in beginnings(name):
            longest[word] = max(longest.get(word, 0), len(name))
            pairs.update((word, each) for each in second)
    surfaces = {name for links in pages.values() for name, _ in links}
    keys = (names, entities, longest, redirects, pages, page_redirects, surfaces)
    tries = {trie: _make_trie(strings) for trie, strings in zip(TRIES, keys, strict=True)}
    entity_rows = tries["entities"]
    rows = [names[name] for name in _in_order(tries["names"])]
    candidates = [_candidates(counts, entity_rows) for counts in rows]
    surface_rows = tries["surfaces"]
    links = [
        [(surface_rows[name], entity_rows[entity]) for name, entity in pages[title]] for title in _in_order(tries["pages"])
    ]
    columns: dict[str, Iterable[int]] = {
        "pairs": make_pairs(sorted(pairs)),
        "longest": [longest[word] for word in _in_order(tries["first_words"])],
        "name_links": [max(counts.links, sum(counts.entities.values())) for counts in rows],
        "texts_linking": [counts.texts_linking for counts in rows],
        "texts": [counts.texts for counts in rows],
        "candidate_starts": _starts(candidates),
        "candidate_entities": [entity for row in candidates for entity, _ in row],
        "candidate_links": [count for row in candidates for _, count in row],
        "redirect_targets": [entity_rows[redirects[title]] for title in _in_order(tries["redirects"])],
        "page_starts": _starts(links),
        "page_surfaces": [surface for row in links for surface, _ in row],
        "page_entities": [entity for row in links for _, entity in row],
        "page_redirect_targets": [tries["pages"][page_redirects[title]] for title in _in_order(tries["page_redirects"])],
    }
    return Tables(tries, {name: np.array(columns[name], dtype) for name, dtype in ARRAYS.items()})


def beginnings(name: str) -> list[list[str]]:
    """The first words of a normalised name, two if it has several, by which texts are searched for it.

    There are two beginnings of `'s gravenhage`: an apostrophe begins a longer word if a letter comes before it in the text.
    """
    alone, after_letter = split_words(name)[0], split_words(f"a{name}")[0]
    found = [alone[:2]] if after_letter[0] != "a" else [alone[:2], after_letter[1:3]]
    return [[word.rstrip(" ") for word in words] for words in found]


def write_tables(path: Pathname, tables: Tables, manifest: Mapping[str, Any], overwrite: bool = False) -> None:
    """Write a folder with the tables and the manifest, atomically.

    Raises:
        ConfigurationError: `path` exists, and `overwrite` is false.
    """
    with atomic_folder(path, overwrite, MANIFEST) as folder:
        for name, trie in tables.tries.items():
            trie.save(str(folder / f"{name}.marisa"))
        for name, array in tables.arrays.items():
            np.save(folder / f"{name}.npy", array)
        files = describe_files({file.name: file for file in sorted(folder.iterdir())})
        write_json(folder / MANIFEST, {"format": FORMAT, "version": FORMAT_VERSION, **manifest, "files": files})


def open_tables(path: Pathname, verify: bool = False) -> tuple[Tables, dict[str, Any]]:
    """Memory-map the tables of a folder, and read its manifest; `verify` compares all hashes.

    Raises:
        DataError: the folder does not exist, has another version, or its files do not match the manifest.
    """
    folder = Path(path)
    if not (folder / MANIFEST).is_file():
        expected = "the folder of a mention dictionary (loreweave build mentions)"
        raise DataError(f"found no {MANIFEST}, expected {expected}", path=folder)
    manifest = read_description(folder / MANIFEST, FORMAT, FORMAT_VERSION)
    if verify:
        verify_files(folder, manifest["files"])
    tries = {name: _open_trie(folder / f"{name}.marisa") for name in TRIES}
    # Numbers of a plain array are read several times faster than those of a memory map.
    arrays = {name: open_npy(folder / f"{name}.npy").view(np.ndarray) for name in ARRAYS}
    sizes = {
        "longest": len(tries["first_words"]),
        "name_links": len(tries["names"]),
        "texts_linking": len(tries["names"]),
        "texts": len(tries["names"]),
        "candidate_starts": len(tries["names"]) + 1,
        "candidate_links": len(arrays["candidate_entities"]),
        "redirect_targets": len(tries["redirects"]),
        "page_starts": len(tries["pages"]) + 1,
        "page_entities": len(arrays["page_surfaces"]),
        "page_redirect_targets": len(tries["page_redirects"]),
    }
    for name, rows in sizes.items():
        if arrays[name].shape != (rows,):
            raise DataError(f"found {counted(len(arrays[name]), 'row')}, expected {rows:,}", path=folder / f"{name}.npy")
    return Tables(tries, arrays), manifest


def _make_trie(strings: Iterable[str]) -> Any:
    try:
        return marisa_trie.Trie(sorted(strings))
    except UnicodeEncodeError as error:
        raise DataError(f"found half of a character (an unpaired surrogate) in {error.object!r}") from None


def _open_trie(path: Path) -> Any:
    if not path.is_file():
        raise file_not_found(path)
    try:
        return marisa_trie.Trie().mmap(str(path))
    except (RuntimeError, OSError, ValueError) as error:
        raise DataError(f"not a marisa trie ({error})", path=path) from None


def _in_order(trie: Any) -> list[str]:
    """Keys by their number."""
    return [key for key, _ in sorted(trie.items(), key=lambda item: item[1])]


def _candidates(counts: NameCounts, rows: Any) -> list[tuple[int, int]]:
    """Row and number of links of each entity, by decreasing number, then by name."""
    order = sorted(counts.entities.items(), key=lambda item: (-item[1], item[0]))
    return [(rows[entity], count) for entity, count in order]


def _starts(lists: Sequence[Sequence[Any]]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([len(row) for row in lists], dtype=np.int64)]).astype(np.int64)
