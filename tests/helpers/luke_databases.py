"""Small files in the layouts of LUKE's release of 2020: the mention database, the links of pages, redirects."""

from __future__ import annotations

import pickle
import zlib
from pathlib import Path
from typing import Any

import marisa_trie


class BasicTokenizer:
    """In place of the tokenizer of transformers that the mention database has."""

    def __init__(self) -> None:
        self.never_split = {"[UNK]"}


class BertLowercaseNormalizer:
    """In place of the release's class, with a tokenizer inside."""

    def __init__(self) -> None:
        self._tokenizer = BasicTokenizer()
        self._never_lowercase = frozenset(("[UNK]",))


def dumped(path: Path, content: Any, compressed: bool = True) -> Path:
    """Write a pickle as joblib does."""
    data = pickle.dumps(content)
    path.write_bytes(zlib.compress(data, 3) if compressed else data)
    return path


def mention_database() -> dict[str, Any]:
    """`U.S.` with two titles: 30 and 10 of 50 links, in 200 documents; `oslo` with 3 of 3 links in 2 documents."""
    titles = marisa_trie.Trie(["United States", "US Airways", "Oslo"])
    records = [
        ("u▁.▁s▁.", (titles["United States"], 30, 50, 200)),
        ("u▁.▁s▁.", (titles["US Airways"], 10, 50, 200)),
        ("oslo", (titles["Oslo"], 3, 3, 2)),
    ]
    return {
        "title_trie": titles,
        "mention_trie": marisa_trie.Trie([name for name, _ in records]),
        "data_trie": marisa_trie.RecordTrie("<IIII", records),
        "tokenizer": BasicTokenizer(),
        "normalizer": BertLowercaseNormalizer(),
        "max_mention_length": 20,
    }


def link_database() -> dict[str, Any]:
    """Links of `Norway`: `Oslo` (.5), `the city` to two titles (.25), `sea` (.005); and `Oslo` on the page `Sweden`."""
    titles = marisa_trie.Trie(["Norway", "Sweden", "Oslo", "Bergen", "Sea"])
    mentions = marisa_trie.Trie(["Oslo", "the city", "sea"])
    links = [
        ("Norway", "Oslo", "Oslo", 0.5),
        ("Norway", "the city", "Oslo", 0.25),
        ("Norway", "the city", "Bergen", 0.25),
        ("Norway", "sea", "Sea", 0.005),
        ("Sweden", "Oslo", "Oslo", 0.5),
    ]
    records = [(page, (mentions[name], titles[title], probability)) for page, name, title, probability in links]
    return {"title_trie": titles, "mention_trie": mentions, "data_trie": marisa_trie.RecordTrie("<IIf", records)}
