"""Files of the mini-world, and its pages as annotated text.

Pages are plain text files by topic. `== Title ==` begins a page, a blank line a paragraph, and `[[Title]]` or
`[[Title|surface]]` links to the page or the graph entity of that title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from loreweave.corpus.annotated_text import AnnotatedText, Mention
from loreweave.corpus.bundled_data import DATA, graph_files
from loreweave.corpus.files.reading import Pathname, open_text
from loreweave.errors import DataError

_TITLE = re.compile(r"== (.+) ==")
_LINK = re.compile(r"\[\[([^\[\]|]+)(?:\|([^\[\]|]+))?\]\]")


class GraphPaths(NamedTuple):
    """Files of the knowledge graph.

    Attributes:
        entities: JSON Lines of `id` (Wikidata), `label`, `description`, `aliases`, `types` (coarse to fine).
        relations: JSON Lines of `id` (Wikidata property), `label`.
        train: lines of head id, relation id, tail id, tab-separated; the other splits alike.
    """

    entities: Path
    relations: Path
    train: Path
    valid: Path
    test: Path


def load_graph_paths() -> GraphPaths:
    """The graph: no fact is in two splits, and both directions of a pair are in the same split."""
    graph = graph_files()
    triples = (graph / "triples" / f"{split}.tsv" for split in ("train", "valid", "test"))
    return GraphPaths(graph / "entities.jsonl", graph / "relations.jsonl", *triples)


def load_pages() -> list[AnnotatedText]:
    """All pages, by topic; ids are titles, and a mention's entity is the title that it links to."""
    return [page for path in sorted((DATA / "pages").glob("*.txt")) for page in read_pages(path)]


def read_pages(path: Pathname) -> Iterator[AnnotatedText]:
    """Read a file of pages in the mini-world's notation.

    Raises:
        DataError: there is text before the first title, an empty page, or a malformed link.
    """
    title, begun, lines = None, 0, list[str]()
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            heading = _TITLE.fullmatch(line.strip())
            if heading is None:
                lines.append(line.strip())
                continue
            if title is not None or any(lines):
                yield _page(path, begun, title, lines)
            title, begun, lines = heading[1], number, []
    if title is not None or any(lines):
        yield _page(path, begun, title, lines)


def _page(path: Pathname, line: int, title: str | None, lines: list[str]) -> AnnotatedText:
    """A page from the lines under its title; consecutive lines are one paragraph."""
    if title is None:
        raise DataError("found text before the first '== Title =='", path=path)
    paragraphs = [part.replace("\n", " ") for part in re.split(r"\n{2,}", "\n".join(lines).strip()) if part]
    if not paragraphs:
        raise DataError(f"found no text on the page {title!r}", path=path, line=line)
    text, mentions = parse_links("\n".join(paragraphs))
    if "[[" in text or "]]" in text:
        raise DataError(f"found a broken link on the page {title!r}", path=path, line=line)
    return AnnotatedText(title, text, tuple(mentions), language="en")


def parse_links(source: str) -> tuple[str, list[Mention]]:
    """Text without brackets, and a mention for each link.

    Example:
        >>> parse_links("On the [[River Thames|Thames]].")
        ('On the Thames.', [Mention(start=7, end=13, entity='River Thames', label=None)])
    """
    text, mentions, done = "", [], 0
    for link in _LINK.finditer(source):
        text += source[done : link.start()]
        surface = link[2] or link[1]
        mentions.append(Mention(len(text), len(text) + len(surface), link[1]))
        text += surface
        done = link.end()
    return text + source[done:], mentions
