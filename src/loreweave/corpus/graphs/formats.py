"""Readable formats of knowledge graphs, by name. A new one is a function in this folder and a row of `FORMATS`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loreweave.corpus.files.missing import close_names
from loreweave.corpus.files.reading import Pathname
from loreweave.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from loreweave.corpus.graphs.source import GraphSource

FORMATS: dict[str, str] = {
    "triples": "triple_files:triples",
    "jsonl": "tables:graph_tables",
    "fb15k237": "triple_files:fb15k237",
    "wn18rr": "triple_files:wn18rr",
    "kg-bert": "triple_files:kg_bert",
    "blp": "triple_files:blp",
    "codex": "codex:codex",
    "grail": "grail:grail",
    "wikidata5m": "wikidata5m:wikidata5m",
    "kepler-shards": "kepler_shards:kepler_shards",
}
"""Name of `--format` -> module and function (imported on use, so that `--help` stays light).

The function takes a folder, and the options of the format as further arguments.
"""
OTHER_NAMES = {"csv": "triples", "tsv": "triples"}
"""Other names of a format."""


def reader_of(format: str) -> Callable[..., GraphSource]:
    """The function that finds the files of one of `FORMATS`."""
    module, _, name = FORMATS[format].partition(":")
    found: Callable[..., GraphSource] = getattr(import_module(f"loreweave.corpus.graphs.{module}"), name)
    return found


def options_of(format: str) -> tuple[str, ...]:
    """Names of the options of a format's reader."""
    return tuple(inspect.signature(reader_of(format)).parameters)[1:]


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
    return reader_of(format)(Path(folder), **(options or {}))
