"""Rows of JSON in any wrapping; what is broken is named by its place."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from loreweave.corpus.files.json_rows import first_character, json_rows
from loreweave.errors import DataError

ROW = {"text": "Mia", "n": 1}


def write(folder: Path, content: str, name: str = "a.json") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


PRETTY = json.dumps(ROW, indent=1)
WRAPPED = {
    "lines": json.dumps(ROW) + "\n\n" + json.dumps(ROW),
    "list": json.dumps([ROW, ROW]),
    "pretty list": json.dumps([ROW, ROW], indent=2),
    "pretty objects": PRETTY + "\n" + PRETTY,
    "data": json.dumps({"version": "1", "data": [ROW, ROW]}),
    "pretty data": json.dumps({"data": [ROW, ROW]}, indent=2),
    "rows of a server": json.dumps({"features": [], "rows": [{"row_idx": 0, "row": ROW}, {"row_idx": 1, "row": ROW}]}),
    "byte-order mark": "\ufeff" + json.dumps([ROW, ROW]),
}


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_rows_are_the_same_in_any_wrapping(tmp_path: Path, wrapping: str) -> None:
    assert [row for _, row in json_rows(write(tmp_path, WRAPPED[wrapping]))] == [ROW, ROW]


def test_one_object_is_one_row_pretty_or_not(tmp_path: Path) -> None:
    assert list(json_rows(write(tmp_path, PRETTY))) == [("line 1", ROW)]
    assert list(json_rows(write(tmp_path, json.dumps(ROW)))) == [("line 1", ROW)]
    task = {"data": {"text": "Mia"}, "annotations": [{"result": []}]}
    assert list(json_rows(write(tmp_path, json.dumps(task)))) == [("line 1", task)], "annotations that are no rows"


def test_pairs_a_line_are_a_row_each(tmp_path: Path) -> None:
    rows = list(json_rows(write(tmp_path, '["Mia", {}]\n["Leo", {}]\n')))
    assert rows == [("line 1", ["Mia", {}]), ("line 2", ["Leo", {}])]


def found(path: Path) -> list[str]:
    """The errors, raised or in the place of a row."""
    try:
        return [str(row) for _, row in json_rows(path) if isinstance(row, DataError)]
    except DataError as error:
        return [str(error)]


BROKEN: dict[str, tuple[str, str]] = {
    "a comma too many": ('[{"a": 1},\n]', "line 1: found broken JSON (a comma before the closing bracket"),
    "a comma too many in an object": ('{"a": 1,}\n', "line 1: found broken JSON"),
    "NaN in a line": ('{"a": 1}\n{"a": NaN}\n', "line 2: found NaN, which is not JSON"),
    "Infinity in a list": ('[{"a": 1},\n{"a": -Infinity}]', "line 2, record 2: found -Infinity"),
    "a key twice": ('{"a": 1}\n{"text": 1, "text": 2}', "line 2: found the key 'text' twice"),
    "a key twice in a list": ('[{"a": 1}, {"a": 1,\n"a": 2}]', "line 1, record 2: found the key 'a' twice"),
    "a string that does not end": ('[{"a": 1},\n{"a": "b}]', "line 2: found broken JSON"),
    "one line of many": ('{"a": 1}\n{"a": \n{"a": 3}', "line 2: found broken JSON"),
    "the first line of many": ('{"a": \n{"a": 3}', "line 1: found broken JSON"),
    "pretty and broken": ('{\n "a": 1\n}\n{\n "a": }\n', "line 5: found broken JSON"),
    "no object": ("{}\n3\n", "line 2: found a JSON number, expected an object"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_json_is_named_by_its_place(tmp_path: Path, case: str) -> None:
    content, message = BROKEN[case]
    (error,) = found(write(tmp_path, content))
    assert message in error and "a.json" in error


def test_numbers_of_class_labels_become_names(tmp_path: Path) -> None:
    features = {"tags": {"feature": {"names": ["O", "B-PER"], "_type": "ClassLabel"}, "_type": "Sequence"}}
    row: dict[str, Any] = {"tokens": ["Mia"], "tags": [1]}
    path = write(tmp_path, json.dumps(row) + "\n" + json.dumps(row | {"tags": [2]}))
    assert [row for _, row in json_rows(path)][0] == row, "nobody says the names"
    write(tmp_path, json.dumps({"features": features}), "dataset_info.json")
    first, second = (row for _, row in json_rows(path))
    assert first == row | {"tags": ["B-PER"]}
    assert "found the number 2, expected that of one of 2 names: O, B-PER" in str(second)
    server = {"features": [{"name": "tags", "type": features["tags"]}], "rows": [{"row": row}]}
    assert [row for _, row in json_rows(write(tmp_path / "..", json.dumps(server), "server.json"))] == [
        row | {"tags": ["B-PER"]}
    ]


def test_minus_one_is_no_label(tmp_path: Path) -> None:
    """Hugging Face writes -1 in splits whose labels are not published: null alone, refused among the labels of tokens."""
    label = {"names": ["no", "yes"], "_type": "ClassLabel"}
    features = {"label": label, "tags": {"feature": label, "_type": "Sequence"}}
    write(tmp_path, json.dumps({"features": features}), "dataset_info.json")
    path = write(tmp_path, json.dumps({"label": -1, "tags": [1, 0]}) + "\n" + json.dumps({"label": 1, "tags": [0, -1]}))
    first, second = (row for _, row in json_rows(path))
    assert first == {"label": None, "tags": ["yes", "no"]}
    assert isinstance(second, DataError)
    assert second.field == "tags" and "found -1, which stands for 'no label'" in str(second) and "--skip-bad" in str(second)


def test_a_pipe_is_refused_because_files_are_read_more_than_once(tmp_path: Path) -> None:
    """As in `loreweave check ner <(zcat train.gz)`: the second reading would begin where the first one ended."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="pipe: found a pipe, which can be read only once, expected a file"):
        first_character(tmp_path / "pipe")
    with pytest.raises(DataError, match="found a pipe"):
        next(iter(json_rows(tmp_path / "pipe")))
