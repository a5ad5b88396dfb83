"""Options that the commands and the Python functions have in common: files, names, and how data are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from loreweave.corpus.class_labels import read_label_names
from loreweave.corpus.files.strict_json import kind_of
from loreweave.errors import ConfigurationError
from loreweave.tasks.contract import Reading

Place = str | PathLike[str]
Report = Callable[[str], None]
Names = str | PathLike[str] | Sequence[str]
"""Names of classes or tags in the order of their numbers, or the file that holds them."""


def names_of(given: Names | None) -> list[str] | None:
    """The names, which are read if a file is given.

    Raises:
        DataError: the file holds no names.
    """
    if given is None:
        return None
    return read_label_names(Path(given)) if isinstance(given, (str, PathLike)) else list(given)


def reading_of(format: str | None = None, skip_bad: bool = False, tag_names: Names | None = None) -> Reading:
    """Settings of reading data files.

    Raises:
        DataError: the file of `tag_names` holds no names.
    """
    return Reading(format=format, skip_bad=skip_bad, tag_names=tuple(names_of(tag_names) or ()))


def file_of(given: Place, name: str) -> Path:
    """The path of a file or folder of data; one that ends in a dot (`.`, `data/..`) is written out, because its name is used.

    Raises:
        ConfigurationError: something else is given, such as the records themselves.
    """
    if not isinstance(given, (str, PathLike)):
        raise ConfigurationError(
            f"{name}: found {kind_of(given)}, expected the path of a file; write the records as JSON Lines "
            "(loreweave.load(model).predict_rows(records) answers records without a file)"
        )
    path = Path(given)
    return path if path.name.strip(".") else Path(os.path.abspath(path))


def path_of(given: Place | None) -> Path | None:
    """The path of a folder or file, if one is given."""
    return None if given is None else Path(given)
