"""Annotated texts as the input of `loreweave build`: options, readers, excluded texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loreweave.cli.console import Advance, say
from loreweave.corpus.counts import counted, listed

if TYPE_CHECKING:
    from loreweave.build.text_checks import TextChecks
    from loreweave.corpus.annotated_text import AnnotatedText
    from loreweave.corpus.exclusion import Exclusion

FORMATS = ("annotated", "annotated:utf16", "wikispeedia")
"""Readers of text files: our JSON Lines and Parquet, or folders of these, with offsets in code points or in UTF-16 code
units; the Wikispeedia articles as JSON Lines."""
SHOWN_NAMES = 20
MANY_UNKNOWN = 0.05
"""Share of unknown sub-words from which on the tokenizer is doubted."""

FILES = typer.Argument(metavar="FILE", help="Text files. They are read in this order.")
Files = Annotated[list[str], FILES]
SAMPLE = '{"id": "1", "text": "Oslo is big.", "mentions": [{"start": 0, "end": 4, "entity": "Oslo"}]}'
Format = Annotated[
    str, typer.Option("--format", help=f"Format of the files: {', '.join(FORMATS)}. A line of annotated: {SAMPLE}")
]
Exclude = Annotated[Path | None, typer.Option("--exclude", help="File with titles or ids of texts to leave out, one per line.")]
Language = Annotated[
    str | None, typer.Option("--language", help="Language of all texts. Default: the language that each text gives.")
]
LinkLabels = Annotated[
    bool,
    typer.Option(
        "--link-labels",
        help="Use the label of a mention without a link as its entity (for corpora that have labels instead of links); "
        "several labels are one entity, such as place|town.",
    ),
]


def read_texts(
    files: Iterable[str],
    format: str,
    exclusion: Exclusion,
    advance: Advance | None = None,
    *,
    checks: TextChecks | None = None,
    labels_as_entities: bool = False,
) -> Iterator[AnnotatedText]:
    """Texts of all files, in order, except excluded ones.

    Args:
        files: names of the files.
        format: one of `FORMATS`.
        exclusion: texts to leave out.
        advance: called after each text.
        checks: receives what is odd in the texts; None for texts that were checked before.
        labels_as_entities: whether mentions without an entity link to their label.

    Raises:
        ConfigurationError: an unknown format.
        DataError: a file cannot be read.
    """
    from loreweave.build.added_links import link_labels
    from loreweave.build.text_checks import TextChecks
    from loreweave.corpus.annotated_text import read_annotated_texts
    from loreweave.corpus.wikispeedia import read_wikispeedia
    from loreweave.errors import ConfigurationError
    from loreweave.training.settings.configuration import unknown_name

    readers: dict[str, Callable[[str], Iterator[AnnotatedText]]] = {
        "annotated": read_annotated_texts,
        "annotated:utf16": partial(read_annotated_texts, utf16=True),
        "wikispeedia": read_wikispeedia,
    }
    if format not in readers:
        raise ConfigurationError(f"--format: found {format!r}{unknown_name(format, list(readers))}")
    texts = exclusion.kept(text for file in files for text in readers[format](file))
    texts = (checks or TextChecks()).checked(texts)
    texts = link_labels(texts) if labels_as_entities else texts
    return texts if advance is None else _advancing(texts, advance)


def read_exclusion(file: Path | None) -> Exclusion:
    """Texts that the file of `--exclude` names."""
    from loreweave.corpus.exclusion import Exclusion
    from loreweave.corpus.wikispeedia import read_reserved_titles

    return Exclusion() if file is None else Exclusion(read_reserved_titles(file))


def excluded(exclusion: Exclusion, file: Path | None) -> dict[str, int]:
    """Counts of an exclusion; names that no text had are reported."""
    missed = exclusion.not_found()
    if missed:
        say(f"{file}: no text has the id or title {listed(map(repr, missed), shown=SHOWN_NAMES)}")
    return {"texts_excluded": exclusion.texts, "excluded_names_not_found": len(missed)}


def checked(checks: TextChecks) -> dict[str, int]:
    """Counts of what is odd in the texts that were read; lines about it are printed."""
    for line in checks.notes():
        say(line)
    return checks.reported()


def say_unknown(unknown: int, sub_words: int, tokenizer: str) -> None:
    """Print a warning if the tokenizer does not know many sub-words of the texts."""
    if unknown > MANY_UNKNOWN * sub_words:
        found = f"{unknown:,} of {counted(sub_words, 'sub-word')} ({unknown / sub_words:.0%}) are unknown"
        say(f"warning: {found} to the tokenizer {tokenizer}: give an encoder of the language and the script of the texts")


def _advancing(texts: Iterable[AnnotatedText], advance: Advance) -> Iterator[AnnotatedText]:
    for text in texts:
        yield text
        advance()
