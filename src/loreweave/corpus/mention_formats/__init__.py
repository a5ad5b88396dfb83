"""Formats of annotation tools for texts with typed mentions. Each is one module with a `FORMAT`; all give annotated text."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from loreweave.corpus.column_formats.formats import COLUMN_FORMATS
from loreweave.corpus.files.json_rows import json_rows
from loreweave.corpus.files.tables import is_table
from loreweave.corpus.mention_formats import (
    annotated,
    brackets,
    brat,
    doccano,
    entities,
    gliner,
    label_studio,
    prodigy,
    spacy_docbin,
    spacy_pairs,
    tokens,
)  # fmt: skip
from loreweave.corpus.mention_formats.marked import MentionFormat
from loreweave.errors import ConfigurationError, DataError
from loreweave.plugins import Registry

_OWN = {
    "tokens": tokens.FORMAT,
    "annotated-text": annotated.FORMAT,
    "entities": entities.FORMAT,
    "doccano": doccano.FORMAT,
    "label-studio": label_studio.FORMAT,
    "prodigy": prodigy.FORMAT,
    "spacy-pairs": spacy_pairs.FORMAT,
    "spacy": spacy_docbin.FORMAT,
    "gliner": gliner.FORMAT,
    brackets.NAME: brackets.FORMAT,
    "brat": brat.FORMAT,
}
"""The module of every format; a new one is a row here."""


def _check(name: str, format: Any, known: Collection[str]) -> None:
    """Refuse what cannot work as a format, and names with another meaning."""
    if not re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", name) or name in COLUMN_FORMATS:
        raise ConfigurationError(f"found the name {name!r}, expected one of your own such as 'my-tool'")
    if not isinstance(format, MentionFormat):
        raise ConfigurationError(f"found {format!r}, expected a MentionFormat")


MENTION_FORMATS: Registry[MentionFormat] = Registry("a file format", "loreweave.formats", _OWN, _check)
"""Name of `--format` -> the format. Entry points of the group are `<name> = "<module>:<format>"`."""

UTF16 = ":utf16"
"""Suffix of a format's name if its character offsets count UTF-16 code units."""

_GENERAL = "entities"
"""The most general format: a file has it only if it has no other."""


def register_format(name: str, format: MentionFormat) -> None:
    """Add a format for this process: every command that reads texts with mentions then knows `--format NAME` and recognises it.

    A package adds its formats for every process by an entry point of the group `loreweave.formats`.

    Raises:
        ConfigurationError: the name is taken or cannot be used, or this is no format.
    """
    MENTION_FORMATS.register(format, name)


def first_mention_row(path: Path) -> Any:
    """First row of a JSON file or a table that is neither broken nor null; None for a folder of files or a binary file.

    Raises:
        DataError: there is none.
    """
    if path.suffix == ".spacy" or (path.is_dir() and not is_table(path)):
        return None
    broken = None
    for _, row in json_rows(path):
        if row is not None and not isinstance(row, DataError):
            return row
        broken = broken or row
    raise broken or DataError("found no records", path=path)


def recognised_mentions(path: Path, row: Any) -> str | None:
    """Name of a file's or a folder's format by its first row; None if it is none of these.

    Raises:
        DataError: several formats are possible.
    """
    found = [name for name, format in MENTION_FORMATS.items() if format.recognises(path, row)]
    if len(found) > 1 and _GENERAL in found and not _is_ambiguous(row):
        found.remove(_GENERAL)
    if len(found) > 1:
        names = " or ".join(found)
        raise DataError(f"found a file whose format can be {names}; choose one, such as --format {found[0]}", path=path)
    if not found:
        tokens.check_ends(path, row)
    return found[0] if found else None


def _is_ambiguous(row: Any) -> bool:
    """Whether a row has a text and tokens, so that its spans may count either."""
    tagged = any(row.get(key) is not None for key in tokens.TAG_KEYS)
    return "text" in row and not tagged and bool(row.get("tokens")) and isinstance(row["tokens"][0], str)


def mention_format(name: str) -> MentionFormat | None:
    """The format of that name, which may end in `:utf16` for offsets in UTF-16 code units; None if there is none."""
    bare = name.removesuffix(UTF16)
    format = MENTION_FORMATS.get(bare)
    if format is None or bare == name:
        return format
    if format.utf16 is None:
        return None
    return replace(format, texts=format.utf16)


def format_of_file(name: str, path: Path, names: Sequence[str] | None = None) -> tuple[MentionFormat, list[str]]:
    """The format of that name (see `MENTION_FORMATS`) adapted to the file, and notes about it.

    Args:
        name: name of the format.
        path: the file, whose tags are inspected if it has tags.
        names: names of tags that are numbers.

    Raises:
        DataError: tags that are refused with a message of their own.
    """
    format = MENTION_FORMATS[name]
    if name != "tokens":
        return format, []
    counts = tokens.tag_counts(path, names)
    spelling = tokens.spelling_of(counts, path)
    characters = True if tokens.are_characters(path) else None
    adapted = partial(tokens.texts, names=names, spelling=spelling, characters=characters)
    return replace(format, texts=adapted), [*spelling.notes(), *tokens.mixture_notes(counts, spelling)]
