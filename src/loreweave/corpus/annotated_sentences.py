"""Sentences (or longer texts) with typed mentions, in every format of annotated data: the one reader of all commands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.class_labels import UNUSED_NAMES
from loreweave.corpus.column_formats.formats import COLUMN_FORMATS, ColumnFormat, open_columns, recognised_columns
from loreweave.corpus.column_formats.layout import ColumnLayout
from loreweave.corpus.column_formats.sentences import DOCUMENT, SCHEMES, scheme_notes
from loreweave.corpus.column_formats.tag_schemes import TokenSpan
from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.missing import file_not_found
from loreweave.corpus.files.read_result import R, ReadResult
from loreweave.corpus.files.reading import content_suffix, open_text
from loreweave.corpus.files.records import BINARY_SUFFIXES, FileFormat, check_not_empty, kept, stream_records, wrong_keys
from loreweave.corpus.files.rows import LeftOut, Span
from loreweave.corpus.files.tables import is_data_folder, is_description
from loreweave.corpus.mention_formats import (
    MENTION_FORMATS,
    UTF16,
    first_mention_row,
    format_of_file,
    mention_format,
    recognised_mentions,
)
from loreweave.corpus.mention_formats.marked import MentionFormat
from loreweave.corpus.mention_formats.tokens import has_numbers
from loreweave.corpus.plausibility import label_notes, sentence_notes
from loreweave.corpus.surfaces import utf16_words
from loreweave.corpus.tokens import TOKENS, TaggedSentence, spans_of_words, tagged_sentence, token_offsets
from loreweave.corpus.words import word_offsets
from loreweave.errors import ConfigurationError, DataError
from loreweave.plugins import Live

FORMATS: Mapping[str, ColumnFormat | MentionFormat] = Live(lambda: {**COLUMN_FORMATS, **MENTION_FORMATS})
"""Name of `--format` -> the format. A new one is added to one of these two tables."""

_COLUMNS = "columns:"
_ORDER = re.compile(rf"{_COLUMNS}(-?\d+),(-?\d+)")
Format = FileFormat[AnnotatedText]
_JSON_SUFFIXES = (".json", ".jsonl")
_SHOWN = 8
"""Number of names in a message."""
LOOKED_AT = 5000
"""Number of sentences of a streamed file whose words and mentions are checked for plausibility, before the first is used."""


@dataclass(frozen=True)
class AnnotatedSentence:
    """A text with mentions, and its place in the file ("line 4")."""

    place: str
    text: AnnotatedText

    @property
    def id(self) -> str:
        """The id of the text."""
        return self.text.id

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Content of the file beyond the text and its mentions."""
        return self.text.metadata

    @cached_property
    def words(self) -> list[Span]:
        """Characters of each word: words given in the file, or otherwise found in the text.

        Raises:
            DataError: the file gives words that are not places in the text.
        """
        return token_offsets(self.text) if TOKENS in self.text.metadata else word_offsets(self.text.text)

    def spans(self) -> list[TokenSpan]:
        """Labels of the mentions that consist of whole words, as spans of words; one for each label."""
        marks = ((mention.start, mention.end, label) for mention in self.text.mentions for label in mention.types)
        return spans_of_words(self.words, marks)


Converter = Callable[[AnnotatedSentence], Iterable[R | LeftOut]]
"""A sentence -> records of a task, and what is left out."""


def read_sentences(
    path: Path,
    convert: Converter[R],
    format: str | None = None,
    skip_bad: bool = False,
    names: Sequence[str] | None = None,
) -> ReadResult[R]:
    """Read all sentences of a file or a folder as records of a task; see `stream_sentences`.

    Args:
        path: the file or folder.
        convert: sentence -> its records; a DataError that it raises is a bad record.
        format: see `stream_sentences`.
        skip_bad: see `stream_sentences`.
        names: see `stream_sentences`.

    Raises:
        DataError: names the file, the line and the field; or words, labels or mentions cannot be what was meant.
        ConfigurationError: unknown format.
    """
    result: ReadResult[R] = ReadResult([])
    sentences: list[AnnotatedSentence] = []
    for sentence in stream_sentences(path, result, format, skip_bad, names):
        sentences.append(sentence)
        for record in kept(convert(sentence), sentence.place, path, skip_bad, result):
            result.records.append(record)
            result.places.append(sentence.place)
    result.notes.extend(plausibility_notes(sentences, path))
    return result


def read_tagged_sentences(
    path: Path, format: str | None = None, skip_bad: bool = False, names: Sequence[str] | None = None
) -> ReadResult[TaggedSentence]:
    """Read sentences for sequence labelling: tokens, and of nested mentions the outermost; see `read_sentences`.

    What a sentence loses is counted. Sentences without a token are left out and counted.
    """
    return read_sentences(path, _tagged, format, skip_bad, names)


def _tagged(sentence: AnnotatedSentence) -> Iterator[TaggedSentence | LeftOut]:
    dropped = Counter[str]()
    tagged = tagged_sentence(sentence.text, sentence.words, dropped)
    yield from (LeftOut(reason, of_record=True) for reason in dropped.elements())
    yield tagged if tagged.tokens else LeftOut("sentences without a token")


def stream_sentences(
    path: Path,
    account: ReadResult[Any],
    format: str | None = None,
    skip_bad: bool = False,
    names: Sequence[str] | None = None,
    prefix: str = "",
) -> Iterator[AnnotatedSentence]:
    """Yield every sentence of a file, or of all files of a folder, sorted by name.

    The id of a sentence without an id is its number. In columns, in CoNLL-U and in folders of several files, it is preceded by
    the name of the file.

    Args:
        path: plain, .gz, .xz or .bz2; hidden files of a folder, and those that describe it, are not read. A folder that is one
            data set (saved by Hugging Face's library, of Parquet files, of spaCy, of brat) is read as one.
        account: receives the counts of what is left out, and notes about the file; its records and places do not change.
        format: one of `FORMATS`; `columns:TOKEN,TAG` with the numbers of two columns (from 0; -1 is the last one);
            `NAME:utf16` if offsets of characters count UTF-16 code units. Default: recognised by the first record.
        skip_bad: skip, count and list bad sentences, instead of raising the first error.
        names: names of tags that are numbers, from 0. If the file has no such tags, a note says so.
        prefix: text before the number that is the id of a sentence, for callers that read several files.

    Raises:
        DataError: names the file, the line and the field.
        ConfigurationError: unknown format.
    """
    if format is not None and not is_format(format):
        if format.startswith(_COLUMNS):
            raise ConfigurationError(f"unknown format {format!r}; to choose the columns, use columns:0,-1 (token, tag)")
        raise ConfigurationError(f"unknown format {format!r}; annotated sentences have {', '.join(FORMATS)}")
    files = sentence_files(path, format)
    if files == [path]:
        account.notes.extend(_notes_of_spacy(path))
        yield from _stream_file(path, account, format, skip_bad, names, prefix)
        return
    account.notes.append(_read_from([file.name for file in files]))
    stems = Counter(_stem(file) for file in files)
    for file in files:
        of_file: ReadResult[Any] = ReadResult([])
        name = _stem(file) if stems[_stem(file)] == 1 else file.name
        for sentence in _stream_file(file, of_file, format, skip_bad, names, f"{prefix}{name}:"):
            text = _in_folder(sentence.text, _stem(file), name)
            yield AnnotatedSentence(f"{file.name}, {sentence.place}", text)
        account.add(of_file, file.name)


def _stream_file(
    path: Path,
    account: ReadResult[Any],
    format: str | None,
    skip_bad: bool,
    names: Sequence[str] | None,
    prefix: str = "",
) -> Iterator[AnnotatedSentence]:
    check_not_empty(path)
    chosen, layout, notes = _format_of(path, format, names)
    account.notes.extend([*notes, *_unused_names(path, chosen, names)])
    counts_characters = mention_format(chosen + UTF16) is not None
    tagged: list[tuple[str, Sequence[str]]] = []
    points = units = 0
    for place, text in stream_records(path, layout, skip_bad, account, prefix):
        for sentence in kept(_with_words(AnnotatedSentence(place, text)), place, path, skip_bad, account):
            if SCHEMES in sentence.metadata:
                tagged.append((place, sentence.metadata[SCHEMES]))
            if counts_characters and max(text.text, default="") > "\uffff":
                fits = utf16_words(text.text, sentence.words, [(mention.start, mention.end) for mention in text.mentions])
                points, units = points + fits[0], units + fits[1]
            yield sentence
    account.notes.extend(scheme_notes(tagged))
    if units > points:
        found = f"OFFSETS IN UTF-16? {units} mentions after characters beyond U+FFFF (emoji) cut words, but are whole words if"
        account.notes.append(f"{found} offsets count UTF-16 code units, as in browsers; use --format {chosen}{UTF16} then")


def _with_words(sentence: AnnotatedSentence) -> Iterator[AnnotatedSentence]:
    """The sentence; given words are checked, and words that have to be found are not searched yet."""
    if TOKENS in sentence.metadata:
        assert sentence.words is not None
    yield sentence


def looked_at(sentences: Iterator[AnnotatedSentence], path: Path, account: ReadResult[Any]) -> Iterator[AnnotatedSentence]:
    """The sentences, for callers that stream them: the account receives what is unusual in the first `LOOKED_AT` ones.

    Not every file has mentions. If the first sentences have none, nothing is expected of their words.

    Raises:
        DataError: words or labels of the first sentences are certainly something else.
    """
    first = list(islice(sentences, LOOKED_AT))
    if any(sentence.text.mentions for sentence in first):
        account.notes.extend(plausibility_notes(first, path))
    yield from chain(first, sentences)


def plausibility_notes(sentences: Sequence[AnnotatedSentence], path: Path) -> list[str]:
    """Notes about unusual words, labels and mentions; see `corpus.plausibility`.

    Raises:
        DataError: words or labels are certainly something else.
    """
    labels = Counter(label for each in sentences for mention in each.text.mentions for label in mention.types)
    words = [[each.text.text[start:end] for start, end in each.words] for each in sentences]
    try:
        return [*sentence_notes(words, [each.spans() for each in sentences], labels), *label_notes(labels)]
    except DataError as error:
        raise DataError(error.message, path=path, field=error.field) from None


# ---- files and their formats --------------------------------------------------------------------------------------------


def sentence_files(path: Path, format: str | None = None) -> list[Path]:
    """The file, the files of a folder, or a folder that is one data set."""
    if not path.exists():
        raise file_not_found(path)
    if not path.is_dir() or format in ("brat", "spacy") or is_data_folder(path) or _of_spacy(path):
        return [path]
    files = _inside(path)
    if not files:
        raise DataError("found no file in it, expected files of annotated sentences", path=path)
    return files


def _inside(folder: Path) -> list[Path]:
    """Files of a folder without hidden files and those that describe the data."""
    return sorted(file for file in folder.iterdir() if file.is_file() and not is_description(file))


def _of_spacy(path: Path) -> bool:
    return path.is_dir() and next(path.glob("*.spacy"), None) is not None


def _notes_of_spacy(path: Path) -> list[str]:
    """Notes about a folder with spaCy's files: several of them, and other files, which are not read."""
    if not _of_spacy(path):
        return []
    own = [file.name for file in sorted(path.glob("*.spacy"))]
    others = [file.name for file in _inside(path) if file.suffix != ".spacy"]
    notes = [_read_from(own)] if len(own) > 1 else []
    return notes + ([f"read only the .spacy files of the folder, not {listed(others, _SHOWN)}"] if others else [])


def _read_from(names: Sequence[str]) -> str:
    return f"read from {counted(len(names), 'file')}: {listed(names, _SHOWN)}"


def _stem(file: Path) -> str:
    return file.name.partition(".")[0]


def _in_folder(text: AnnotatedText, stem: str, name: str) -> AnnotatedText:
    """The text with an id and a document that are unique in the folder, if they are numbers within the file."""
    id = f"{name}:{text.id.removeprefix(f'{stem}:')}" if text.id.startswith(f"{stem}:") else text.id
    metadata = text.metadata
    if DOCUMENT in metadata:
        metadata = {**metadata, DOCUMENT: f"{name}:{metadata[DOCUMENT]}"}
    return replace(text, id=id, metadata=metadata)


def is_format(name: str) -> bool:
    """Whether this is one of `FORMATS`, with its columns or with the suffix for UTF-16 code units."""
    return name in FORMATS or mention_format(name) is not None or _ORDER.fullmatch(name) is not None


def _format_of(path: Path, format: str | None, names: Sequence[str] | None) -> tuple[str, Format, Sequence[str]]:
    """Name of a file's format, the format adapted to this file, and notes about it."""
    order = None if format is None else _ORDER.fullmatch(format)
    if order is not None:
        opened = open_columns(path, ColumnLayout(token=int(order[1]), tag=int(order[2])))
        return _COLUMNS, FileFormat("", opened.texts, opened.rows), opened.notes
    name = format or recognise(path)
    if name in COLUMN_FORMATS:
        opened = COLUMN_FORMATS[name].open(path)
        return name, FileFormat("", opened.texts, opened.rows), opened.notes
    if name in MENTION_FORMATS:
        found, notes = format_of_file(name, path, names)
    else:
        utf16 = mention_format(name)
        assert utf16 is not None, "the name was checked before"
        found, notes = utf16, []
    return name, FileFormat(found.summary, found.texts, found.rows), notes


def _unused_names(path: Path, name: str, names: Sequence[str] | None) -> list[str]:
    """A note if the file of that format has no tags that are numbers, so that the given names are not used."""
    return [UNUSED_NAMES] if names and not (name == "tokens" and has_numbers(path)) else []


def recognise(path: Path) -> str:
    """Name of the format of a file, or of a folder that is one data set, by its first record.

    Raises:
        DataError: it is none of `FORMATS`, or several are possible.
    """
    if has_rows(path):
        row = first_row(path)
        found = recognised_mentions(path, row)
        if found is not None:
            return found
        if row is not None or _is_binary(path):
            raise _unknown(path, row)
    return recognised_columns(path)


def has_rows(path: Path) -> bool:
    """Whether a file is a table or may be JSON, so that its first row shows its format; True for a folder."""
    return _is_binary(path) or _may_be_json(path)


def _is_binary(path: Path) -> bool:
    return path.is_dir() or path.suffix in BINARY_SUFFIXES


def _may_be_json(path: Path) -> bool:
    """Whether a file begins like JSON; a .json file may begin with a broken line."""
    if first_character(path) in "[{":
        return True
    if content_suffix(path) not in _JSON_SUFFIXES:
        return False
    with open_text(path) as file:
        return any(line.lstrip()[:1] in ("[", "{") for line in file)


def first_row(path: Path) -> object:
    """The first row of what `has_rows`; None for a folder, and if a bracket is just the first token of a column file.

    Raises:
        DataError: there is none, or all rows are broken.
    """
    try:
        return first_mention_row(path)
    except DataError:
        if _is_binary(path):
            raise
        with open_text(path) as file:
            line = next(line for line in file if line.strip())
        if len(line.split()) > 1 and line[1] in " \t":
            return None
        raise


def _unknown(path: Path, row: object) -> DataError:
    if isinstance(row, Mapping) and {"support", "query"} <= row.keys():
        way_out = "'loreweave evaluate few-shot-ner' and 'loreweave score few-shot-ner' read them"
        return DataError(f"found episodes (support and query), expected annotated sentences; {way_out}", path=path, line=1)
    return wrong_keys(path, row, FORMATS)
