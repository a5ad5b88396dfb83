"""What readers of all tasks share: rows in any wrapping, places in messages, an account of what is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import FileFormat, describe_skipped, first_row, read_records, recognise_by_keys
from loreweave.corpus.files.rows import LeftOut, check_span, field, join_words
from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.entity_typing.reader import TypingRecord


def convert(row: Any, id: str) -> Iterator[TypingRecord | LeftOut]:
    """Each word of `words` is a record; `-` is none, `!` is wrong."""
    for word in field(row, "words", list):
        if word == "-":
            yield LeftOut("dash")
        elif word == "!":
            yield LeftOut.bad(DataError("found '!'", field="words"))
        else:
            yield TypingRecord(id, word, 0, len(word))


FORMATS = {"toy": FileFormat("words", convert)}


def read(path: Path, rows: list[Any], skip_bad: bool = False, format: str | None = None) -> ReadResult[TypingRecord]:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return read_records(path, format, skip_bad, FORMATS, lambda path: "toy")


def test_a_row_may_give_several_records_and_keeps_the_rest_when_one_is_bad(tmp_path: Path) -> None:
    rows = [{"words": ["a", "-", "b"]}, {"words": ["!", "c"]}, {"words": 3}]
    result = read(tmp_path / "a.jsonl", rows, skip_bad=True)
    assert [record.text for record in result.records] == ["a", "b", "c"]
    assert result.places == ["line 1", "line 1", "line 2"]
    assert result.skipped == {"dash": 1, "bad words": 2}
    assert result.left_out == ["line 2: field 'words': found '!'", "line 3: field 'words': found 3, expected a list"]


def test_what_is_no_error_is_counted_without_asking(tmp_path: Path) -> None:
    assert read(tmp_path / "a.jsonl", [{"words": ["-", "a"]}]).skipped == {"dash": 1}
    with pytest.raises(DataError, match="a.jsonl, line 2, field 'words': found '!'"):
        read(tmp_path / "a.jsonl", [{"words": ["a"]}, {"words": ["!"]}])


def test_what_was_converted_is_said_and_not_counted_as_left_out(tmp_path: Path) -> None:
    def with_offsets(row: Any, id: str) -> Iterator[TypingRecord | LeftOut]:
        yield LeftOut("offsets", converted=True)
        yield TypingRecord(id, row["word"], 0, 3)

    path = tmp_path / "a.jsonl"
    path.write_text('{"word": "Mia"}\n{"word": "Leo"}\n')
    found = read_records(path, "toy", False, {"toy": FileFormat("words", with_offsets)}, lambda path: "toy")
    assert len(found.records) == 2 and found.converted == {"offsets": 2}
    assert not found.dropped and not found.skipped and not found.lost
    assert describe_skipped(found, path) == [f"{path}: converted: offsets (2)"]
    both = found.account()
    both.add(found, "b.jsonl")
    assert both.converted == {"offsets": 4} and found.converted == {"offsets": 2}


def test_a_broken_line_is_a_bad_record(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"words": ["a"]}\n{"words": ["b"\n[1]\n{"words": ["c", "!"]}\n')
    with pytest.raises(DataError, match="a.jsonl, line 2: found broken JSON"):
        read_records(path, None, False, FORMATS, lambda path: "toy")
    found = read_records(path, None, True, FORMATS, lambda path: "toy")
    assert [(record.id, record.text) for record in found.records] == [("1", "a"), ("4", "c")]
    assert found.skipped == {"broken line": 2, "bad words": 1}
    assert found.left_out[0].startswith("line 2: found broken JSON")
    assert found.left_out[1].startswith("line 3: found a JSON list")
    path.write_text("{\n")
    with pytest.raises(DataError, match="line 1: found broken JSON"):
        first_row(path)


def test_empty_files_and_unknown_formats(tmp_path: Path) -> None:
    for content in ("", " \n\n"):
        (tmp_path / "empty.jsonl").write_text(content)
        with pytest.raises(DataError, match="empty.jsonl: found an empty file"):
            read_records(tmp_path / "empty.jsonl", None, True, FORMATS, lambda path: "toy")
    with pytest.raises(ConfigurationError, match="unknown format 'other'; this task reads toy"):
        read(tmp_path / "a.jsonl", [{"words": []}], format="other")


def test_the_account_shows_the_first_errors(tmp_path: Path) -> None:
    result = read(tmp_path / "a.jsonl", [{"words": ["!"] * 7 + ["-"]}], skip_bad=True)
    lines = describe_skipped(result, Path("a.jsonl"), shown=2)
    assert lines[0] == "a.jsonl: skipped 8 records: bad words (7), dash (1)"
    assert lines[1].startswith("  line 1: ") and lines[3] == "  and 5 more" and len(lines) == 4
    assert describe_skipped(ReadResult([]), Path("a.jsonl")) == []


def test_recognition_names_the_keys(tmp_path: Path) -> None:
    assert recognise_by_keys(tmp_path, {"a": 1}, {"b": "two", "a": "one"}) == "one"
    with pytest.raises(DataError, match="found the keys c, expected a record of one"):
        recognise_by_keys(tmp_path, {"c": 1}, {"a": "one"})
    with pytest.raises(DataError, match="field 'data': found no records, but an empty list"):
        recognise_by_keys(tmp_path, {"version": "1", "data": []}, {"a": "one"})
    (tmp_path / "x.json").write_text('\n [{"a": 1}, {"a": 2}]')
    assert first_row(tmp_path / "x.json") == {"a": 1}


def test_fields_have_their_very_type() -> None:
    with pytest.raises(DataError, match="found true, expected an integer"):
        field({"n": True}, "n", int)
    with pytest.raises(DataError, match="found nothing, expected a string"):
        field({}, "n", str)
    with pytest.raises(DataError, match=r"field 'n': found nothing, expected a string \(fields here: 'text', 'm'\)"):
        field({"text": "a", "m": 1}, "n", str)


def test_spans_name_the_field_that_was_asked_for() -> None:
    with pytest.raises(DataError, match="field 'head': found a blank mention"):
        check_span("a  b", 1, 3, "head")


@given(st.lists(st.text(max_size=5), max_size=8))
def test_joined_words_are_where_their_spans_say(tokens: list[str]) -> None:
    text, spans = join_words(tokens)
    assert [text[start:end] for start, end in spans] == tokens
    assert text == " ".join(tokens)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_table_in_the_place_of_json_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("text,entity\nMia left Oslo.,Q585\n")
    with pytest.raises(DataError, match=f"a{suffix}: found a {suffix} file without JSON, expected JSON Lines or a JSON list"):
        first_row(path)
    path.write_text('{"text": "a"}\n')  # JSON Lines under another name are read
    assert first_row(path) == {"text": "a"}
    path = tmp_path / "a.jsonl"
    path.write_text("text\n")
    with pytest.raises(DataError, match="a.jsonl, line 1: found broken JSON"):
        first_row(path)


def test_half_a_surrogate_pair_is_named_by_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"words": ["a", "\\ud83d\\ude00"]}\n{"words": ["b", "c\\ud83d"]}\n')
    formats = {"words": FileFormat("words", convert)}
    with pytest.raises(DataError, match=r"a.jsonl, line 2, field 'words\[1\]': found an unpaired surrogate"):
        read_records(path, None, False, formats, lambda file: "words")
    read = read_records(path, None, True, formats, lambda file: "words")
    assert [record.text for record in read.records] == ["a", "\U0001f600"] and read.skipped == {"bad words[1]": 1}
