"""Texts for pre-training: every format of annotated sentences, and annotated text, which stays as strict as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from formats_page import EXAMPLES, write_example

from loreweave.build.text_files import check_format, stream_texts, text_formats
from loreweave.corpus.annotated_sentences import FORMATS, LOOKED_AT, stream_sentences
from loreweave.corpus.annotated_text import AnnotatedText, Mention, read_annotated_texts, write_annotated_texts
from loreweave.corpus.files.read_result import ReadResult
from loreweave.errors import ConfigurationError, DataError

OTHERS = [name for name in FORMATS if name in EXAMPLES and name not in ("annotated-text", "brackets")]
GOOD = {"id": "a", "text": "Mia left Oslo.", "mentions": [{"start": 9, "end": 13, "entity": "Oslo", "label": "city"}]}
DOCCANO = {"text": "Mia left Oslo.", "label": [[0, 3, "PER"]]}


def read(path: Path, *args: Any, **options: Any) -> tuple[list[AnnotatedText], ReadResult[Any]]:
    account: ReadResult[Any] = ReadResult([])
    return [text for _, text in stream_texts(path, account, *args, **options)], account


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("name", OTHERS)
def test_every_format_of_annotated_sentences_is_recognised_and_read(name: str, tmp_path: Path) -> None:
    path = write_example(name, EXAMPLES[name], tmp_path)
    found, account = read(path)
    expected: ReadResult[Any] = ReadResult([])
    assert found == [sentence.text for sentence in stream_sentences(path, expected)] == read(path, name)[0]
    assert account.dropped == expected.dropped and account.unused == expected.unused
    assert any(mention.types for text in found for mention in text.mentions)


def test_annotated_text_is_read_as_before(tmp_path: Path) -> None:
    """With its entities, and white space at the edges of mentions; an id is needed."""
    blank = {"id": "b", "text": "Oslo is.", "mentions": [{"start": 0, "end": 5, "entity": "Oslo"}], "metadata": {"title": "O"}}
    path = lines(tmp_path / "pages.jsonl", GOOD, blank)
    for format in (None, "annotated", "annotated-text"):
        assert read(path, format)[0] == list(read_annotated_texts(path))
    assert read(path)[0][0].mentions == (Mention(9, 13, "Oslo", "city"),) and read(path)[0][1].mentions[0].end == 5
    for wrong in ({"text": "Mia left."}, {"id": "1", "text": "Mia left.", "title": "Mia"}, {"id": "1", "mentions": []}):
        with pytest.raises(DataError, match=r"pages.jsonl, line 1: .*(no 'id'|no 'text'|'title'; put it into 'metadata')"):
            read(lines(path, wrong))


def test_texts_that_cannot_be_read_are_counted_and_listed(tmp_path: Path) -> None:
    path = lines(tmp_path / "pages.jsonl", GOOD, {"text": "no id"}, [1])
    path.write_text(path.read_text() + "{broken\n" + json.dumps({**GOOD, "id": "b"}))
    found, account = read(path, skip_bad=True)
    assert [text.id for text in found] == ["a", "b"] and account.skipped == {"bad text": 3}
    assert [line.partition(":")[0] for line in account.left_out] == ["line 2", "line 3", "line 4"]
    with pytest.raises(DataError, match=r"pages.jsonl, line 2, field 'id'|pages.jsonl, line 2: field 'id'"):
        read(path)


def test_folders_and_files_without_a_text(tmp_path: Path) -> None:
    """A folder of annotated texts is read as before: only files with their suffixes; an empty one has no text."""
    lines(tmp_path / "b.jsonl", GOOD)
    (tmp_path / "a.jsonl").touch()
    (tmp_path / "notes.txt").write_text("not read")
    assert [text.id for text in read(tmp_path)[0]] == ["a"]
    lines(tmp_path / "a.jsonl", DOCCANO)
    (tmp_path / "notes.txt").unlink()
    assert [text.id for text in read(tmp_path)[0]] == ["a:1", "a"], "each file is recognised"
    with pytest.raises(DataError, match="nowhere.jsonl: file not found"):
        read(tmp_path / "nowhere.jsonl")


def test_what_is_left_out_of_a_folder_is_said(tmp_path: Path) -> None:
    """JSON is read in any layout; a folder without annotated text is read as one of annotated sentences, as before."""
    (tmp_path / "a.json").write_text(json.dumps([GOOD], indent=1))
    lines(tmp_path / "b.jsonl", {**GOOD, "id": "b"})
    (tmp_path / "manifest.json").write_text("{}")
    found, account = read(tmp_path)
    assert [(text.id, text.mentions[0].entity) for text in found] == [("a", "Oslo"), ("b", "Oslo")] and not account.notes
    (tmp_path / "notes.txt").write_text("not read")
    note = "read only the .json, .jsonl and .parquet files of the folder, not notes.txt"
    assert read(tmp_path)[1].notes == read(tmp_path, "annotated")[1].notes == [note]
    (tmp_path / "notes.txt").unlink()
    (tmp_path / "b.jsonl").unlink()
    (tmp_path / "a.json").write_text(json.dumps([DOCCANO], indent=1))
    assert [text.mentions for text in read(tmp_path)[0]] == [(Mention(0, 3, label="PER"),)]


def test_a_later_file_of_a_folder_with_another_format_is_recognised(tmp_path: Path) -> None:
    """Whichever is first; broken and unknown files of annotated texts are still bad texts."""
    lines(tmp_path / "a.jsonl", GOOD)
    lines(tmp_path / "b.jsonl", DOCCANO, DOCCANO)
    found, account = read(tmp_path)
    assert [(text.id, *(mention.entity for mention in text.mentions)) for text in found] == [
        ("a", "Oslo"), ("b:1", None), ("b:2", None),
    ]  # fmt: skip
    assert account.notes[0] == "read from 2 files: a.jsonl, b.jsonl" and not account.skipped
    for bad in ("{broken", json.dumps({"id": "x", "title": "X"})):
        (tmp_path / "b.jsonl").write_text(bad)
        found, account = read(tmp_path, skip_bad=True)
        assert [text.id for text in found] == ["a"] and account.skipped == {"bad text": 1}


def test_numbers_are_ids_of_their_own_in_several_files(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", DOCCANO, {**DOCCANO, "id": 7})
    assert [text.id for text in read(path, prefix="a:")[0]] == ["a:1", "7"]


def test_formats_are_named() -> None:
    check_format(None)
    for name in (*text_formats(), "annotated-text:utf16", "doccano:utf16", "columns:0,-1"):
        check_format(name)
    for wrong in ("docano", "gliner:utf16", "columns:a"):
        with pytest.raises(ConfigurationError, match="unknown format .*annotated, annotated:utf16, wikispeedia, .*doccano"):
            check_format(wrong)


def test_what_cannot_be_words_or_names_is_refused(tmp_path: Path) -> None:
    """As for tasks, but only the first sentences are looked at, so that a large file is streamed."""
    path = tmp_path / "train.conll"
    path.write_text("\n".join(f"{number} B-PER\nx O\n" for number in range(3)))
    notes = read(path)[1].notes
    assert notes == read(path, "columns")[1].notes
    assert LOOKED_AT == 5000
    numbers = lines(tmp_path / "n.jsonl", *({"tokens": ["1", "2", "3"], "ner_tags": ["B-X", "O", "O"]} for _ in range(9)))
    with pytest.raises(DataError, match="words that count up like an index"):
        read(numbers)


@pytest.mark.parametrize(
    "text",
    [
        "The dog is big.\nThe grass is wet.\nThe man is old.\n",
        "The dog is big.\n\nThe grass is wet.\n",
        "It rains today.\nThe man who came is old. So it is.\nIt was so.\n",
    ],
    ids=["equal", "paragraphs", "different"],
)
def test_plain_text_is_not_read_as_columns(text: str, tmp_path: Path) -> None:
    """Its last words would be labels, or its lines bad ones; in a folder too."""
    path = tmp_path / "plain.txt"
    path.write_text(text)
    for given in (path, tmp_path):
        for skip_bad in (False, True):
            with pytest.raises(DataError, match=r"plain.txt: .*plain text; 'loreweave build text-blocks' .* --format columns"):
                read(given, skip_bad=skip_bad)


@pytest.mark.parametrize("text", ["Oslo B-LOC\n", "Oslo LOC\nis O\n", "Oslo LOC\nis _\nbig _\n"])
def test_columns_with_tags_are_no_plain_text(text: str, tmp_path: Path) -> None:
    """Also if all words are in mentions; labels of all words need the name of the format."""
    path = tmp_path / "train.conll"
    path.write_text(text)
    assert read(path)[0] == read(path, "columns")[0]
    assert [mention.types for mention in read(path)[0][0].mentions] == [("LOC",)]
    path.write_text("Oslo LOC\nMia PER\n")
    assert [mention.types for mention in read(path, "columns")[0][0].mentions] == [("LOC",), ("PER",)]
    path.write_text(f"{text}x y z\n")
    with pytest.raises(DataError, match=r"line \d: found 3 columns: 'x y z', expected 2"):
        read(path)


def test_a_binary_file_is_recognised_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "train.spacy"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="found no file of spaCy's DocBin"):
        read(path)
    write_annotated_texts(tmp_path / "pages.parquet", [AnnotatedText("a", "Mia left.", (Mention(0, 3, "Mia"),))])
    assert [text.mentions[0].entity for text in read(tmp_path / "pages.parquet")[0]] == ["Mia"]
