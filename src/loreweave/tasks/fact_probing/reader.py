"""Reads facts: a file, or a folder with one file per relation and a file of templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.json_rows import first_character
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.reading import content_suffix
from loreweave.corpus.files.records import NEARLY, FileFormat, first_row, recognise_by_keys, stream_records
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.files.tables import is_data_folder
from loreweave.corpus.knowledge.relation_templates import MASK_PLACE, RelationTemplate, read_templates
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import Reading
from loreweave.tasks.fact_probing.formats import FIELDS, FORMATS, SIGNS, Asking, relation_of_file
from loreweave.tasks.fact_probing.record import Fact, with_other_objects
from loreweave.tasks.fact_probing.settings import ScoringSettings
from loreweave.tasks.files.own_ids import with_own_ids

TEMPLATE_FILES = ("relations.jsonl", "templates.jsonl")
"""Names of LAMA's and mLAMA's files of templates."""
_SUFFIXES = (".jsonl", ".json", ".ndjson")


def read(path: Path, settings: ScoringSettings, reading: Reading | None = None) -> ReadResult[Fact]:
    """Read facts; those that the settings leave out are counted.

    Args:
        path: a file, or a folder with one file per relation, as LAMA's `TREx` and `Google_RE_UHN`.
        settings: templates, and which facts are left out.
        reading: format, and whether bad records are left out.

    Raises:
        ConfigurationError: unknown format.
        DataError: names the file, the place and the field; or there is no fact.
    """
    how = reading or Reading()
    if how.format is not None and how.format not in FORMATS:
        raise ConfigurationError(f"unknown format {how.format!r}; this task reads {', '.join(FORMATS)}")
    asking = Asking(templates=_templates(path, settings), ask=settings.ask, max_words=settings.max_sentence_words)
    result: ReadResult[Fact] = ReadResult([])
    seen: set[tuple[str, str, str]] = set()
    for file in _files(path, result):
        of_file = replace(asking, relation=relation_of_file(file))
        for place, fact in _facts(file, of_file, how, result, named=file != path):
            key = (fact.relation, fact.text, fact.object)
            if fact.asked and key in seen:
                _unused(result, "repeated fact", place, fact)
                continue
            seen.add(key)
            if fact.asked and settings.unhelpful_names and fact.is_in_subject:
                _unused(result, "object in the name of the subject", place, fact)
                fact = replace(fact, asked=False)
            result.records.append(fact)
            result.places.append(place)
    with_own_ids(result, "fact", "facts")  # before facts are removed, so that ids do not depend on what is left out
    result.records[:] = with_other_objects(result.records)
    _keep_asked(result, path)
    if several := [place for place, fact in zip(result.places, result.records, strict=True) if fact.text.count(MASK_PLACE) > 1]:
        verb = "has" if len(several) == 1 else "have"
        found = f"{counted(len(several), 'question')} {verb} several {MASK_PLACE}, of which the first is asked"
        result.notes.append(f"{found} ({several[0]})")
    return result


def _keep_asked(result: ReadResult[Fact], path: Path) -> None:
    """Remove the facts that are not asked, whose objects the others know by now.

    Raises:
        DataError: there is no other.
    """
    kept = [(fact, place) for fact, place in zip(result.records, result.places, strict=True) if fact.asked]
    if not kept:
        left_out = f" ({listed(f'{why}: {n}' for why, n in result.skipped.items())})" if result.skipped else ""
        first = "".join(f"; {line}" for line in firsts_left_out(result)[:1])
        raise DataError(f"found no usable fact{left_out}{first}", path=path)
    result.records[:], result.places[:] = [fact for fact, _ in kept], [place for _, place in kept]


def firsts_left_out(found: ReadResult[Fact]) -> list[str]:
    """The first fact that was left out for each reason, with its place."""
    lines = [line for _, line in found.lost]
    firsts = (next((line for line in lines if f": {reason}" in line), None) for reason in found.unused)
    return [line for line in firsts if line is not None]


def _misspelled(name: str, unread: Mapping[str, int]) -> Iterator[str]:
    """A note for each field that is not read, but nearly has the name of one that is.

    Args:
        name: name of the format.
        unread: field -> number of facts that have it.
    """
    for key, count in unread.items():
        if close := get_close_matches(key, FIELDS[name], n=1, cutoff=NEARLY):
            yield f"the field {key!r} of {counted(count, 'fact')} is not read; did you mean {close[0]!r}?"


def _facts(path: Path, asking: Asking, how: Reading, result: ReadResult[Fact], *, named: bool) -> Iterator[tuple[str, Fact]]:
    """Facts of one file with their places, which name the file if it is one of several."""
    account: ReadResult[Fact] = ReadResult([])
    name = how.format or recognise_by_keys(path, first_row(path), SIGNS)
    format: FileFormat[Fact] = FileFormat(FORMATS[name][0], partial(_convert, name, asking))
    prefix = f"{asking.relation}-" if named else ""
    unread = Counter[str]()
    for place, fact in stream_records(path, format, how.skip_bad, account, prefix):
        if fact.asked:
            unread.update(fact.metadata.keys())
        yield (f"{path.name}, {place}" if named else place), fact
    result.add(account, path.name)
    result.notes.extend(f"{path.name}: {note}" if named else note for note in _misspelled(name, unread))


def _convert(name: str, asking: Asking, row: Any, number: str) -> Iterator[Fact | LeftOut]:
    yield from FORMATS[name][1](row, number, asking)


def _unused(result: ReadResult[Fact], reason: str, place: str, fact: Fact) -> None:
    result.leave_out(reason, None)
    result.lost.append(("unused", f"{place}: {reason}, {fact.subject}, {fact.object}"))


def _files(path: Path, result: ReadResult[Fact]) -> list[Path]:
    """The files of facts; empty ones of a folder, which a filter may leave, are noted.

    Raises:
        DataError: the folder has none; names its subfolders.
    """
    if not path.is_dir() or is_data_folder(path):
        if not path.is_dir() and first_character(path) == "":
            raise DataError("found an empty file, expected facts", path=path)
        return [path]
    files = sorted(
        file for file in path.iterdir()
        if file.is_file() and content_suffix(file) in _SUFFIXES and file.name.partition(".")[0] not in _template_stems()
    )  # fmt: skip
    if not files:
        inside = sorted(folder.name for folder in path.iterdir() if folder.is_dir())
        way_out = f"; give one of its folders: {listed(inside)}" if inside else ""
        raise DataError(f"found no file of facts (.jsonl){way_out}", path=path)
    empty = [file for file in files if first_character(file) == ""]
    if empty:
        result.notes.append(f"{counted(len(empty), 'file')} without facts: {listed(file.name for file in empty)}")
    return [file for file in files if file not in empty]


def _template_stems() -> set[str]:
    return {name.partition(".")[0] for name in TEMPLATE_FILES}


def _templates(path: Path, settings: ScoringSettings) -> dict[str, RelationTemplate]:
    """The templates of the settings, or those next to the data or one folder above."""
    if settings.templates is not None:
        return read_templates(settings.templates)
    folder = path.absolute() if path.is_dir() else path.absolute().parent
    places = (place / name for place in (folder, folder.parent) for name in TEMPLATE_FILES)
    found = next((place for place in places if place.is_file() and place != path.absolute() and _holds_templates(place)), None)
    return {} if found is None else read_templates(found)


def _holds_templates(path: Path) -> bool:
    """Whether a file of that name has templates: a graph's `relations.jsonl` has none."""
    row = first_row(path) if first_character(path) else None
    return isinstance(row, dict) and "template" in row
