"""Files of entity linking: annotated text, ELEVANT's JSON Lines, AIDA-CoNLL, GUM, and annotation tools that keep entities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from loreweave.corpus.annotated_text import KEYS
from loreweave.corpus.counts import counted
from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import FileFormat, check_not_empty, first_row, read_records, wrong_keys
from loreweave.corpus.files.rows import Row, as_row, field, id_of, objects
from loreweave.corpus.mention_formats import MENTION_FORMATS, recognised_mentions
from loreweave.corpus.surfaces import check_given_surface
from loreweave.errors import DataError
from loreweave.metrics.linking.cases import Label
from loreweave.tasks.entity_linking import aida, layouts
from loreweave.tasks.entity_linking.record import LinkingRecord, mentions_of
from loreweave.tasks.entity_linking.settings import Mentions
from loreweave.tasks.files.own_ids import with_own_ids

ANNOTATED, GUM = "annotated-text", "gum"
_TOOLS = {name: MENTION_FORMATS[name] for name in ("entities", "prodigy", "spacy", "brat")}
"""The mention formats whose mentions can have entities."""
FORMATS: dict[str, FileFormat[LinkingRecord]] = {
    ANNOTATED: FileFormat("annotated text: JSON of {id, text, mentions: [{start, end, entity}]}", layouts.annotated),
    "elevant": FileFormat("ELEVANT: JSON Lines of {text, labels: [{span, entity_id, parent, optional}]}", layouts.elevant),
    "aida": FileFormat(
        "AIDA-CoNLL: columns of token, B or I, mention, entity, address in Wikipedia", aida.records_of_document, aida.rows_of
    ),
    **{
        f"aida-{part}": FileFormat(
            f"the {part} documents of AIDA's single file; read only if --format names it",
            aida.records_of_document,
            partial(aida.rows_of, part=part),
        )
        for part in aida.PARTS
    },
    GUM: FileFormat("GUM: JSON Lines of {doc, tokens, entities: [{start, end, wiki}]}", layouts.gum),
    **{name: FileFormat(tool.summary, partial(layouts.of_tool, tool), tool.rows) for name, tool in _TOOLS.items()},
}
"""Name of `--format` -> the format."""


def read(
    path: Path, format: str | None = None, skip_bad: bool = False, mentions: Mentions = "given"
) -> ReadResult[LinkingRecord]:
    """Read a file (plain, .gz, .xz, .bz2; annotated text also as Parquet), or a folder of spaCy or brat.

    Args:
        path: the file or folder.
        format: one of `FORMATS`; None recognises it by the first row.
        skip_bad: skip, count and list bad records, instead of raising the first error.
        mentions: whether mentions are given or found, for the notes.

    Raises:
        DataError: names the file, the record and the field.
    """
    check_not_empty(path)
    chosen = format or recognise(path)
    result = read_records(path, chosen, skip_bad, FORMATS, recognise)
    if chosen == GUM:
        result = replace(result, records=layouts.joined(result.records), places=[])
    notes = list(result.notes)
    without = sum(record.mentions[index].entity is None for record in result.records for index in record.asked())
    if without:
        notes.append(f"{counted(without, 'mention')} without an entity (NIL)")
    shared = sum(len(spans) - len(set(spans)) for _, spans in map(mentions_of, result.records))
    if shared:
        words = counted(shared, "mention is", "mentions are")
        notes.append(f"{words} at the place of another one; only one entity is predicted for each place")
    unasked = sum(len(record.mentions) - len(record.asked()) for record in result.records)
    if unasked and mentions == "given":
        what = "alternatives, optional ones, numbers, dates, pronouns and descriptions"
        many = counted(unasked, "mention is", "mentions are")
        notes.append(f"{many} neither predicted nor scored when mentions are given: {what}")
    return with_own_ids(replace(result, notes=notes), "document", "documents")


def recognise(path: Path) -> str:
    """The format of a file, by its first row.

    Raises:
        DataError: it is none of `FORMATS`.
    """
    binary = path.is_dir() or path.suffix == ".spacy"
    if not binary and first_character(path) == "-":
        if aida.recognises(path):
            return "aida"
        raise DataError("found no mention in the columns, expected AIDA-CoNLL: token, B, mention, entity", path=path)
    row = None if binary else first_row(path)
    if isinstance(row, Mapping):
        if "text" in row and "labels" in row:
            return "elevant"
        if "tokens" in row and "entities" in row:
            return GUM
        if "text" in row and ("mentions" in row or set(row) <= KEYS):
            return ANNOTATED
    if (tool := recognised_mentions(path, row)) in _TOOLS:
        return tool
    raise wrong_keys(path, row, FORMATS)


def query(row: Row, id: str) -> list[LinkingRecord]:
    """One JSON object that asks for entities: `text`, and either `mentions` (a list of {start, end}) or none, to find names.

    Raises:
        DataError: names the field.
    """
    row = as_row(row)
    text = field(row, "text", str)
    name = id_of(row, id)
    if "start" in row or "end" in row:
        return [LinkingRecord(name, text, (Label(field(row, "start", int), field(row, "end", int), coreference=False),))]
    given = row.get("mentions") is not None
    rows = objects(row, "mentions") if given else []
    mentions = tuple(Label(field(one, "start", int), field(one, "end", int), coreference=False) for one in rows)
    record = LinkingRecord(name, text, mentions, metadata={"given": given})
    for one, mention in zip(rows, mentions, strict=True):
        check_given_surface(text, mention.start, mention.end, one, "mentions.")
    return [record]
