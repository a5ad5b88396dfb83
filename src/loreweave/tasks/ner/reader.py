"""Files of NER: columns in any order and scheme, CoNLL-U, JSON with characters or tokens, and our own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from loreweave.corpus.column_formats.conllu import is_conllu
from loreweave.corpus.column_formats.conllu_misc import find_misc
from loreweave.corpus.column_formats.layout import ColumnLayout, find_layout
from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.reading import open_text
from loreweave.corpus.files.records import BINARY_SUFFIXES, FileFormat, check_not_empty, read_records, wrong_keys
from loreweave.corpus.files.rows import Row
from loreweave.corpus.mention_formats import (
    UTF16,
    first_mention_row,
    format_of_file,
    mention_format,
    recognised_mentions,
)
from loreweave.corpus.plausibility import label_notes, sentence_notes
from loreweave.corpus.surfaces import utf16_words
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.mentions import files as mention_files
from loreweave.tasks.ner import column_layouts, layouts
from loreweave.tasks.ner.record import SCHEMES, NerRecord, Sentence, joined

_ORDER = re.compile(r"columns:(-?\d+),(-?\d+)")


def read(
    path: Path, format: str | None = None, skip_bad: bool = False, names: Sequence[str] | None = None
) -> ReadResult[NerRecord]:
    """Read a file (plain, .gz, .xz, .bz2) or a folder; sentences of a document know one another.

    Args:
        path: the file.
        format: one of `FORMATS`; `columns:TOKEN,TAG` with the numbers of two columns (from 0; -1 is the last);
            `NAME:utf16` where offsets of characters count UTF-16 code units; None recognises it by the first record.
        skip_bad: leave bad records out, count and list them, instead of an error at the first.
        names: of tags that are numbers, from 0.

    Raises:
        DataError: names the file, the line and the field.
    """
    check_not_empty(path)
    given = None if format is None else _given_columns(format)
    chosen = "columns" if given is not None else format or recognise(path)
    formats, notes = FORMATS, list[str]()
    if chosen == "tokens":
        found, notes = format_of_file(chosen, path, names)
        formats = {**formats, chosen: mention_files.file_format(found, layouts.typed_mentions)}
    if chosen.endswith(UTF16):
        formats = {**formats, **mention_files.named_format(chosen, layouts.typed_mentions)}
    if chosen == "columns":
        layout = find_layout(path, given)
        formats = {**formats, chosen: replace(formats[chosen], rows=column_layouts.column_rows(layout))}
        notes += layout.notes
    elif chosen == "conllu":
        misc = find_misc(path)
        formats = {**formats, chosen: replace(formats[chosen], rows=column_layouts.conllu_rows(misc))}
        notes += misc.notes
    result = read_records(path, chosen, skip_bad, formats, recognise)
    notes += [*scheme_notes(result), *_utf16_notes(result.records, chosen)]
    try:
        notes += plausibility_notes(result.records)
    except DataError as error:
        raise DataError(error.message, path=path, field=error.field) from None
    return replace(result, records=joined(result.records), notes=notes)


def _given_columns(format: str) -> ColumnLayout | None:
    """The columns that `columns:TOKEN,TAG` names."""
    if not format.startswith("columns:"):
        return None
    order = _ORDER.fullmatch(format)
    if order is None:
        raise ConfigurationError(f"unknown format {format!r}; to choose the columns, use columns:0,-1 (token, tag)")
    return ColumnLayout(token=int(order[1]), tag=int(order[2]))


def plausibility_notes(records: Sequence[NerRecord]) -> list[str]:
    """What is odd about words, labels and mentions, a line each; see `corpus.plausibility`.

    Raises:
        DataError: words or labels that are certainly something else.
    """
    words = [[record.text[start:end] for start, end in record.sentence.words] for record in records]
    labels = Counter(str(mention.label) for record in records for mention in record.mentions)
    return [*sentence_notes(words, [record.word_spans() for record in records], labels), *label_notes(labels)]


def _utf16_notes(records: Sequence[NerRecord], format: str) -> list[str]:
    """Says where offsets of characters, which no given text confirms, are whole words in UTF-16 code units alone."""
    if mention_format(format + UTF16) is None:
        return []
    fits = [utf16_words(record.text, record.sentence.words, mentions_of(record)[1]) for record in records]
    points, units = (sum(counts) for counts in zip(*fits, strict=True)) if fits else (0, 0)
    if units <= points:
        return []
    found = f"OFFSETS IN UTF-16? {units} mentions after characters beyond U+FFFF (emoji) cut words, but are whole words if"
    return [f"{found} offsets count UTF-16 code units, as in browsers; use --format {format}{UTF16} then"]


def labels_of(records: Sequence[NerRecord]) -> list[str]:
    """The types of mentions, sorted."""
    return sorted({str(mention.label) for record in records for mention in record.mentions})


def mentions_of(record: NerRecord) -> tuple[str, Sequence[tuple[int, int]]]:
    """Its text and the characters of its gold mentions."""
    return record.text, [(mention.start, mention.end) for mention in record.mentions]


def words_of(record: NerRecord) -> Sequence[tuple[int, int]]:
    """The characters of its words."""
    return record.sentence.words


def mention_labels_of(record: NerRecord) -> list[str]:
    """The label of each of its mentions."""
    return [str(mention.label) for mention in record.mentions]


def query(row: Row, id: str) -> list[NerRecord]:
    """One JSON object that asks for names: `text`, or `tokens`; `before` and `after` may hold the text around."""
    return [layouts.question(row, id)]


def ask(text: str, mentions: Sequence[tuple[int, int]], id: str) -> list[NerRecord]:
    """The record of a text.

    Raises:
        DataError: mentions are given, which this task finds itself.
    """
    if mentions:
        raise DataError(f"found mentions of text {id}, expected none: this task finds them", field="mentions")
    return [NerRecord(id, Sentence.of(text))]


FORMATS: dict[str, FileFormat[NerRecord]] = {
    "columns": FileFormat(
        "a token and its tag a line (IOB1, IOB2, BIOES, BILOU, BMES, bare labels), found; columns:1,3 names columns",
        column_layouts.columns,
        column_layouts.column_rows(None),
    ),
    "conllu": FileFormat(
        "CoNLL-U with Entity=(..., NER=B-..., name=B-... or B-... in its last column",
        column_layouts.conllu,
        column_layouts.conllu_rows(None),
    ),
}
FORMATS |= mention_files.file_formats(layouts.typed_mentions)


def recognise(path: Path) -> str:
    """The format of a file or a folder, by its first record."""
    if path.is_dir() or path.suffix in BINARY_SUFFIXES or first_character(path) in "[{":
        row = _first_row(path)
        found = recognised_mentions(path, row)
        if found is not None:
            return found
        if row is not None or path.is_dir() or path.suffix in BINARY_SUFFIXES:
            raise wrong_keys(path, row, FORMATS)
    return "conllu" if is_conllu(path) else "columns"


def _first_row(path: Path) -> object:
    """The first row; None of a folder, and where a bracket is just the first token of a column file."""
    try:
        return first_mention_row(path)
    except DataError:
        if path.is_dir() or path.suffix in BINARY_SUFFIXES:
            raise
        with open_text(path) as file:
            line = next(line for line in file if line.strip())
        if len(line.split()) > 1 and line[1] in " \t":
            return None
        raise


def scheme_notes(read: ReadResult[NerRecord]) -> list[str]:
    """Says of tagged sentences that do not follow the scheme of most; conlleval's rule, by which all are read, takes any."""
    tagged = [
        (place, record.metadata[SCHEMES])
        for place, record in zip(read.places, read.records, strict=True)
        if SCHEMES in record.metadata
    ]
    followers = Counter(scheme for _, schemes in tagged for scheme in schemes)
    if not followers:
        which = "IOE, or BILOU mixed with BIOES"
        found = f"the tags of {counted(len(tagged), 'sentence')} are none of iob1, iob2, bioes and bilou throughout"
        return [f"{found} ({which}); read by conlleval's rule, which takes any"] if tagged else []
    most = max(followers, key=lambda name: (followers[name], name == "iob2"))
    others = [place for place, schemes in tagged if most not in schemes]
    if not others:
        return []
    found = f"tags are {most} but for {counted(len(others), 'sentence')} (read by conlleval's rule, which takes any)"
    return [f"{found}: {listed(others)}"]
