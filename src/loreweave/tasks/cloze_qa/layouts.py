"""Rows of files as cloze records: ReCoRD's passages with queries, Hugging Face's rows of SuperGLUE, and our own rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loreweave.corpus.counts import counted
from loreweave.corpus.files.rows import LeftOut, Row, as_row, check_span, field, id_of, objects
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.surfaces import check_given_surface, other_counting, surfaces_agree
from loreweave.corpus.words import word_offsets
from loreweave.errors import DataError
from loreweave.tasks.cloze_qa.record import PLACEHOLDER, ClozeRecord, Span
from loreweave.tasks.files.answers import given_answers

Found = Iterator[ClozeRecord | LeftOut]

SAME_PLACE = "candidates at the same place as another one"
OTHER_TEXT = "answers whose text differs from the characters at their offsets (the text is the gold answer)"
NO_QUERIES = "passage without queries"
"""Reasons why a row or a record loses a part; they are counted."""


def passages(row: Any, number: str) -> Found:
    """A passage of ReCoRD with its queries, whose ends are inclusive; also one line of SuperGLUE's files."""
    row = as_row(row)
    passage, queries = field(row, "passage", dict), objects(row, "qas")
    if not queries:
        yield LeftOut(NO_QUERIES)
        return
    account: list[LeftOut] = []
    try:
        text = field(passage, "text", str)
        given = [_inclusive(text, entity, "passage.entities") for entity in objects(passage, "entities")]
        candidates = _distinct(given, account)
    except DataError as error:
        found = DataError(error.message, field=_within(error.field, "passage"))
        yield from (LeftOut.bad(found) for _ in queries)  # each query is lost
        return
    yield from account
    about = {"passage": passage_key(text)} | ({"source": row["source"]} if "source" in row else {})
    name = id_of(row, number, "id", "idx")
    for place, query in enumerate(queries):
        try:
            yield from _of_passage(query, f"{name}/{place + 1}", text, candidates, about)
        except DataError as error:
            yield LeftOut.bad(DataError(error.message, field=f"qas[{place}].{error.field}"))


def _of_passage(row: Row, id: str, text: str, candidates: tuple[Span, ...], about: Mapping[str, Any]) -> Found:
    answers, spans = [], []
    field, given = given_answers(row)
    for answer in objects({field: given}, field) if given is not None else ():
        span = _inclusive(text, answer, field)
        name = answer["text"] if answer.get("text") is not None else text[slice(*span)]
        if not isinstance(name, str):
            raise DataError(f"found {in_json(name)}, expected a string, the text of the answer", field=f"{field}.text")
        answers.append(name)
        if surfaces_agree(text[slice(*span)], name):
            spans.append(span)
            continue
        _refuse_other_counting(text, span, name)
        yield LeftOut(OTHER_TEXT, of_record=True, detail=f"{name!r} in place of {text[slice(*span)]!r}")
    correct = [number for number, span in enumerate(candidates) if span in spans]
    yield _record(id_of(row, id, "id", "idx"), text, _query(row), candidates, answers, correct, about)


def _refuse_other_counting(text: str, span: Span, given: str) -> None:
    """Raise an error if the text of an answer fits offsets that are counted in another way."""
    start, end = span
    if surfaces_agree(text[start : end - 1], given):
        way_out = "it fits if the end is exclusive, but an inclusive end is expected in this format: subtract 1 from each end"
    else:
        way_out = other_counting(text, start, end, given).removeprefix("; ")
    if way_out:
        found = f"found {given!r}, but the text has {text[start:end]!r} from {start} to {end - 1}; {way_out}"
        raise DataError(found, field="answers.text")


def flat(row: Any, number: str) -> Found:
    """A query of Hugging Face's copy of SuperGLUE: `passage`, `query`, `entities`, `entity_spans` and `answers`."""
    row = as_row(row)
    text, account = field(row, "passage", str), list[LeftOut]()
    spans = row.get("entity_spans")
    if spans is None:
        names = field(row, "entities", list)
        words = word_offsets(text)
        begins, ends = {start for start, _ in words}, {end for _, end in words}
        given = sorted({(a, b) for name in names for a, b in _places(text, name) if a in begins and b in ends})
    else:
        given = [_span(text, each, "entity_spans") for each in _as_objects(spans)]
    candidates = _distinct(given, account)
    idx = row.get("idx")
    id = str(idx["query"]) if isinstance(idx, Mapping) and "query" in idx else id_of(row, number, "id", "idx")
    yield from account
    name, listed = given_answers(row)
    answers = _texts(listed or [], name)
    yield _record(id, text, _query(row), candidates, answers, _named(text, candidates, answers), {"passage": passage_key(text)})


def queries(row: Any, number: str) -> Found:
    """A query with its passage: `text`, `query`, `candidates` and, if they are known, `answers`."""
    row = as_row(row)
    text, account = field(row, "text", str), list[LeftOut]()
    candidates = _distinct([_span(text, each, "candidates") for each in objects(row, "candidates")], account)
    name, listed = given_answers(row)
    answers, correct = _answers(text, candidates, listed, name)
    used = ("id", "text", "query", "candidates", name)
    about = {"passage": passage_key(text)} | {name: value for name, value in row.items() if name not in used}
    yield from account
    yield _record(id_of(row, number, "id", "idx"), text, _query(row), candidates, answers, correct, about)


def _answers(text: str, candidates: Sequence[Span], given: Any, field: str) -> tuple[list[str], list[int]]:
    """Texts of the answers, and the candidates that are answers: by their place, or by their text if an answer has none."""
    if given is None:
        return [], []
    if not isinstance(given, list):
        raise DataError(f"found {in_json(given)}, expected a list of answers", field=field)
    answers: list[str] = []
    correct: set[int] = set()
    for answer in given:
        if isinstance(answer, Mapping) and "start" in answer:
            span = _span(text, answer, field)
            answers.append(text[slice(*span)])
            correct.update(number for number, candidate in enumerate(candidates) if candidate == span)
        else:
            name = _texts([answer], field)[0]
            answers.append(name)
            correct.update(_named(text, candidates, [name]))
    return answers, sorted(correct)


def passage_key(text: str) -> str:
    """Short name of a passage, the same for all its queries."""
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _record(
    id: str,
    text: str,
    query: str,
    candidates: tuple[Span, ...],
    answers: Sequence[str],
    correct: Sequence[int],
    about: Mapping[str, Any],
) -> ClozeRecord:
    if blank := [answer for answer in answers if not answer.strip()]:
        raise DataError(f"found {blank[0]!r}, expected the text of an answer", field="answers")
    return ClozeRecord(id, text, query, candidates, tuple(dict.fromkeys(answers)), tuple(correct), metadata=dict(about))


def _query(row: Row) -> str:
    """The query, which has one placeholder."""
    query: str = field(row, "query", str)
    count = query.count(PLACEHOLDER)
    if count != 1:
        found = counted(count, PLACEHOLDER, f"times {PLACEHOLDER}")
        raise DataError(f"found {found} in {query[:80]!r}, expected one, which marks the gap", field="query")
    return query


def _inclusive(text: str, row: Row, name: str) -> Span:
    """Characters of a mention whose end is inclusive in the file."""
    span = field(row, "start", int), field(row, "end", int) + 1
    try:
        check_span(text, *span, name)
    except DataError as error:
        raise DataError(f"{error.message} (with 1 added to the inclusive end)", field=error.field) from None
    return span


def _span(text: str, row: Any, name: str) -> Span:
    """Characters of a mention whose end is exclusive in the file; its text, if the file has it, is checked."""
    if not isinstance(row, Mapping):
        raise DataError(f"found {in_json(row)}, expected an object with start and end", field=name)
    span = field(row, "start", int), field(row, "end", int)
    check_span(text, *span, name)
    check_given_surface(text, *span, row, f"{name}.")
    return span


def _distinct(spans: Sequence[Span], account: list[LeftOut]) -> tuple[Span, ...]:
    """The spans without repetitions, which are counted."""
    kept = tuple(dict.fromkeys(spans))
    account += [LeftOut(SAME_PLACE, of_record=True)] * (len(spans) - len(kept))
    return kept


def _as_objects(spans: Any) -> list[Any]:
    """A list of objects, also of an object with a list per field."""
    if isinstance(spans, Mapping):
        lists = [spans.get(name) for name in ("start", "end", "text")]
        if not all(isinstance(each, list) for each in lists) or len({len(each) for each in lists if each is not None}) != 1:
            raise DataError("found an object, expected lists start, end and text of the same length", field="entity_spans")
        return [dict(zip(("start", "end", "text"), each, strict=True)) for each in zip(*lists, strict=True)]
    if not isinstance(spans, list):
        raise DataError(f"found {in_json(spans)}, expected a list of objects", field="entity_spans")
    return spans


def _places(text: str, name: Any) -> Iterator[Span]:
    """All places of an entity in the text."""
    if not isinstance(name, str) or not name.strip():
        raise DataError(f"found {in_json(name)}, expected the text of an entity", field="entities")
    place = text.find(name)
    while place >= 0:
        yield place, place + len(name)
        place = text.find(name, place + 1)


def _texts(values: Any, field: str) -> list[str]:
    """Texts of answers: a list of strings, or of objects with `text`."""
    if not isinstance(values, list):
        raise DataError(f"found {in_json(values)}, expected a list of answers", field=field)
    found = [value.get("text") if isinstance(value, Mapping) else value for value in values]
    for value, text in zip(values, found, strict=True):
        if not isinstance(text, str):
            raise DataError(f"found {in_json(value)}, expected the text of an answer, or its start and end", field=field)
    return found  # type: ignore[return-value]  # checked


def _named(text: str, candidates: Sequence[Span], names: Sequence[str]) -> list[int]:
    """Numbers of the candidates with one of these texts."""
    return [number for number, (start, end) in enumerate(candidates) if text[start:end] in names]


def _within(name: str | None, parent: str) -> str:
    return parent if name is None else name if name.startswith(parent) else f"{parent}.{name}"
