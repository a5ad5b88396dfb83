"""How an article of Wikispeedia is recognised, for readers of other formats that are given its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WIKISPEEDIA = (
    "found articles of Wikispeedia with links, which 'loreweave build mentions', 'build entity-vocab', 'build entity-types' "
    "and 'build pretraining' read with --format wikispeedia"
)
"""What an error says about such a file."""


def is_wikispeedia(row: Any) -> bool:
    """Whether a row is an article of Wikispeedia: a title, a text, and links that are [start, end, title]."""
    if not isinstance(row, Mapping) or not all(isinstance(row.get(name), str) for name in ("title", "text")):
        return False
    links = row.get("links")
    if not isinstance(links, list) or not (links or {"paragraphs", "outlinks"} & row.keys()):
        return False
    return all(isinstance(link, list) and [type(part) for part in link] == [int, int, str] for link in links)
