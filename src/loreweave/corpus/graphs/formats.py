"""Readable formats of knowledge graphs, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.files.missing import close_names
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.graphs.codex import codex
from loreweave.corpus.graphs.grail import grail
from loreweave.corpus.graphs.kepler_shards import kepler_shards
from loreweave.corpus.graphs.source import GraphSource
from loreweave.corpus.graphs.tables import graph_tables
from loreweave.corpus.graphs.triple_files import blp, fb15k237, kg_bert, triples, wn18rr
from loreweave.corpus.graphs.wikidata5m import wikidata5m
from loreweave.errors import ConfigurationError, DataError

FORMATS: dict[str, Callable[..., GraphSource]] = {
    "triples": triples,
    "jsonl": graph_tables,
    "fb15k237": fb15k237,
    "wn18rr": wn18rr,
    "kg-bert": kg_bert,
    "blp": blp,
    "codex": codex,
    "grail": grail,
    "wikidata5m": wikidata5m,
    "kepler-shards": kepler_shards,
}
OTHER_NAMES = {"csv": "triples", "tsv": "triples"}
"""Other names of a format."""


def options_of(format: str) -> tuple[str, ...]:
    """Names of the options of a format's reader."""
    return tuple(inspect.signature(FORMATS[format]).parameters)[1:]


def find_graph(format: str, folder: Pathname, options: Mapping[str, Any] | None = None) -> GraphSource:
    """Find the files of a graph in one of `FORMATS` (or `OTHER_NAMES`); `options` are the reader's own.

    Raises:
        ConfigurationError: unknown format, or an option that it does not have.
        DataError: the folder or a file is missing.
    """
    given, format = format, OTHER_NAMES.get(format, format)
    if format not in FORMATS:
        others = ", ".join(f"{other} (as {name})" for other, name in OTHER_NAMES.items())
        raise ConfigurationError(f"found the format {given!r}, expected one of {', '.join(FORMATS)}, {others}")
    own = options_of(format)
    for name in options or {}:
        if name not in own:
            said = f"its options are {', '.join(own)}" if own else "it has no options"
            raise ConfigurationError(f"the format {format} does not read {name}; {said}")
    if not Path(folder).exists():
        raise DataError(f"no such file or folder{close_names(folder)}", path=folder)
    return FORMATS[format](Path(folder), **(options or {}))
