"""Texts on the command line: as they are, or the lines of text files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import content_suffix, open_text
from loreweave.errors import ConfigurationError, DataError

_OF_RECORDS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv")
"""Endings of files that are no plain text."""


@dataclass(frozen=True)
class GivenTexts:
    """The texts of a command line.

    Attributes:
        texts: the texts.
        places: file and line of each; None: it was given itself.
    """

    texts: list[str] = field(default_factory=list)
    places: list[str | None] = field(default_factory=list)


def texts_of(given: Sequence[str], report: Callable[[str], None]) -> GivenTexts:
    """Texts, and instead of the name of a file its lines that are not blank.

    Args:
        given: texts and names of text files.
        report: called with the number of texts of each file.

    Raises:
        ConfigurationError: a blank text, a folder, or a file of records.
        DataError: a file without text, or that is not UTF-8.
    """
    found = GivenTexts()
    for one in given:
        if not one.strip():
            raise ConfigurationError("found an empty text, expected a text in quotes or a file with a text per line")
        path = Path(one)
        if not _exists(path):
            found.texts.append(one)
            found.places.append(None)
            continue
        lines = _lines(path)
        report(f"{one}: {counted(len(lines), 'text')}, one per line")
        found.texts.extend(lines.values())
        found.places.extend(f"{one}, line {number}" for number in lines)
    return found


def _exists(path: Path) -> bool:
    """Whether a text is the name of a file; many texts are too long for one."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _lines(path: Path) -> dict[int, str]:
    """The lines of a file that are not blank, by their numbers."""
    if path.is_dir():
        raise ConfigurationError(f"{path}: found a folder, expected a text in quotes or a file with a text per line")
    if (ending := content_suffix(path)) in _OF_RECORDS:
        raise ConfigurationError(
            f"{path}: found a {ending} file, expected plain text with a text per line; records of a task are read by --data"
        )
    with open_text(path) as file:
        lines = {number: line.strip() for number, line in enumerate(file, 1) if not line.isspace()}
    if not lines:
        raise DataError("found no text, expected a text per line", path=path)
    return lines
