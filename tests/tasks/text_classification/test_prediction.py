"""Queries and answers."""

from __future__ import annotations

import numpy as np
import pytest

from loreweave.errors import DataError
from loreweave.tasks.text_classification.prediction import answer, query
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
