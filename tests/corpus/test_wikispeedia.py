"""The Wikispeedia reader."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from loreweave.corpus.wikispeedia import read_reserved_titles, read_wikispeedia
from loreweave.errors import DataError

ROW = {
    "title": "Acetic_acid",
    "text": "In Water.",
    "paragraphs": [[0, 9, "p"]],
    "links": [[3, 8, "Water"]],
    "categories": ["c"],
}


def test_an_article_becomes_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + json.dumps({**ROW, "title": "Other"}))
    article, other = read_wikispeedia(path)
    assert (article.id, article.title, article.language) == ("Acetic_acid", "Acetic_acid", "en")
    assert article.surface(article.mentions[0]) == article.mentions[0].entity == "Water"
    assert article.metadata == {"paragraphs": [[0, 9, "p"]], "categories": ["c"]}
    assert [text.id for text in read_wikispeedia(path, exclude=["Acetic_acid"])] == [other.id]


def test_broken_rows_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + json.dumps({"title": "x", "text": ""}))
    with pytest.raises(DataError, match="line 2: found no 'links'"):
        list(read_wikispeedia(path))
    path.write_text(json.dumps({**ROW, "links": [[3, 99, "Water"]]}))
    with pytest.raises(DataError, match="line 1: .*text of 9 characters"):
        list(read_wikispeedia(path))
    for link in ([3, 8], 3):
        path.write_text(json.dumps({**ROW, "links": [link]}))
        with pytest.raises(DataError, match=r"line 1: field 'links': .*expected \[start, end, title\]"):
            list(read_wikispeedia(path))


def test_an_annotated_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "a", "text": "In Water.", "mentions": []}))
    with pytest.raises(DataError, match="line 1: found no 'title'; it is an annotated text, which --format annotated reads"):
        list(read_wikispeedia(path))


def test_real_articles(shared_data: Path) -> None:
    folder = shared_data / "text_wikispeedia"
    reserved = read_reserved_titles(folder / "reserved_titles.txt")
    assert len(reserved) == 318
    first = list(islice(read_wikispeedia(folder / "articles.jsonl.xz"), 12))
    kept = list(islice(read_wikispeedia(folder / "articles.jsonl.xz", exclude=reserved), 5))
    assert [text.id for text in kept] == [text.id for text in first if text.id not in reserved][:5]
    mention = first[0].mentions[0]
    assert (first[0].surface(mention), mention.entity) == ("9th century", "9th_century")
