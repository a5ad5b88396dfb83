"""Errors for files and folders that do not exist, with the name that was probably meant."""

from __future__ import annotations

import difflib
from os import PathLike
from pathlib import Path

from loreweave.errors import DataError

Pathname = str | PathLike[str]


def close_names(path: Pathname) -> str:
    """Suggestion for a mistyped path: a similar name in its folder, or the first folder that does not exist; or where a link
    leads that is broken."""
    place = Path(path)
    if place.is_symlink():
        return f" (it is a link to {place.readlink()}, which does not exist)"
    missing = next((each for each in (*reversed(place.parents), place) if not each.exists()), place)
    if missing != place:
        return f" (there is no {missing})"
    if not place.parent.is_dir():
        return ""
    close = difflib.get_close_matches(
        place.name, [entry.name for entry in place.parent.iterdir() if entry.exists()], n=1, cutoff=0.6
    )
    return f"; did you mean {str(place.with_name(close[0]))!r}?" if close else ""


def file_not_found(path: Pathname) -> DataError:
    """Error for a file that does not exist.

    Example:
        >>> str(file_not_found("no/such.conll"))
        'no/such.conll: file not found (there is no no)'
    """
    return DataError(f"file not found{close_names(path)}", path=path)
