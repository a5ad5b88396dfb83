"""Formats of question files: rows of a file, and the record of a row. A new one is a row of `FORMATS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.json_rows import json_rows
from loreweave.corpus.files.reading import content_suffix, open_text
from loreweave.corpus.files.records import FileFormat, first_row, recognise_by_keys
from loreweave.corpus.files.rows import NO_ID, LeftOut, Row, as_row, field, objects
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.files.tables import is_table
from loreweave.corpus.mention_formats.unsupported import RECORD_LAYOUT
from loreweave.corpus.wikispeedia_layout import WIKISPEEDIA, is_wikispeedia
from loreweave.errors import DataError
from loreweave.tasks.extractive_qa.record import Answer, QuestionRecord, placed_answer
from loreweave.tasks.files.answers import ANSWERS, STARTS, given_answers

Placed = tuple[str, Any]
"""Place of a row for messages, and the row, or an error instead of it."""

NO_QUESTION = "paragraphs without a question"
HEADER = "headers"
CONTRADICTORY = "questions with is_impossible, whose answers are not used"
_SUFFIXES = (".json", ".jsonl")
_SPLITS = ("train", "dev", "valid", "test")
_OWN = ("id", "qid", "question", "context", *ANSWERS, "answer_start", "is_impossible", "detected_answers")


def question(row: Row, number: str) -> Iterator[QuestionRecord | LeftOut]:
    """The record of a row with `id`, `question`, `context` and `answers`.

    Answers are a list of {text, answer_start} or of texts, the object of lists of the `datasets` library, or a single answer
    (`given_answers`). Without them they are not known; an empty list, or `is_impossible`, says that the context has no answer.

    Raises:
        DataError: names the field.
    """
    if isinstance(row, LeftOut):
        yield row
        return
    row = as_row(row)
    asked, context = (_text(row, name) for name in ("question", "context"))
    impossible = row.get("is_impossible", False)
    if impossible is not None and not isinstance(impossible, bool | int):
        raise DataError(f"found {in_json(impossible)}, expected true or false", field="is_impossible")
    name, given = given_answers(row)
    answers: tuple[Answer, ...] | None = tuple(
        placed_answer(context, text, start) for text, start in _answers(given, name, _detected(row))
    )
    if given is None and not impossible:
        answers = None
    if impossible and answers:
        yield LeftOut(CONTRADICTORY, of_record=True, detail=repr(answers[0].text))
        answers = ()
    id = next((row[name] for name in ("id", "qid") if row.get(name) not in NO_ID), number)
    if isinstance(id, bool) or not isinstance(id, str | int):
        raise DataError(f"found {in_json(id)}, expected a string or a number", field="id")
    others = {name: value for name, value in row.items() if name not in _OWN}
    yield QuestionRecord(str(id), asked, context, answers, metadata=others)


def _text(row: Row, name: str) -> str:
    text = field(row, name, str)
    if not text.strip():
        raise DataError(f"found a blank text, expected a {name}", field=name)
    return str(text)


def _answers(given: Any, field: str, places: Mapping[str, int]) -> Iterator[tuple[str, int | None]]:
    """Text and start of each answer in a field; the start is None if neither the file nor `places` gives it."""
    if given is None:
        return
    if isinstance(given, Mapping):
        texts = given.get("text")
        starts = next((given[name] for name in STARTS if name in given), None)
        if not isinstance(texts, list) or (starts is not None and (not isinstance(starts, list) or len(starts) != len(texts))):
            raise DataError(f"found {in_json(given)}, expected lists of the same length in text and answer_start", field=field)
        given = [{"text": text} | ({} if starts is None else {"answer_start": starts[n]}) for n, text in enumerate(texts)]
    if not isinstance(given, list):
        raise DataError(f"found {in_json(given)}, expected a list of answers", field=field)
    for each in given:
        answer: Any = {"text": each, "start": places.get(each)} if isinstance(each, str) else each
        if not isinstance(answer, Mapping) or not isinstance(answer.get("text"), str):
            raise DataError(f"found {in_json(each)}, expected an answer with a text", field=field)
        start = next((answer[name] for name in STARTS if answer.get(name) is not None), None)
        if start is not None and type(start) is not int:
            raise DataError(f"found the start {start!r} of an answer, expected a number of characters", field=field)
        if not answer["text"].strip():
            raise DataError("found a blank answer, expected a text (an empty list means that there is no answer)", field=field)
        yield answer["text"], start


def _detected(row: Row) -> dict[str, int]:
    """Start of each answer that MRQA's files say to be in the context (`detected_answers`)."""
    found = {}
    for each in row.get("detected_answers") or ():
        try:
            found[each["text"]] = int(each["char_spans"][0][0])
        except (KeyError, IndexError, TypeError, ValueError):
            raise DataError(f"found {in_json(each)}, expected a text with char_spans", field="detected_answers") from None
    return found


def _squad_rows(path: Path) -> Iterator[Placed]:
    """Questions of SQuAD's layout, each with its context and the title of its article; an article, or a paragraph, can also be
    one line, as in MRQA's files, which begin with a header."""
    for found, row in json_rows(path):
        place = found.replace("record", "article")
        if isinstance(row, DataError):
            yield place, row
        elif isinstance(row, Mapping) and "header" in row and not {"paragraphs", "qas"} & set(row):
            yield place, LeftOut(HEADER)
        elif isinstance(row, Mapping) and "qas" in row:
            yield from _paragraph(place, row, row)
        else:
            yield from _placed(place, row, "paragraphs", _paragraph)


def _paragraph(place: str, paragraph: Row, article: Row) -> Iterator[Placed]:
    title = {"title": article["title"]} if article.get("title") is not None else {}
    if paragraph.get("qas") == []:
        yield place, LeftOut(NO_QUESTION)
        return
    context = {"context": paragraph["context"]} if "context" in paragraph else {}
    yield from _placed(place, paragraph, "qas", lambda where, asked, _: [(where, {**title, **asked, **context})])


def _question_rows(path: Path) -> Iterator[Placed]:
    """Rows of a file; of a row with a list of `questions`, each question with the other fields of the row."""
    for place, row in json_rows(path):
        if not isinstance(row, Mapping) or "questions" not in row or "question" in row:
            yield place, row
        elif row["questions"] == []:
            yield place, LeftOut(NO_QUESTION)
        else:
            yield from _placed(place, row, "questions", _with_shared_fields)


def _with_shared_fields(place: str, asked: Row, row: Row) -> Iterator[Placed]:
    shared = {name: value for name, value in row.items() if name not in ("questions", "id")}
    yield place, {**shared, **asked}


def _placed(place: str, row: Any, name: str, convert: Callable[[str, Row, Row], Iterable[Placed]]) -> Iterator[Placed]:
    """What the objects in a field of a row are converted to, with their places; an error if there are none."""
    one = {"paragraphs": "paragraph", "qas": "question", "questions": "question"}[name]
    try:
        parts = objects(as_row(row), name)
    except DataError as error:
        yield place, LeftOut.bad(DataError(error.message, field=error.field or name))
        return
    for number, part in enumerate(parts, 1):
        yield from convert(f"{place}, {one} {number}", part, row)


def _of_all_files(rows: Callable[[Path], Iterable[Placed]], path: Path) -> Iterator[Placed]:
    """Rows of a file, or of all files of a folder, whose names precede the places."""
    files = files_of(path)
    for file in files:
        prefix = f"{file.name}, " if path.is_dir() and len(files) > 1 else ""
        for place, row in rows(file):
            yield prefix + place, row


def files_of(path: Path) -> list[Path]:
    """The file itself, or the JSON files of a folder, in the order of their names.

    Raises:
        DataError: the folder has no such file, or files of several splits.
    """
    if not path.is_dir() or is_table(path):
        return [path]
    files = sorted(file for file in path.iterdir() if content_suffix(file) in _SUFFIXES and not file.name.startswith("."))
    if not files:
        raise DataError(f"found no file with a name that ends in {' or '.join(_SUFFIXES)}", path=path)
    splits = sorted({split for file in files for split in _splits_in(file.name)})
    if len(files) > 1 and len(splits) > 1:
        count = counted(len(files), "file")
        raise DataError(f"found {count} of the splits {listed(splits)}, expected those of one: name the files", path=path)
    return files


def _splits_in(name: str) -> set[str]:
    """Splits with which a word of a file name begins: `dev` for `squad-dev2.json`, but not `test` for `latest.json`.

    A word may also end with `train` or `dev`, as in `squadtrain.json`.
    """
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]
    return {split for split in _SPLITS if any(w.startswith(split) or (split != "test" and w.endswith(split)) for w in words)}


FORMATS: dict[str, FileFormat[QuestionRecord]] = {
    "squad": FileFormat(
        "JSON of articles with paragraphs and qas: SQuAD 1.1 and 2.0, XQuAD, MLQA, JaQuAD, MRQA; a file, or a folder of them",
        question,
        partial(_of_all_files, _squad_rows),
    ),
    "questions": FileFormat(
        "JSON lines of {id, question, context, answers: [{text, answer_start}]}; also tables of the datasets library",
        question,
        partial(_of_all_files, _question_rows),
    ),
}
"""Formats by name."""

_LOOKED_AT = 1 << 16
"""Number of characters of a file in which the key of SQuAD's layout is looked for, before its first row is read."""
_ARTICLES = re.compile(r'(?<!\\)"(paragraphs|qas)"\s*:\s*\[(?!\s*\[)')
"""A list, but none of lists, which are the places of paragraphs in a text."""
_PASSAGE = re.compile(r'(?<!\\)"passage"\s*:\s*\{')
_CONTEXT = re.compile(r'(?<!\\)"context"\s*:')
_SIGNS = {"paragraphs": "squad", "qas": "squad", "header": "squad"} | dict.fromkeys(
    ("question", "context", "questions"), "questions"
)


def recognise(path: Path) -> str:
    """Name of a file's format by its first record.

    Raises:
        DataError: it is none of `FORMATS`.
    """
    first = files_of(path)[0]
    if not is_table(first):
        with open_text(first) as file:  # a whole file is one value, so its first row is all of it
            beginning = file.read(_LOOKED_AT)
        if _ARTICLES.search(beginning):
            if _PASSAGE.search(beginning) and not _CONTEXT.search(beginning):
                raise DataError(RECORD_LAYOUT, path=first)
            return "squad"
    row = first_row(first)
    if is_wikispeedia(row):
        raise DataError(WIKISPEEDIA, path=first)
    return recognise_by_keys(first, row, _SIGNS)
