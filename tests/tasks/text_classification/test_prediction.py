"""Queries and answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from loreweave.errors import DataError
from loreweave.tasks.text_classification.prediction import answer, query, rows_of_file
from loreweave.tasks.text_classification.record import NUMBER, TextRecord


def test_a_query_is_a_text_or_a_pair() -> None:
    assert query({"text": "a"}, "3") == [TextRecord("3", "a")]
    assert query({"id": 7, "text": "a", "text_pair": "b"}, "3") == [TextRecord("7", "a", "b")]
    assert query({"premise": "a", "hypothesis": "b"}, "3") == [TextRecord("3", "a", "b")]
    assert query({"sentence": "a", "label": "x"}, "3") == [TextRecord("3", "a")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "field 'text': found nothing, expected a string"),
        ({"text": " "}, "field 'text': found a blank text"),
        ({"text": "a", "text_pair": 3}, "field 'text_pair': found 3, expected a string"),
    ],
)
def test_a_query_without_a_text(row: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        query(row, "0")


def test_answers_name_the_likeliest_class_first() -> None:
    logits = np.log(np.array([0.2, 0.7, 0.1], np.float32))
    (found,) = answer([TextRecord("0", "a", "b")], [logits], ["x", "y", "z"])
    assert found == {
        "id": "0", "text": "a", "text_pair": "b", "predicted": "y", "probability": pytest.approx(0.7),
        "probabilities": {"y": pytest.approx(0.7), "x": pytest.approx(0.2), "z": pytest.approx(0.1)},
    }  # fmt: skip
    assert list(found["probabilities"]) == ["y", "x", "z"]


def test_an_answer_may_be_a_number() -> None:
    assert answer([TextRecord("0", "a")], [np.array([3.25], np.float32)], [NUMBER]) == [
        {"id": "0", "text": "a", "predicted": 3.25}
    ]


def test_no_query_has_no_answer() -> None:
    assert answer([], [], ["x", "y"]) == answer([], [], [NUMBER]) == []


def rows(path: Path, content: str, format: str | None = None) -> list[tuple[str, object]]:
    path.write_text(content, encoding="utf-8")
    return list(rows_of_file(path, format))


def test_queries_of_tables(tmp_path: Path) -> None:
    """GLUE's test files have no labels; a file of one's own may have other columns, which come back."""
    glue = "index\tsentence1\tsentence2\tsentence1_parse\n7\tA man.\tNobody.\t(A)\n8\tOne.\tTwo.\t(B)\n"
    assert rows(tmp_path / "test.tsv", glue) == [
        ("line 2", {"id": "7", "text": "A man.", "text_pair": "Nobody."}),
        ("line 3", {"id": "8", "text": "One.", "text_pair": "Two."}),
    ]
    unnumbered = "sentence\tlabel\nGood.\t1\nBad.\t0\n"
    assert rows(tmp_path / "dev.tsv", unnumbered)[0] == ("line 2", {"id": "0", "text": "Good.", "label": "1"})
    own = 'id,review,stars\na,"Good, really",5\nb,Bad\n'
    first, second = rows(tmp_path / "own.csv", own, "table:text=review,id=id")
    assert first == ("line 2", {"id": "a", "text": "Good, really", "stars": "5"})
    assert second[0] == "line 3" and "found 2 columns, expected 3" in str(second[1])
    (row,) = rows(tmp_path / "numbered.csv", "idx,review\n7,Bad\n", "table:text=review")
    assert row == ("line 2", {"id": "7", "text": "Bad"})
    assert rows(tmp_path / "own.jsonl", '{"body": "Good", "more": 1}\n', "json:text=body") == [
        ("line 1", {"text": "Good", "more": 1})
    ]
    with pytest.raises(DataError, match="found no column with the name of a text .*--format table:text=COLUMN"):
        rows(tmp_path / "odd.csv", "stars,body\n5,Good\n")


def test_a_pair_may_be_called_pair() -> None:
    (record,) = query({"text": "a", "pair": "b"}, "1")
    assert (record.text, record.text_pair) == ("a", "b")
    (record,) = query({"text": "a", "text_pair": "b", "pair": "c"}, "1")
    assert record.text_pair == "b"
    (record,) = query({"text": "a", "premise": "b", "hypothesis": "c"}, "1")
    assert (record.text, record.text_pair) == ("a", None)
