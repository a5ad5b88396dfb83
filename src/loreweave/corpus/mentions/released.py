"""The pickles that LUKE of 2020 reads for SQuAD: the mention database, the links of each page, and redirects.

joblib wrote them, compressed or not. They contain marisa tries, whose bytes are taken, and two helper objects, which are
ignored. Nothing in them is run.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import marisa_trie

from loreweave.corpus.files.missing import file_not_found
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.restricted_pickle import RestrictedUnpickler
from loreweave.corpus.mentions.dictionary import MentionDictionary, NameCounts
from loreweave.corpus.mentions.normalisation import Normalisation
from loreweave.errors import DataError

MENTION_NORMALISATION = Normalisation(unicode="none", case="lower", accents="strip", punctuation="separate", signs="keep")
"""What the mention database does to names: BERT's first tokenizer, lower case, no accents."""
LINK_NORMALISATION = Normalisation(unicode="none", case="lower", signs="keep")
"""What SQuAD's reader does to the names of a page's links."""
_SEPARATOR = "\u2581"
_PICKLE = b"\x80"
_COMPRESSED: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x78": zlib.decompress,
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
    b"\x5d\x00": lzma.decompress,
}
"""First bytes of joblib's compressions."""
_LEAST = 2.0**-30
"""Link probabilities up to this one count as 0, since their fraction would have too large numbers."""
_HELPERS = ("BasicTokenizer", "BertLowercaseNormalizer")
_EXPECTED = "tries, containers and the tokenizer of a mention database"


class _Trie:
    """Replacement for a pickled trie: keeps the bytes."""

    def __init__(self, record: str | bytes = "") -> None:
        self.record = record.decode() if isinstance(record, bytes) else record
        self.content = b""

    def __setstate__(self, content: Any) -> None:
        self.content = content if isinstance(content, bytes) else b""


class _Ignored:
    """Replacement for a helper object: accepts any state, keeps nothing, runs nothing."""

    def __new__(cls, *_: Any, **__: Any) -> _Ignored:
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        """Forget the state."""


class _Unpickler(RestrictedUnpickler):
    _allowed_here: dict[tuple[str, str], Callable[..., Any]] = {
        **{("marisa_trie", name): _Trie for name in ("Trie", "RecordTrie", "BytesTrie")},
        **{("builtins", kind.__name__): kind for kind in (dict, list, tuple, set, frozenset, bytes)},
        ("collections", "OrderedDict"): OrderedDict,
    }

    def __init__(self, stream: BytesIO) -> None:
        super().__init__(stream, self._allowed_here, _EXPECTED)

    def find_class(self, module: str, name: str) -> Any:
        """As for all pickles; the helpers have moved between modules over the releases."""
        return _Ignored if name in _HELPERS else super().find_class(module, name)


def is_pickle(path: Pathname) -> bool:
    """Whether a file begins as a pickle, compressed or not; text of titles never does.

    Raises:
        DataError: there is no such file.
    """
    head = _head(path)
    return head.startswith(_PICKLE) or (
        any(map(head.startswith, _COMPRESSED)) and Path(path).suffix in (".pkl", ".pickle", ".joblib")
    )


def read_mention_database(path: Pathname) -> MentionDictionary:
    """A mention database (`--mention-db-file`) as a dictionary, with its counts.

    Raises:
        DataError: the file is no such pickle, or names code.
    """
    data = _read(path, ("title_trie", "data_trie"))
    titles, records = _strings(data["title_trie"], path), _records(data["data_trie"], "<IIII", path)
    names: dict[str, NameCounts] = {}
    for key, (title, links, all_links, texts) in records.iteritems():
        # The file has links and documents; a link probability is the first divided by the second, at most 1.
        counts = names.setdefault(key.replace(_SEPARATOR, " "), NameCounts({}, all_links, texts, all_links))
        entity = _key(titles, title, path)
        counts.entities[entity] = counts.entities.get(entity, 0) + links
    return MentionDictionary.from_counts(names, MENTION_NORMALISATION, details={"sources": [str(path)]})


def read_link_database(path: Pathname) -> MentionDictionary:
    """The links of each page (`--wiki-link-db-file`) as a dictionary with pages.

    Candidates are counted over all pages. The file has link probabilities without their counts; they become the fraction
    that is the same number.

    Raises:
        DataError: the file is no such pickle, or names code.
    """
    data = _read(path, ("title_trie", "mention_trie", "data_trie"))
    titles, mentions = _strings(data["title_trie"], path), _strings(data["mention_trie"], path)
    pages: dict[str, list[tuple[str, str]]] = {}
    names: dict[str, NameCounts] = {}
    unnamed = 0
    for page, (mention, title, probability) in _records(data["data_trie"], "<IIf", path).iteritems():
        surface, entity = _key(mentions, mention, path), _key(titles, title, path)
        name = LINK_NORMALISATION.name(surface)
        if not 0 <= probability <= 1:
            raise DataError(f"found the link probability {probability} of {surface!r}, expected one from 0 to 1", path=path)
        if not name:
            unnamed += 1
            continue
        counts = names.setdefault(name, NameCounts())
        counts.entities[entity] = counts.entities.get(entity, 0) + 1
        linking, texts = probability.as_integer_ratio() if probability > _LEAST else (0, 1)
        if not counts.texts or linking * counts.texts > counts.texts_linking * texts:
            counts.texts_linking, counts.texts = linking, texts
        pages.setdefault(page, []).append((surface, entity))
    details = {"sources": [str(path)], "counts": {"links_without_name": unnamed}}
    return MentionDictionary.from_counts(names, LINK_NORMALISATION, pages=pages, details=details)


def read_pickled_redirects(path: Pathname) -> dict[str, str]:
    """Title -> the title that it redirects to (`--model-redirects-file`, `--link-redirects-file`).

    Raises:
        DataError: the file is no pickle of titles, or names code.
    """
    data = _read(path, ())
    wrong = next((item for item in data.items() if not all(isinstance(title, str) for title in item)), None)
    if wrong is not None:
        raise DataError(f"found {wrong[0]!r}: {wrong[1]!r}, expected titles", path=path)
    return dict(data)


def _head(path: Pathname) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(8)
    except FileNotFoundError:
        raise file_not_found(path) from None
    except IsADirectoryError:
        raise DataError("found a folder, expected a file", path=path) from None


def _read(path: Pathname, keys: tuple[str, ...]) -> dict[str, Any]:
    """The dictionary in a pickle, with at least these keys."""
    head = _head(path)
    content = Path(path).read_bytes()
    try:
        decompress = next((function for magic, function in _COMPRESSED.items() if head.startswith(magic)), bytes)
        data = _Unpickler(BytesIO(decompress(content))).load()
    except DataError as error:
        raise DataError(str(error), path=path) from None
    except Exception as error:  # a broken pickle fails in any way: struct, memory, index, type, ... errors
        raise DataError(f"found no readable pickle ({type(error).__name__}: {error})", path=path) from None
    if not isinstance(data, dict):
        raise DataError(f"found a {type(data).__name__}, expected a dictionary", path=path)
    missing = [key for key in keys if not isinstance(data.get(key), _Trie)]
    if missing:
        raise DataError(f"found no trie {missing[0]!r}, expected {', '.join(keys)}", path=path)
    return data


def _strings(trie: _Trie, path: Pathname) -> Any:
    return _opened(marisa_trie.Trie(), trie, path)


def _records(trie: _Trie, record: str, path: Pathname) -> Any:
    if trie.record != record:
        raise DataError(f"found records of the form {trie.record!r}, expected {record!r}", path=path, field="data_trie")
    return _opened(marisa_trie.RecordTrie(record), trie, path)


def _opened(empty: Any, trie: _Trie, path: Pathname) -> Any:
    try:
        return empty.frombytes(trie.content)
    except (RuntimeError, ValueError) as error:
        raise DataError(f"found a broken trie ({error})", path=path) from None


def _key(trie: Any, row: int, path: Pathname) -> str:
    try:
        key: str = trie.restore_key(row)
    except KeyError:
        raise DataError(f"found the string number {row}, expected one below {len(trie):,}", path=path) from None
    return key
