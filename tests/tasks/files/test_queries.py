"""Queries of files, folders and standard input: what they are taken for, their ids and places, and what is refused."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.contract import QueryFiles
from loreweave.tasks.files.queries import block_size, read_queries
from loreweave.tasks.jobs.queries import Query
from loreweave.tasks.record_task import mention_rows, pair_rows


def standard_input(content: bytes | str) -> io.TextIOWrapper:
    raw = content if isinstance(content, bytes) else content.encode()
    return io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8")


def read(*names: str | Path, stdin: bytes | str = "", said: list[str] | None = None, **how: Any) -> list[Query]:
    lines = said if said is not None else []
    return list(read_queries([str(name) for name in names], standard_input(stdin), report=lines.append, **how))


def rows(queries: list[Query]) -> list[Any]:
    return [str(query.row) if isinstance(query.row, DataError) else query.row for query in queries]


def test_a_terminal_is_answered_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    assert block_size(["-"], stream, 32) == 32 and block_size(["queries.jsonl"], stream, 32) > 32
    monkeypatch.setattr(stream, "isatty", lambda: True)
    assert block_size(["-"], stream, 32) == 1


TEXT = "\ufeffAnn lives in Oslo.\r\n\n  Bob \n"
TEXT_ROWS = [{"text": "Ann lives in Oslo."}, {"text": "  Bob "}]
LINES = '{"text": "Ann", "id": 4}\n\n{"text": "Bob"}\n'
LINE_ROWS = [{"text": "Ann", "id": 4}, {"text": "Bob"}]
LIST = json.dumps(LINE_ROWS, indent=1)


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize(
    ("content", "expected", "ids"),
    [
        (TEXT, TEXT_ROWS, ["1", "3"]),
        (LINES, LINE_ROWS, ["1", "2"]),
        (LIST, LINE_ROWS, ["1", "2"]),
        ('{\n"text": "Ann",\n"id": 4}\n{"text":\n"Bob"}', LINE_ROWS, ["1", "2"]),
        ("[1] See the list.\n{see} also\n", [{"text": "[1] See the list."}, {"text": "{see} also"}], ["1", "2"]),
        ("[1, 2] and so on", [{"text": "[1, 2] and so on"}], ["1"]),
    ],
)
def test_the_content_says_what_it_is(piped: bool, content: str, expected: Any, ids: list[str], tmp_path: Path) -> None:
    path = tmp_path / "queries"
    path.write_bytes(content.encode())
    found = read("-", stdin=content) if piped else read(path)
    assert rows(found) == expected and [query.id for query in found] == ids
    assert found[0].place.startswith("standard input, " if piped else f"{path}, ")
    assert all("file" not in query.where and len(query.where) == 1 for query in found)


def test_places(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    assert [(query.place, query.where) for query in read(tmp_path / "a.txt")] == [
        (f"{tmp_path / 'a.txt'}, line 1", {"line": 1}), (f"{tmp_path / 'a.txt'}, line 3", {"line": 3}),
    ]  # fmt: skip
    assert [query.where for query in read("-", stdin=LIST)] == [{"record": 1}, {"record": 2}]


def test_a_broken_line_is_an_error_in_its_place(tmp_path: Path) -> None:
    content = b'{"text": \n{"text": "Bob"}\n[1]\n{"text": "\xff"}\n{"score": NaN}\n{"text": "Eve"}\n'
    (tmp_path / "a.jsonl").write_bytes(content)
    for found in (read(tmp_path / "a.jsonl"), read("-", stdin=content)):
        shown = rows(found)
        assert [query.where["line"] for query in found] == [1, 2, 3, 4, 5, 6]
        assert "broken JSON" in shown[0] and shown[1] == {"text": "Bob"} and "found a JSON list" in shown[2]
        assert "not UTF-8 at byte 10 of the line" in shown[3] and "NaN" in shown[4] and shown[5] == {"text": "Eve"}
    (tmp_path / "a.txt").write_bytes(b"Ann\n\xff\nBob\n")
    assert [type(query.row) for query in read(tmp_path / "a.txt")] == [dict, DataError, dict]


def test_the_format_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text('{"text": "Ann"}\n')
    assert rows(read(path)) == [{"text": "Ann"}] and rows(read(path, format="text")) == [{"text": '{"text": "Ann"}'}]
    path.write_text("Ann\nBob\n")
    assert ["expected one object per line" in row for row in rows(read(path, format="jsonl"))] == [True, True]
    (tmp_path / "b.jsonl").write_text("Ann\n")
    assert "broken JSON" in rows(read(tmp_path / "b.jsonl"))[0]
    with pytest.raises(ConfigurationError, match="--format: found 'txt', expected text or jsonl"):
        read(path, format="txt")


def test_folders_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "b.txt").write_text("Bob\n")
    (tmp_path / "in" / "c.jsonl").write_text('{"text": "Cid"}\n')
    with gzip.open(tmp_path / "a.txt.gz", "wt") as file:
        file.write("Ann\n")
    for name in ("notes.md", "picture.png", ".hidden.txt"):
        (tmp_path / name).write_text("none\n")
    (tmp_path / "empty.txt").write_text("\n")
    said: list[str] = []
    found = read(tmp_path, said=said)
    assert [query.row["text"] for query in found if not isinstance(query.row, DataError)] == ["Ann", "Bob", "Cid"]
    names = ["a.txt.gz", "b.txt", "in/c.jsonl"]
    assert [query.where["file"] for query in found] == [str(tmp_path / name) for name in names]
    assert said[0].endswith("left out 2 files of neither text nor JSON: notes.md, picture.png")
    assert said[1:] == [f"{tmp_path / 'empty.txt'}: found no query"]
    assert len(read(tmp_path / "b.txt", "-", stdin="Dan\n")) == 2


def test_queries_of_a_folder_and_of_several_files_say_their_file(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, names in ((one, ["a.txt"]), (two, ["a.txt", "b.txt"])):
        folder.mkdir()
        for name in names:
            (folder / name).write_text("Ann\n\nBob\n")
    a, b = two / "a.txt", two / "b.txt"
    assert [(query.id, query.where) for query in read(one)] == [
        ("1", {"file": str(one / "a.txt"), "line": 1}), ("3", {"file": str(one / "a.txt"), "line": 3}),
    ]  # fmt: skip
    for given in ((two,), (a, b)):
        found = [(query.where["file"], query.id) for query in read(*given)]
        assert found == [(str(a), "1"), (str(a), "3"), (str(b), "1"), (str(b), "3")]
    assert all("file" not in query.where for query in read(a))


def test_no_query_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n \n")
    with pytest.raises(DataError, match=r"a.txt: found no query, expected lines of text or JSON objects"):
        read(tmp_path / "a.txt")
    with pytest.raises(DataError, match="standard input: found no query"):
        read("-")
    (tmp_path / "a.jsonl").write_text("[]")
    with pytest.raises(DataError, match="found no query"):
        read(tmp_path / "a.jsonl")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.pdf").write_text("x")
    with pytest.raises(DataError, match=r"folder: found no file with a name that ends in .txt, .jsonl, .json, .ndjson"):
        read(tmp_path / "folder")
    with pytest.raises(DataError, match="none.txt: file not found"):
        read_queries([str(tmp_path / "none.txt")], standard_input(""))


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.txt", "Ann\tB-PER\nlives\tO\n", "a table"),
        ("a.csv", "text,label\nAnn,PER\n", "a table"),
        ("a.txt", "Ann B-PER\nlives O\n\nBob B-PER\n", "columns of words and tags"),
        ("a", "PK\x03\x04\x00\n", "control characters"),
    ],
)
def test_what_is_no_text_is_not_taken_for_it(name: str, content: str, found: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=f"{name}: found {found}, expected one text per line .*--format text"):
        read(path)
    assert len(read(path, format="text")) == len([line for line in content.split("\n") if line.strip()])


def test_utf_16_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ann\nBob\n", encoding="utf-16")
    with pytest.raises(DataError, match="a.txt, line 1: found UTF-16, expected UTF-8 .'iconv"):
        read(tmp_path / "a.txt")


@pytest.mark.parametrize("name", ["a.txt.gz", "a.txt.xz", "a.txt.bz2"])
def test_a_broken_compressed_file_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"not compressed at all")
    with pytest.raises(DataError, match=rf"{name}: broken compressed file"):
        read(tmp_path / name)


def test_plain_text_is_no_query_where_more_is_asked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ann lives in Oslo.\n")
    asks = ("text", "start", "end")
    with pytest.raises(ConfigurationError, match="expected JSON Lines, one object per line with text, start, end"):
        read(tmp_path / "a.txt", asks=asks)
    assert len(read("-", stdin=LINES, asks=asks)) == 2


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_end_of_a_line_ends_a_query(end: str, piped: bool, tmp_path: Path) -> None:
    for content in (["Ann left.", "", "Bob sang."], ['{"text": "Ann left."}', "", '{"text": "Bob sang."}']):
        raw = "".join(line + end for line in content).encode()
        (tmp_path / "q").write_bytes(raw)
        queries = read("-", stdin=raw) if piped else read(tmp_path / "q")
        assert rows(queries) == [{"text": "Ann left."}, {"text": "Bob sang."}]
        assert [query.where["line"] for query in queries] == [1, 3]


TABLES = QueryFiles(formats=("table",), rows=lambda path, format: iter([("line 2", {"text": path.name, "how": format})]))


def test_tables_of_a_task(tmp_path: Path) -> None:
    for name, content in (("a.tsv", "text\tx\n"), ("b.txt", "text\tx\na\tb\n"), ("c.csv", "text,x\n"), ("d.txt", "plain\n")):
        (tmp_path / name).write_text(content)
        found = rows(read(tmp_path / name, tables=TABLES))
        assert found == [{"text": "plain"} if name == "d.txt" else {"text": name, "how": None}]
    assert [row["text"] for row in rows(read(tmp_path, tables=TABLES))] == ["a.tsv", "b.txt", "c.csv", "plain"]
    assert rows(read(tmp_path / "d.txt", tables=TABLES, format="table:text=1")) == [{"text": "d.txt", "how": "table:text=1"}]
    assert rows(read(tmp_path / "b.txt", tables=TABLES, format="text")) == [{"text": "text\tx"}, {"text": "a\tb"}]
    with pytest.raises(ConfigurationError, match="--format: found 'tabel', expected text or jsonl or table"):
        read(tmp_path / "d.txt", tables=TABLES, format="tabel")
    with pytest.raises(ConfigurationError, match="--format: found 'table', expected text or jsonl$"):
        read(tmp_path / "d.txt", format="table")
    with pytest.raises(ConfigurationError, match="--format table needs a file, found standard input"):
        read("-", stdin=b"a", tables=TABLES, format="table")


BRACKETED = "<Ann> lives in <Oslo|place>.\n\n Bob\nShe \\< <he\n<Eve> ran\n"


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("format", [None, "text", "brackets"])
def test_plain_text_has_mentions_in_brackets_where_queries_have_mentions(
    piped: bool, format: str | None, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(BRACKETED)
    how: dict[str, Any] = {"asks": ("text", "start", "end"), "marked": mention_rows, "format": format}
    found = read("-", stdin=BRACKETED, **how) if piped else read(tmp_path / "a.txt", **how)
    text = "Ann lives in Oslo."
    assert [query.row for query in found if not isinstance(query.row, DataError)] == [
        {"id": "1:0-3", "text": text, "start": 0, "end": 3},
        {"id": "1:13-17", "text": text, "start": 13, "end": 17, "labels": ["place"]},
        {"id": "5", "text": "Eve ran", "start": 0, "end": 3},
    ]
    assert [query.where["line"] for query in found] == [1, 1, 3, 4, 5]
    assert "found a text without a mention" in rows(found)[2] and "found '<' without '>'" in rows(found)[3]
    assert [query.id for query in found[2:4]] == ["3", "4"]


def test_brackets_of_a_pair_are_head_and_tail() -> None:
    how: dict[str, Any] = {"asks": ("text", "head", "tail"), "marked": pair_rows}
    one, two, three = read("-", stdin="<Ann> met <Bob>\n<Ann> ran\n<Ann|x> met <Bob>\n", **how)
    assert one.row == {"id": "1", "text": "Ann met Bob", "head": {"start": 0, "end": 3}, "tail": {"start": 8, "end": 11}}
    shown = rows([two, three])
    assert "found 1 mention, expected two: head and tail" in shown[0] and "found the label 'x' in brackets" in shown[1]


def test_files_of_sentences_with_brackets(tmp_path: Path) -> None:
    how: dict[str, Any] = {"asks": ("text", "start", "end"), "marked": mention_rows}
    (tmp_path / "a.json").write_text('{"s1": "<Ann> ran",\n "s2": "the <cat> sat"}')
    found = read(tmp_path / "a.json", **how)
    assert [(query.row["id"], query.where) for query in found if isinstance(query.row, dict)] == [
        ("s1", {"record": 1}), ("s2", {"record": 2}),
    ]  # fmt: skip
    (tmp_path / "a.csv").write_text("id,text,by\ns1,<Ann> ran,me\n")
    (row,) = rows(read(tmp_path / "a.csv", format="brackets", **how))
    assert row == {"by": "me", "id": "s1", "text": "Ann ran", "start": 0, "end": 3}
    assert read(tmp_path / "a.csv", format="brackets", **how)[0].where == {"line": 2}
    with pytest.raises(ConfigurationError, match="--format brackets: found JSON on standard input, expected lines of text"):
        read("-", stdin='{"s1": "<Ann> ran"}', format="brackets", **how)
    with pytest.raises(ConfigurationError, match="found 'brackets', expected text or jsonl"):
        read(tmp_path / "a.json", format="brackets")
