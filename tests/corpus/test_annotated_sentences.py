"""Annotated sentences, whatever the format of the file: what is read, what is left out, what is said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loreweave.corpus.annotated_sentences import (
    FORMATS,
    AnnotatedSentence,
    read_sentences,
    read_tagged_sentences,
    stream_sentences,
)
from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.tokens import tagged_sentence, token_offsets
from loreweave.errors import ConfigurationError, DataError

TOKENS = ["Ann", "Hill", "sang"]
ROWS: dict[str, str] = {
    "columns": "Ann\tB-PER\nHill\tI-PER\nsang\tO\n",
    "conllu": "".join(
        "\t".join([str(number), token, *"_" * 7, misc]) + "\n"
        for number, (token, misc) in enumerate(zip(TOKENS, ("NER=B-PER", "NER=I-PER", "_"), strict=True), 1)
    ),
    "tokens": json.dumps({"tokens": TOKENS, "entities": [{"start": 0, "end": 2, "type": "PER"}]}),
    "annotated-text": json.dumps({"id": "1", "text": "Ann Hill sang", "mentions": [{"start": 0, "end": 8, "label": "PER"}]}),
}


def itself(sentence: AnnotatedSentence) -> Iterator[AnnotatedText]:
    yield sentence.text


def read(path: Path, *args: Any) -> ReadResult[AnnotatedText]:
    return read_sentences(path, itself, *args)


def file_of(folder: Path, format: str) -> Path:
    path = folder / f"{format}{'.txt' if format in ('columns', 'conllu') else '.jsonl'}"
    path.write_text(ROWS[format])
    return path


@pytest.mark.parametrize("format", ROWS)
def test_each_format_is_recognised_and_says_the_same(tmp_path: Path, format: str) -> None:
    path = file_of(tmp_path, format)
    (sentence,) = read_tagged_sentences(path).records
    assert list(sentence.tokens) == TOKENS and sentence.spans == ((0, 2, "PER"),)
    found = read(path, format)
    assert found.records == read(path).records and found.notes == [] and found.places == ["line 1"]


def test_a_name_does_not_decide_what_a_file_is(tmp_path: Path) -> None:
    """JSON Lines in a .txt file, columns in a .json file, and JSON Lines that begin with a broken line."""
    (tmp_path / "a.txt").write_text(ROWS["tokens"])
    (tmp_path / "a.json").write_text(ROWS["columns"])
    assert read(tmp_path / "a.txt").records[0].text == read(tmp_path / "a.json").records[0].text == "Ann Hill sang"
    (tmp_path / "a.jsonl").write_text("oops\n" + ROWS["tokens"])
    found = read(tmp_path / "a.jsonl", None, True)
    assert len(found.records) == 1 and found.skipped == {"broken line": 1}


@pytest.mark.parametrize(
    ("content", "way_out"),
    [
        ("Ann\tB-PER\nbroken\n\nOslo\tB-LOC\n\nand\tO\n", "line 2"),
        (f"{ROWS['conllu']}\nbroken\n\n{ROWS['conllu']}", "line 5"),
        ("\n".join([ROWS["tokens"], '{"tokens": ["a"], "tags": []}', ROWS["tokens"]]), "line 2"),
        ("\n".join([ROWS["annotated-text"], '{"text": "a", "mentions": [{"start": 0, "end": 9}]}'] * 2), "line 2"),
    ],
)
def test_a_bad_sentence_of_any_format_is_named_or_left_out(content: str, way_out: str, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(content)
    for reader in (read, read_tagged_sentences):
        with pytest.raises(DataError, match=f"train.txt, {way_out}"):
            reader(tmp_path / "train.txt")
        found: ReadResult[Any] = reader(tmp_path / "train.txt", None, True)
        assert len(found.records) == 2 and found.skipped.total() == len(found.left_out) > 0
        assert found.left_out[0].startswith(way_out)


def test_words_that_are_none_of_the_text_are_a_bad_record(tmp_path: Path) -> None:
    rows = [{"id": "1", "text": "Ann", "metadata": {"tokens": [[0, 9]]}}, {"id": "2", "text": "Bob", "mentions": []}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError, match="a.jsonl, line 1, field 'metadata.tokens': found the token"):
        read(tmp_path / "a.jsonl")
    assert [text.id for text in read(tmp_path / "a.jsonl", None, True).records] == ["2"]


def test_tags_of_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"tokens": TOKENS, "ner_tags": ["B-PER", "I-PER", "O"], "id": 7, "doc": "d"}))
    (text,) = read(path).records
    assert text.id == "7" and text.metadata["doc"] == "d" and text.surface(text.mentions[0]) == "Ann Hill"
    path.write_text(json.dumps({"tokens": TOKENS, "ner_tags": [1, 2, 0]}))
    assert read(path, "tokens", False, ["O", "B-PER", "I-PER"]).records[0].mentions == text.mentions


def test_columns_and_the_way_of_counting_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x Ann B-PER y\nx sang O y\n")
    (text,) = read(tmp_path / "a.txt", "columns:1,2").records
    assert text.text == "Ann sang" and text.surface(text.mentions[0]) == "Ann"
    row = {"text": "\N{GRINNING FACE} Ann sang", "entities": [[3, 6, "PER"]]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    assert "use --format entities:utf16 then" in read(tmp_path / "a.jsonl").notes[0]
    (sentence,) = read_tagged_sentences(tmp_path / "a.jsonl", "entities:utf16").records
    assert sentence.tokens == ("\N{GRINNING FACE}", "Ann", "sang") and sentence.spans == ((1, 2, "PER"),)


def test_conllu_that_is_called_columns_is_read_as_conllu(tmp_path: Path) -> None:
    found = read(file_of(tmp_path, "conllu"), "columns")
    assert found.records[0].surface(found.records[0].mentions[0]) == "Ann Hill" and found.records[0].mentions[0].label == "PER"
    assert found.notes == ["the file is CoNLL-U, and read as that"]
    tagged = ROWS["conllu"].replace("NER=", "").replace("_\n", "O\n")
    (tmp_path / "a.txt").write_text(tagged)
    assert read(tmp_path / "a.txt", "columns").notes == ["words are in column 1 (from 0), because column 0 is an index"]


def test_a_folder_of_brat_is_one_data_set_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ann Hill sang")
    (tmp_path / "a.ann").write_text("T1\tPER 0 8\tAnn Hill\nT2\tPER 0 3;9 13\tAnn sang\n")
    found = read(tmp_path)
    (text,) = found.records
    assert text.id == "a" and text.surface(text.mentions[0]) == "Ann Hill" and found.dropped == {"mentions of several parts": 1}
    assert set(FORMATS) > {"brat", "gliner", "spacy"}


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    for format in ROWS:
        file_of(tmp_path, format)
    (tmp_path / "README.md").write_text("not data")
    (tmp_path / "columns.txt").write_text("-DOCSTART- O\n\nAnn\tB_PER\n\nbroken\n")
    (tmp_path / "tokens.jsonl").write_text(json.dumps({"tokens": ["a"], "tags": ["O"], "doc": "1"}))
    with pytest.raises(DataError, match="columns.txt, line 5: found 1 column"):
        read(tmp_path)
    found = read(tmp_path, None, True)
    assert [text.id for text in found.records] == ["1", "columns:1", "conllu:1", "tokens:1"]
    assert found.places == [f"{name}, line {line}" for name, line in zip(
        ["annotated-text.jsonl", "columns.txt", "conllu.txt", "tokens.jsonl"], [1, 3, 1, 1], strict=True)]  # fmt: skip
    assert found.records[1].metadata["doc"] == "columns:1" and found.records[3].metadata["doc"] == "tokens:1"
    assert found.left_out == ["columns.txt, line 5: found 1 column: 'broken', expected 2 as on the lines before"]
    assert found.notes == [
        "read from 4 files: annotated-text.jsonl, columns.txt, conllu.txt, tokens.jsonl",
        "columns.txt: tags in another spelling: 'B_PER' as 'B-PER'",
    ]  # fmt: skip


def test_ids_of_a_folder_are_unique_and_unread_files_are_named(tmp_path: Path) -> None:
    for name, format in [("a.conll", "columns"), ("a.txt", "columns"), ("b.jsonl", "tokens")]:
        (tmp_path / name).write_text(ROWS[format])
    for name in ("dataset_info.json", "dataset_infos.json", "manifest.json"):
        (tmp_path / name).write_text("{}")
    assert [text.id for text in read(tmp_path).records] == ["a.conll:1", "a.txt:1", "b:1"]
    (tmp_path / "c.spacy").write_bytes(b"none")
    account: ReadResult[Any] = ReadResult([])
    with pytest.raises(DataError, match="DocBin"):
        list(stream_sentences(tmp_path, account))
    assert account.notes == ["read only the .spacy files of the folder, not a.conll, a.txt, b.jsonl"]
    (tmp_path / "b.spacy").write_bytes(b"none")
    account = ReadResult([])
    with pytest.raises(DataError, match="DocBin"):
        list(stream_sentences(tmp_path, account))
    assert account.notes[0] == "read from 2 files: b.spacy, c.spacy" and account.notes[1].startswith("read only the .spacy")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"tokens": TOKENS}, "line 1, field 'entities': found nothing, expected a list"),
        ({"tokens": TOKENS, "tags": ["O"]}, "line 1, field 'tags': found 1 tag for 3 tokens"),
        (
            {"tokens": "Ann", "tags": ["O"]},
            "record 1: found the keys tokens, tags, expected a record of columns, conllu",
        ),
        ({"tokens": TOKENS, "entities": [{"start": 0}]}, "line 1, field 'end': found nothing, expected an integer"),
        ({"tokens": TOKENS, "entities": [{"start": 2, "end": 4, "type": "x"}]}, "line 1: found the span (2, 4) in 3 tokens"),
        ({"support": {}, "query": {}}, "line 1: found episodes (support and query), expected annotated sentences"),
        ({"words": TOKENS}, "record 1: found the keys words, expected a record of columns"),
    ],
)
def test_a_broken_record_is_named(tmp_path: Path, row: dict[str, object], message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row))
    with pytest.raises(DataError) as caught:
        read(path)
    assert f"a.jsonl, {message}" in str(caught.value) or f"a.jsonl: {message}" in str(caught.value)


def test_unknown_formats_and_empty_places(tmp_path: Path) -> None:
    for name, message in [
        ("xml", "unknown format 'xml'; annotated sentences have columns, conllu"),
        ("tokens:utf16", "unknown format 'tokens:utf16'"),
        ("columns:word", "use columns:0,-1"),
    ]:
        with pytest.raises(ConfigurationError, match=message):
            read(tmp_path, name)
    with pytest.raises(DataError, match="found no file"):
        read(tmp_path)
    (tmp_path / "a.txt").write_text("\n")
    with pytest.raises(DataError, match="found an empty file"):
        read(tmp_path / "a.txt")


def test_sentences_are_streamed_with_an_account(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Ann\tB_PER\n \tO\n\nsang\n\nOslo\tB_LOC\n")
    account: ReadResult[Any] = ReadResult([])
    stream = stream_sentences(path, account, skip_bad=True)
    assert next(stream).text.text == "Ann" and account.dropped == {"blank tokens": 1} and not account.skipped
    assert [(sentence.place, sentence.text.text) for sentence in stream] == [("line 6", "Oslo")]
    assert account.skipped == {"bad record": 1} and account.records == []
    assert account.notes == ["tags in another spelling: 'B_PER' as 'B-PER'"]


def test_what_a_tagged_sentence_loses_is_counted(tmp_path: Path) -> None:
    spans = [[0, 8, ["PER", "artist"]], [0, 3, "PER"], [9, 12, "x"]]
    rows = [{"text": "Ann Hill sang", "entities": spans}, {"text": " ", "entities": []}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = read_tagged_sentences(tmp_path / "a.jsonl")
    assert [sentence.spans for sentence in found.records] == [((0, 2, "PER"),)]
    assert found.dropped == {
        "further types of a mention": 1, "mentions inside or across another": 1, "mentions that cut a token": 1,
    }  # fmt: skip
    assert found.skipped == found.unused == {"sentences without a token": 1}
    assert ("unused", "line 2: sentences without a token") in found.lost and len(found.lost) == 4


def test_words_of_a_tagged_sentence_that_are_not_given_are_found(tmp_path: Path) -> None:
    """So that a mention before a comma is not lost; given words stay as they are."""
    text = "Ann's U.S., 東京."
    row: dict[str, Any] = {"text": text, "entities": [[0, 3, "PER"], [6, 10, "LOC"], [12, 14, "LOC"]]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    found = read_tagged_sentences(tmp_path / "a.jsonl")
    assert found.records[0].tokens == ("Ann", "'s", "U", ".", "S", ".", ",", "東", "京", ".")
    assert found.records[0].spans == ((0, 1, "PER"), (2, 6, "LOC"), (7, 9, "LOC")) and not found.dropped
    mentions = [{"start": start, "end": end, "label": label} for start, end, label in row["entities"]]
    given = {"text": text, "mentions": mentions, "metadata": {"tokens": [[0, 5], [6, 15]]}}
    (tmp_path / "b.jsonl").write_text(json.dumps(given))
    found = read_tagged_sentences(tmp_path / "b.jsonl")
    assert found.records[0].tokens == ("Ann's", "U.S., 東京.") and found.dropped == {"mentions that cut a token": 3}


def test_nested_mentions_of_real_text_are_counted(shared_data: Path) -> None:
    path = shared_data / "entity_gum" / "dev.jsonl.gz"
    texts, found = read(path).records, read_tagged_sentences(path)
    kept = sum(len(sentence.spans) for sentence in found.records)
    assert len(texts) == 438 and kept + found.dropped.total() == sum(len(text.mentions) for text in texts)
    assert set(found.dropped) == {"mentions inside or across another"}
    assert [tagged_sentence(text, token_offsets(text), Counter()) for text in texts] == found.records
