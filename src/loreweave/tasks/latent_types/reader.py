"""The texts that are typed: lines of plain text, or annotated sentences in any format, one line at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_sentences import AnnotatedSentence, looked_at, stream_sentences
from loreweave.corpus.annotated_text import KEYS, AnnotatedText, Mention
from loreweave.corpus.counts import listed
from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.reading import Pathname, content_suffix
from loreweave.corpus.files.records import describe_skipped, kept
from loreweave.corpus.files.tables import is_table
from loreweave.corpus.mention_formats import first_mention_row, recognised_mentions
from loreweave.corpus.plain_text import read_lines
from loreweave.corpus.tokens import POS, TOKENS, pos_of, token_offsets

TEXT = "text"
"""The name of the format of plain text."""
_SENTENCE_SUFFIXES = (".conll", ".conllu", ".bio", ".iob", ".iob2", ".tsv", ".spacy")
_ROW_SUFFIXES = (".json", ".jsonl", ".parquet", ".arrow")
_LINE_END = re.compile(r"\r\n?|\n")


def read_texts(
    files: Iterable[Pathname],
    counts: Counter[str] | None = None,
    *,
    format: str | None = None,
    skip_bad: bool = False,
    names: Sequence[str] | None = None,
    report: Callable[[str], object] = lambda line: None,
    skipped: Counter[str] | None = None,
) -> Iterator[AnnotatedText]:
    """Stream the texts of all files, one line at a time; a text of several lines is split, and blank lines are left out.

    A file is read as annotated sentences if its suffix is .conll, .conllu, .bio, .iob, .iob2, .tsv or .spacy, or if its first
    row has one of their formats. Only the `text` is read of other rows (.jsonl, .parquet, .arrow, a saved data set). Any other
    file is plain text. Of a folder its .conllu files are read, if it has some, and otherwise all its files.

    Args:
        files: the files and folders.
        counts: receives `empty lines`, `mentions across lines` and what else is left out, in words.
        format: a format of `corpus.annotated_sentences`, or `text` for plain text. Default: recognised for each file.
        skip_bad: skip, count and list bad records, instead of raising the first error.
        names: names of tags that are numbers, from 0.
        report: called with lines about what was left out of a file or looks unusual.
        skipped: receives the reasons of records that are left out as a whole, which are among `counts` too.

    Raises:
        DataError: a file is missing or has another format than its suffix says; names the file and the line.
        ConfigurationError: unknown format.
    """
    counts = Counter() if counts is None else counts
    for path in _paths(files, report):
        account: ReadResult[Any] = ReadResult([])
        if (_recognised(path) if format is None else format) == TEXT:
            texts = _plain(path)
        else:
            texts = looked_at(stream_sentences(path, account, format, skip_bad, names), path, account)
        for sentence in texts:
            for line in kept(lines_of(sentence.text, counts), sentence.place, path, skip_bad, account):
                if line.text.strip():
                    yield line
                else:
                    counts["empty lines"] += 1
        counts.update(account.dropped + account.skipped)
        if skipped is not None:
            skipped.update(account.skipped)
        for said in describe_skipped(account, path):
            report(said)


def _paths(files: Iterable[Pathname], report: Callable[[str], object]) -> Iterator[Path]:
    """The files; the .conllu files of a folder that has some, whose other files are named."""
    for file in map(Path, files):
        inside = sorted(file.glob("*.conllu*")) if file.is_dir() else []
        others = sorted(other.name for other in file.iterdir() if other not in inside) if inside else []
        if others:
            report(f"{file}: read only the .conllu files of the folder, not {listed(others)}")
        yield from inside or [file]


def _plain(path: Path) -> Iterator[AnnotatedSentence]:
    """Lines of text, without those that only separate documents."""
    lines = (line for line in read_lines([path]) if line.place)
    return (AnnotatedSentence(line.place, AnnotatedText(line.place, line.text)) for line in lines)


def _recognised(path: Path) -> str | None:
    """`text` for plain text; None for what the reader of annotated sentences recognises."""
    if not is_table(path):
        if path.is_dir() or content_suffix(path) in _SENTENCE_SUFFIXES:
            return None
        if content_suffix(path) not in _ROW_SUFFIXES or first_character(path) not in ("[", "{"):
            return TEXT
    row = first_mention_row(path)
    found = recognised_mentions(path, row)
    keys = set(row) if isinstance(row, Mapping) else set()
    if found is None or (found == "annotated-text" and "mentions" not in keys and not {"id", "text"} <= keys <= KEYS):
        return TEXT
    return None


def lines_of(text: AnnotatedText, counts: Counter[str]) -> Iterator[AnnotatedText]:
    """The lines of a text, each with its mentions and tokens; the text itself if it is one line.

    Args:
        text: lines end with LF, CR LF or CR.
        counts: receives `mentions across lines`, which are left out.
    """
    ends = list(_LINE_END.finditer(text.text))
    if not ends:
        yield text
        return
    given = TOKENS in text.metadata or POS in text.metadata
    tokens, tags = (token_offsets(text), pos_of(text)) if given else (None, None)
    places = zip([0, *(end.end() for end in ends)], [*(end.start() for end in ends), len(text.text)], strict=True)
    across = len(text.mentions)
    for number, (start, end) in enumerate(places, 1):
        mentions = [
            Mention(one.start - start, one.end - start, one.entity, one.label, one.labels)
            for one in text.mentions
            if start <= one.start and one.end <= end
        ]
        across -= len(mentions)
        metadata: dict[str, Any] = {}
        if tokens is not None:
            inside = [place for place, token in enumerate(tokens) if start <= token[0] and token[1] <= end]
            metadata[TOKENS] = [[tokens[place][0] - start, tokens[place][1] - start] for place in inside]
            metadata |= {POS: [tags[place] for place in inside]} if tags is not None else {}
        yield AnnotatedText(f"{text.id}:{number}", text.text[start:end], tuple(mentions), text.language, metadata)
    counts["mentions across lines"] += across
