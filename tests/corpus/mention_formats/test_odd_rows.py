"""Rows that are almost right: every format gives texts, or an error that names the place, and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.rows import LeftOut
from loreweave.corpus.mention_formats import MENTION_FORMATS, mention_format, recognised_mentions
from loreweave.errors import DataError

NAMES = [name for name in MENTION_FORMATS if name not in ("spacy", "brat")]
EXAMPLES: dict[str, Any] = {name: json.loads(MENTION_FORMATS[name].example) for name in NAMES}
ROWS: dict[str, Any] = {name: value[0] if isinstance(value, list) else value for name, value in EXAMPLES.items()}
ROWS["task"] = {
    "id": 1,
    "data": {"text": "Mia"},
    "annotations": [{"result": [{"value": {"start": 0, "end": 3, "labels": ["P"]}}]}],
}
ROWS["spans"] = {"tokens": ["Mia", "left"], "ner": [{"start": 0, "end": 1, "type": "PER"}]}
ODD = st.sampled_from(
    [None, True, 0, -1, 1, 2, 99, 0.5, "", " ", "Mia", [], {}, [None], [0], ["a", 1], [[]], {"start": 0}, [0, 1, "x"]]
)


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each part of a JSON value."""
    yield way
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*way, key))


def changed(row: Any, way: tuple[Any, ...], odd: Any) -> Any:
    if not way:
        return odd
    row = copy.deepcopy(row)
    part = row
    for key in way[:-1]:
        part = part[key]
    part[way[-1]] = odd
    return row


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(ROWS)), st.sampled_from([*NAMES, "entities:utf16", "label-studio:utf16"]), st.data())
def test_odd_rows_are_read_or_refused_by_place(example: str, name: str, data: st.DataObject) -> None:
    row = ROWS[example]
    for _ in range(data.draw(st.integers(1, 2))):
        row = changed(row, data.draw(st.sampled_from(list(places(row)))), data.draw(ODD))
    format = mention_format(name)
    assert format is not None
    try:
        for item in format.texts(row, "1"):
            assert isinstance(item, LeftOut | AnnotatedText)
            if isinstance(item, AnnotatedText):
                assert all(label.strip() and item.surface(each).strip() for each in item.mentions for label in each.types)
    except DataError as error:
        assert str(error)
    for bare, other in MENTION_FORMATS.items():
        if bare not in ("tokens", "gliner"):  # they look into the file
            assert other.recognises(Path("a.json"), row) in (True, False)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(ROWS)), st.data())
def test_odd_files_are_recognised_or_refused(tmp_path_factory: Any, example: str, data: st.DataObject) -> None:
    row = changed(ROWS[example], data.draw(st.sampled_from(list(places(ROWS[example])))), data.draw(ODD))
    path = tmp_path_factory.mktemp("odd") / "a.json"
    path.write_text(json.dumps([row]))
    try:
        assert recognised_mentions(path, row) in (None, *MENTION_FORMATS)
    except DataError as error:
        assert "a.json" in str(error)
