r"""Sentences with mentions in angle brackets: files of every kind, escapes, labels, blanks, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loreweave.corpus.annotated_text import AnnotatedText
from loreweave.corpus.files.read_result import ReadResult
from loreweave.corpus.files.records import stream_records
from loreweave.corpus.mention_formats import MENTION_FORMATS, recognised_mentions
from loreweave.corpus.mention_formats.brackets import parse_brackets
from loreweave.errors import DataError
from loreweave.tasks.mentions.files import file_format

FORMAT = MENTION_FORMATS["brackets"]


def read(folder: Path, content: str, name: str, skip_bad: bool = False) -> tuple[list[AnnotatedText], ReadResult[Any]]:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    account: ReadResult[Any] = ReadResult([])
    format = file_format(FORMAT, lambda text: [text])
    return [text for _, text in stream_records(path, format, skip_bad, account)], account


def spans(text: AnnotatedText) -> list[tuple[int, int, tuple[str, ...]]]:
    return [(mention.start, mention.end, mention.types) for mention in text.mentions]


@pytest.mark.parametrize(
    ("typed", "text", "marks"),
    [
        ("<Ada> wrote a program .", "Ada wrote a program .", [(0, 3, ())]),
        ("So <Ada> met <Bob>.", "So Ada met Bob.", [(3, 6, ()), (11, 14, ())]),
        ("<He|person> ran", "He ran", [(0, 2, ("person",))]),
        ("<He|person| artist > ran", "He ran", [(0, 2, ("person", "artist"))]),
        (r"2 \< 3 and <x \> y> here", "2 < 3 and x > y here", [(10, 15, ())]),
        (r"a|b <c\|d|e\|f>", "a|b c|d", [(4, 7, ("e|f",))]),
        (r"C:\new \\ <a\\b>", r"C:\new \ a\b", [(9, 12, ())]),
        ("\N{GRINNING FACE} <Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}>", "\N{GRINNING FACE} Zo\xeb", [(2, 5, ())]),
        ("no mention", "no mention", []),
        ("<a><b>", "ab", [(0, 1, ()), (1, 2, ())]),
    ],
)
def test_a_sentence(typed: str, text: str, marks: list[Any]) -> None:
    found, given = parse_brackets(typed)
    assert (found, [(mark.start, mark.end, mark.labels) for mark in given]) == (text, marks)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("x > 3", r"field 'text': found '>' without '<' before it at 'x > 3', expected pairs .*write .< and .> for"),
        ("x < 3", "found '<' without '>' after it at 'x < 3'"),
        ("<a <b> c>", "found '<' inside a mention at '<a <b> c>'"),
        ("a <> b", "found brackets without a mention at 'a <> b'"),
        ("a <  |person> b", "found brackets without a mention"),
        ("<a|> b", "found a blank label"),
        ("<a|x| > b", "found a blank label"),
        ("<a", "found '<' without '>' after it"),
    ],
)
def test_brackets_that_do_not_belong_together_are_refused(typed: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_brackets(typed)


FILES = {
    "a.txt": "\ufeff<Ada|x> ran\n\n  {see} <Bob> \r\n",
    "probes": "[1] <Ada|x> ran\n{see} <Bob>\n",
    "a.json": '{"p1": "<Ada|x> ran",\n "p2": "{see} <Bob>"}',
    "b.json": '[{"id": "p1", "text": "<Ada|x> ran"}, "{see} <Bob>"]',
    "a.jsonl": '{"id": 7, "sent": "<Ada|x> ran", "by": "me"}\n{"p2": "{see} <Bob>"}\n',
    "a.csv": 'id,Text,by\np1,"<Ada|x> ran, then",me\np2,{see} <Bob>,\n',
    "a.tsv": 'sentence\tid\n<Ada|x> "ran"\tp1\n{see} <Bob>\tp2\n',
}
FOUND = {
    "a.txt": [("1", "Ada ran", (0, 3)), ("3", "{see} Bob", (6, 9))],
    "probes": [("1", "[1] Ada ran", (4, 7)), ("2", "{see} Bob", (6, 9))],
    "a.json": [("p1", "Ada ran", (0, 3)), ("p2", "{see} Bob", (6, 9))],
    "b.json": [("p1", "Ada ran", (0, 3)), ("2", "{see} Bob", (6, 9))],
    "a.jsonl": [("7", "Ada ran", (0, 3)), ("p2", "{see} Bob", (6, 9))],
    "a.csv": [("p1", "Ada ran, then", (0, 3)), ("p2", "{see} Bob", (6, 9))],
    "a.tsv": [("p1", 'Ada "ran"', (0, 3)), ("p2", "{see} Bob", (6, 9))],
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_every_kind(tmp_path: Path, name: str) -> None:
    texts, account = read(tmp_path, FILES[name], name)
    assert [(text.id, text.text, spans(text)[0][:2]) for text in texts] == FOUND[name]
    assert [spans(text)[0][2] for text in texts] == [("x",), ()]
    assert not account.skipped and not account.dropped
    if name in ("a.jsonl", "a.csv"):
        assert [dict(text.metadata) for text in texts] == [{"by": "me"}, {}]


def test_blanks_inside_the_brackets_stay_in_the_text_and_leave_the_mention(tmp_path: Path) -> None:
    (text,), account = read(tmp_path, "So < Ada > ran", "a.txt")
    assert text.text == "So  Ada  ran" and spans(text) == [(4, 7, ())]
    assert text.text[4:7] == "Ada" and account.dropped == {"white space at the edges of mentions": 1}


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ('{"p": "<A> ran", "p": "<B> ran"}', "a.json", "line 1.*the key 'p' twice"),
        ('{\n"p": "<A> ran",\n"p": "<B> ran"\n}', "a.json", "the key 'p' twice"),
        ('{"id": "p", "text": "<A>"}\n{"id": "p", "text": "<B>"}\n', "a.jsonl", r"line 2.*the id 'p' again \(line 1 has it\)"),
        ("id,text\np,<A>\nq,<B>\np,<C>\n", "a.csv", r"line 4.*the id 'p' again \(line 2 has it\)"),
        ("name,what\np,<A>\n", "a.csv", "line 1: found the columns 'name', 'what', expected a first line that names"),
        ("text,id\n<A>\n", "a.csv", "line 2.*found 1 cell, expected 2"),
        ("<A> ran\n<B ran\n", "a.txt", "line 2, field 'text': found '<' without '>'"),
        ('{"p": "<A> ran", "q": 3}', "a.json", "record 2, field 'text': found 3, expected a string"),
        ('{"id": "p", "txt": "<A> ran"}', "a.json", "field 'text': found nothing"),
        ("3\n", "a.jsonl", "line 1"),
    ],
)
def test_what_is_refused_is_named_by_its_place(tmp_path: Path, content: str, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, content, name)


def test_bad_sentences_are_left_out_when_asked(tmp_path: Path) -> None:
    texts, account = read(tmp_path, '{"p": "<A> ran", "q": "x > 3", "r": "<B> ran"}', "a.json", skip_bad=True)
    assert [text.id for text in texts] == ["p", "r"] and account.skipped == {"bad text": 1}
    assert account.left_out[0].startswith("record 2: ")


def test_only_an_object_of_marked_sentences_is_recognised() -> None:
    assert recognised_mentions(Path("a.json"), {"p": "<A> ran", "q": "the <B>"}) == "brackets"
    assert recognised_mentions(Path("a.json"), {"p": "<A> ran", "q": "the B"}) is None
    assert recognised_mentions(Path("a.json"), {"text": "<A> ran"}) == "annotated-text"
