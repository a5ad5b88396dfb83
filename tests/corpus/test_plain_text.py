"""Documents of lines from text files and JSON Lines."""

from __future__ import annotations

import gzip
import json
import lzma
from collections import Counter
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict

from loreweave.corpus.exclusion import Exclusion
from loreweave.corpus.plain_text import Line, read_lines
from loreweave.errors import DataError


def test_blank_lines_of_text_files_separate_documents(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one \n  two\n \nthree\n", encoding="utf-8")
    assert list(read_lines([file])) == [
        Line("a.txt:1", "one"),
        Line("a.txt:2", "two"),
        Line("a.txt:3", ""),
        Line("a.txt:4", "three"),
    ]


def test_files_are_separated_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("two\n\n")
    (tmp_path / "c.txt").write_text("three\n")
    counts: Counter[str] = Counter()
    files = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    assert [line.text for line in read_lines(files, counts=counts)] == ["one", "", "two", "", "three"]
    assert counts["files"] == 3


def test_rows_of_json_lines_are_documents(tmp_path: Path) -> None:
    rows = [
        {"title": "Oslo", "text": "one\r\n\ntwo\u2028more"},
        {"id": "x", "title": "Out", "text": "never"},
        {"text": ""},
        {"text": "half \ud800"},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    counts: Counter[str] = Counter()
    assert list(read_lines([tmp_path / "a.jsonl"], exclude=Exclusion({"Out"}), counts=counts)) == [
        Line("Oslo", "one"),
        Line("Oslo", "two\u2028more"),
        Line("", ""),
        Line("a.jsonl:4", "half \ufffd"),
    ]
    assert counts == {"files": 1, "documents_excluded": 1, "blank_lines_dropped": 1, "characters_replaced": 1}


def test_compressed_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one\n"))
    (tmp_path / "b.jsonl.xz").write_bytes(lzma.compress(b'{"text": "two"}\n'))
    assert [line.text for line in read_lines([tmp_path / "a.txt.gz", tmp_path / "b.jsonl.xz"])] == ["one", "", "two"]


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "wiki_00", "a.txt"])
def test_json_lines_of_any_name_are_rows(tmp_path: Path, name: str) -> None:
    rows = [{"id": "1", "title": "Oslo", "text": "one\n\ntwo"}, {"id": "2", "text": "three"}]
    (tmp_path / name).write_text("\n".join(map(json.dumps, rows)))
    assert list(read_lines([tmp_path / name])) == [Line("1", "one"), Line("1", "two"), Line("", ""), Line("2", "three")]


@pytest.mark.parametrize("content", ['[{"text": "one"}, {"text": "two"}]', '{"data": [\n {"text": "one"},\n {"text": "two"}]}'])
def test_json_in_other_layouts_is_rows(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    assert list(read_lines([tmp_path / "a.json"])) == [Line("a.json:1", "one"), Line("", ""), Line("a.json:2", "two")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'id,Text,stars\nx,"one, or\nmore",5\ny,"two",1\n'),
        ("a.csv.gz", 'id;text;stars\r\nx;"one, or\nmore";5\r\n\r\ny;two;1\r\n'),
        ("a.tsv", '"id"\t"text"\nx\tone, or\ny\t"two"\n'),
    ],
)
def test_cells_of_a_column_of_texts_are_rows(tmp_path: Path, name: str, content: str) -> None:
    data = content.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    more = [] if name == "a.tsv" else [Line("x", "more")]
    assert list(read_lines([tmp_path / name])) == [Line("x", "one, or"), *more, Line("", ""), Line("y", "two")]


def test_cells_without_a_column_of_texts_are_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("No, he said\nyes\n")
    (tmp_path / "b.csv").write_text("text,n\na,1\nb\n")
    assert [line.text for line in read_lines([tmp_path / "a.csv"])] == ["No, he said", "yes"]
    with pytest.raises(DataError, match=r"b\.csv, line 3: found 1 cell, expected 2 as in the first line"):
        list(read_lines([tmp_path / "b.csv"]))


@pytest.mark.parametrize("line", ["{", '{"txt": "a"}', "{{Infobox}}", '["text", "a"]', "[1] Oslo"])
def test_text_that_begins_like_json_is_text(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.txt").write_text(line + "\nmore\n")
    assert [found.text for found in read_lines([tmp_path / "a.txt"])] == [line, "more"]


@pytest.mark.parametrize("row", ['{"txt": "a"}', '{"text": 3}', "[]"])
def test_rows_without_text_are_named(tmp_path: Path, row: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n' + row + "\n")
    with pytest.raises(DataError, match=r"a\.jsonl, line 2"):
        list(read_lines([tmp_path / "a.jsonl"]))


def test_text_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\n\xff\n")
    with pytest.raises(DataError, match=r"a\.txt, line 2"):
        list(read_lines([tmp_path / "a.txt"]))


def test_unwrapped_lines_are_joined_up_to_a_blank_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("It was\n  late.\n\nWe went\nhome.\n")
    assert list(read_lines([tmp_path / "a.txt"], unwrap=True)) == [
        Line("a.txt:1", "It was late."),
        Line("a.txt:3", ""),
        Line("a.txt:4", "We went home."),
    ]
    (tmp_path / "b.jsonl").write_text(json.dumps({"id": "b", "text": "It was\nlate.\n\nWe went\nhome."}))
    assert list(read_lines([tmp_path / "b.jsonl"], unwrap=True)) == [Line("b", "It was late."), Line("b", "We went home.")]


def test_parquet_files_and_saved_data_sets_are_tables(tmp_path: Path) -> None:
    rows = Dataset.from_list([{"id": "x", "text": "one\ntwo"}, {"id": "y", "text": "three"}])
    rows.to_parquet(tmp_path / "a.parquet")
    rows.save_to_disk(tmp_path / "saved")
    (tmp_path / "parts").mkdir()
    rows.to_parquet(tmp_path / "parts" / "train-00000-of-00001.parquet")
    (arrow,) = (tmp_path / "saved").glob("*.arrow")
    for file in (tmp_path / "a.parquet", tmp_path / "saved", tmp_path / "parts", arrow):
        found = list(read_lines([file], exclude=Exclusion({"y"})))
        assert found == [Line("x", "one"), Line("x", "two")]


def test_tables_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match=r"a\.parquet.*no Parquet file"):
        list(read_lines([tmp_path / "a.parquet"]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="without state.json"):
        list(read_lines([tmp_path / "empty"]))
    Dataset.from_list([{"words": "one"}]).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match="row 1"):
        list(read_lines([tmp_path / "b.parquet"]))
    DatasetDict({"train": Dataset.from_list([{"text": "one"}])}).save_to_disk(tmp_path / "splits")
    with pytest.raises(DataError, match=r"found the splits train, expected one of them, as in .*splits/train"):
        list(read_lines([tmp_path / "splits"]))
