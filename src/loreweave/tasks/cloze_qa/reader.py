"""Files of cloze questions, and queries of `loreweave predict`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import FileFormat, first_row, read_records, recognise_by_keys
from loreweave.corpus.files.rows import LeftOut, Row, as_row
from loreweave.errors import DataError
from loreweave.tasks.cloze_qa import layouts
from loreweave.tasks.cloze_qa.record import ClozeRecord
from loreweave.tasks.files.own_ids import with_own_ids

FORMATS: dict[str, FileFormat[ClozeRecord]] = {
    "record": FileFormat(
        "JSON of passages with entities and queries (qas), whose ends are inclusive: ReCoRD, SuperGLUE", layouts.passages
    ),
    "superglue": FileFormat(
        "rows of {passage, query, entities, entity_spans, answers}: Hugging Face's copy of SuperGLUE", layouts.flat
    ),
    "cloze": FileFormat(
        "JSON Lines of {text, query, candidates: [{start, end}], answers}, with exclusive ends", layouts.queries
    ),
}
_SIGNS = {"qas": "record", "passage": "superglue", "candidates": "cloze", "query": "cloze"}
"""Characteristic key of the first row -> the format, in the order in which they are looked for."""


def recognise(path: Path) -> str:
    """Name of a file's format by its first record.

    Raises:
        DataError: it is none of `FORMATS`.
    """
    return recognise_by_keys(path, first_row(path), _SIGNS)


def read(path: Path, format: str | None = None, skip_bad: bool = False) -> ReadResult[ClozeRecord]:
    """Read a file (plain, .gz, .xz, .bz2), Parquet or a saved data set; a record is a query with its passage.

    Args:
        path: the file.
        format: one of `FORMATS`; None recognises it by the first record.
        skip_bad: skip, count and list bad queries, instead of raising the first error.

    Raises:
        DataError: names the file, the record and the field; or the text of most answers differs from the characters at their
            offsets.
    """
    found = read_records(path, format, skip_bad, FORMATS, recognise)
    strange, answers = found.dropped[layouts.OTHER_TEXT], sum(len(record.answers) for record in found.records)
    if 2 * strange > max(answers, strange):
        raise DataError(
            f"found {strange} of {counted(answers, 'answer')} whose text differs from the characters at their offsets, "
            "expected few: the offsets are not counted as in this format, or belong to another text",
            path=path,
        )
    found.notes.extend(_notes(found.records))
    return with_own_ids(found, "query", "queries")


def _notes(records: Sequence[ClozeRecord]) -> Iterator[str]:
    """What is unusual about queries, one line each, with the first ids."""
    without = [record.id for record in records if not record.candidates]
    if without:
        yield f"{counted(len(without), 'query has', 'queries have')} no candidate and therefore no prediction: {_ids(without)}"
    wrong = [record for record in records if record.candidates and record.answers and not record.correct]
    if wrong:
        many = counted(len(wrong), "query has", "queries have")
        yield f"{many} no answer among the candidates, so training sees only wrong candidates: {_ids(r.id for r in wrong)}"
    absent = [record.id for record in records if record.answers and not any(a in record.text for a in record.answers)]
    if absent:
        many = counted(len(absent), "query has", "queries have")
        yield f"{many} no answer that occurs in the passage: {_ids(absent)}"


def _ids(ids: Iterable[str]) -> str:
    return listed(map(repr, ids), 3)


def query(row: Row, id: str) -> list[ClozeRecord]:
    """One JSON object that asks: `text`, `query` and `candidates`, or a row of Hugging Face's copy of SuperGLUE.

    Raises:
        DataError: see the formats; or there is no candidate.
    """
    if "qas" in row:
        raise DataError("found a passage with its queries, expected one query; --format record reads such files", field="qas")
    convert = layouts.flat if "passage" in row and "text" not in row else layouts.queries
    records = [item for item in convert(row, id) if not isinstance(item, LeftOut)]
    if not records[0].candidates:
        raise DataError("found no candidate, expected at least one mention that can be the answer", field="candidates")
    return records


def rows_of_file(path: Path, format: str | None) -> Iterator[tuple[str, Any]]:
    """Queries of a file in one of `FORMATS`, with their places, as rows of the format `cloze`; gold answers are kept.

    Yields:
        (place, fields of the query), or an error instead of them.

    Raises:
        DataError: the file is none of these formats.
    """
    layout = FORMATS[format or recognise(path)]
    for number, (place, row) in enumerate(layout.rows(path), 1):
        try:
            items = [row] if isinstance(row, DataError) else list(layout.convert(as_row(row), str(number)))
        except DataError as error:
            items = [error]
        for item in items:
            found = item.error if isinstance(item, LeftOut) else item
            if found is not None:
                yield place, found if isinstance(found, DataError) else _row(found)


def _row(record: ClozeRecord) -> dict[str, Any]:
    spans = [{"start": start, "end": end} for start, end in record.candidates]
    row = {"id": record.id, "text": record.text, "query": record.query, "candidates": spans}
    return row | ({"answers": list(record.answers)} if record.answers else {})
