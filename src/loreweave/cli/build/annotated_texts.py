"""Texts with mentions as the input of `loreweave build`: options, reading, excluded texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loreweave.cli.console import Advance, say
from loreweave.cli.options import read_tag_names
from loreweave.corpus.counts import counted, listed

if TYPE_CHECKING:
    from loreweave.build.text_checks import TextChecks
    from loreweave.corpus.annotated_text import AnnotatedText
    from loreweave.corpus.exclusion import Exclusion

SHOWN_NAMES = 20
MANY_UNKNOWN = 0.05
"""Share of unknown sub-words from which on the tokenizer is doubted."""

FILES = typer.Argument(metavar="FILE", help="Files or folders of texts with mentions. They are read in this order.")
Files = Annotated[list[str], FILES]
SAMPLE = '{"id": "1", "text": "Oslo is big.", "mentions": [{"start": 0, "end": 4, "entity": "Oslo"}]}'
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Format of the files: annotated, annotated:utf16, wikispeedia or one of 'loreweave tasks ner', such as doccano. "
        f"Default: recognised. A line of annotated: {SAMPLE}",
    ),
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


@dataclass
class TextFiles:
    """The text files of a command: how they are read, and what was left out of them or is odd.

    Attributes:
        files: names of the files and folders.
        format: a format of `build.text_files`. Default: recognised for each file.
        skip_bad: skip and count texts that cannot be read.
        tag_names: file with the names of tags that are numbers.
        exclude: file with titles or ids of texts to leave out.
        link_labels: whether mentions without an entity link to their label.
        checks: what is odd in the texts.
        left_out: what was left out, in words.

    Raises:
        ConfigurationError: unknown format.
        DataError: a file of names cannot be read.
    """

    files: Sequence[str]
    format: str | None = None
    skip_bad: bool = False
    tag_names: Path | None = None
    exclude: Path | None = None
    link_labels: bool = False
    checks: TextChecks = field(init=False)
    left_out: Counter[str] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        """Check the options before anything is read."""
        from loreweave.build.text_checks import TextChecks
        from loreweave.build.text_files import check_format

        check_format(self.format)
        self.checks = TextChecks()
        self._exclusion = self._read_exclusion()
        self._names = read_tag_names(self.tag_names)

    def texts(self, advance: Advance | None = None) -> Iterator[AnnotatedText]:
        """Texts of all files, in order, except excluded ones.

        Args:
            advance: called after each text.

        Raises:
            DataError: a file cannot be read.
        """
        texts = self.checks.checked(self._exclusion.kept(self._read(self.left_out)))
        return self._prepared(texts, advance)

    def texts_again(self, advance: Advance | None = None) -> Iterator[AnnotatedText]:
        """The same texts, for a command that reads them twice; nothing is counted again."""
        from loreweave.build.text_checks import TextChecks

        return self._prepared(TextChecks().checked(self._read_exclusion().kept(self._read(None))), advance)

    def counts(self) -> dict[str, int]:
        """Counts of what was odd, left out and excluded; lines about it are printed."""
        for line in self.checks.notes():
            say(line)
        missed = say_not_found(self.exclude, self._exclusion)
        excluded = {"texts_excluded": self._exclusion.texts, "excluded_names_not_found": missed}
        return self.checks.reported() | excluded | self.left_out

    def _read(self, left_out: Counter[str] | None) -> Iterator[AnnotatedText]:
        """Texts of all files; what is left out of each file is counted and printed, unless this is None."""
        from loreweave.build.text_files import stream_texts
        from loreweave.corpus.files.read_result import ReadResult
        from loreweave.corpus.files.records import describe_skipped

        for file, prefix in zip(self.files, _prefixes(self.files), strict=True):
            account: ReadResult[Any] = ReadResult([])
            for _, text in stream_texts(Path(file), account, self.format, self.skip_bad, self._names, prefix):
                yield text
            if left_out is not None:
                left_out.update(account.skipped + account.dropped)
                for line in describe_skipped(account, Path(file)):
                    say(line)

    def _prepared(self, texts: Iterator[AnnotatedText], advance: Advance | None) -> Iterator[AnnotatedText]:
        from loreweave.build.added_links import link_labels

        texts = link_labels(texts) if self.link_labels else texts
        return texts if advance is None else _advancing(texts, advance)

    def _read_exclusion(self) -> Exclusion:
        from loreweave.corpus.exclusion import Exclusion
        from loreweave.corpus.wikispeedia import read_reserved_titles

        return Exclusion() if self.exclude is None else Exclusion(read_reserved_titles(self.exclude))


def _prefixes(files: Sequence[str]) -> list[str]:
    """For each of several files, its name, so that texts that only have numbers get ids of their own."""
    if len(files) < 2:
        return [""] * len(files)
    stems = [Path(file).name.partition(".")[0] for file in files]
    return [f"{stem if stems.count(stem) == 1 else file}:" for file, stem in zip(files, stems, strict=True)]


def say_not_found(file: Path | None, exclusion: Exclusion) -> int:
    """Print the names in a file of `--exclude` that no text has, and return their number."""
    missed = exclusion.not_found()
    if missed:
        say(f"{file}: no text has the id or title {listed(map(repr, missed), shown=SHOWN_NAMES)}")
    return len(missed)


def say_unknown(unknown: int, sub_words: int, tokenizer: str) -> None:
    """Print a warning if the tokenizer does not know many sub-words of the texts."""
    if unknown > MANY_UNKNOWN * sub_words:
        found = f"{unknown:,} of {counted(sub_words, 'sub-word')} ({unknown / sub_words:.0%}) are unknown"
        say(f"warning: {found} to the tokenizer {tokenizer}: give an encoder of the language and the script of the texts")


def _advancing(texts: Iterable[AnnotatedText], advance: Advance) -> Iterator[AnnotatedText]:
    for text in texts:
        yield text
        advance()
