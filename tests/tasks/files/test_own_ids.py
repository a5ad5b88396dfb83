"""Ids that several records have, and predictions by id."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from loreweave.corpus.files.read_result import ReadResult
from loreweave.errors import DataError
from loreweave.tasks.files.own_ids import ids_in, texts_by_id, with_own_ids

FILE = Path("found.json")


@dataclass(frozen=True)
class Item:
    id: str
    given_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def test_a_repeated_id_gets_the_next_free_number() -> None:
    found = with_own_ids(ReadResult([Item("a"), Item("a#2"), Item("a"), Item("b"), Item("a")]), "query", "queries")
    assert found.records == [Item("a"), Item("a#2"), Item("a#3", "a"), Item("b"), Item("a#4", "a")]
    assert found.notes == ["2 queries have the id of another; all are kept, and a number was added to the id: a#3, a#4"]
    assert with_own_ids(ReadResult([Item("a"), Item("b")]), "query", "queries").notes == []


def test_predictions_may_have_the_id_with_or_without_the_number() -> None:
    records = [Item("a"), Item("a#2", "a"), Item("b")]
    assert ids_in(records, {"a", "b"}) == ["a", "a", "b"] and ids_in(records, {"a", "a#2"}) == ["a", "a#2", "b"]


def test_what_has_no_partner_is_noted() -> None:
    found, notes = texts_by_id({"a": "Oslo", "b": None, "x": "Ann"}, ["a", "a", "b", "c"], FILE, "query", "queries")
    assert found == ["Oslo", "Oslo", None, None]
    assert notes == [
        "no prediction for 2 of 4 queries, counted as wrong: b, c",
        "1 prediction is not scored, because its id is not in the gold file: x",
    ]
    assert texts_by_id({"a": ""}, ["a"], FILE, "query", "queries") == ([""], [])  # "no answer" is a prediction
    with pytest.raises(DataError, match="no prediction for any of 1 query; the ids are x, expected those of the gold file: a"):
        texts_by_id({"x": "Oslo"}, ["a"], FILE, "query", "queries")


def test_null_is_named_if_no_record_has_another_prediction() -> None:
    with pytest.raises(DataError, match=r"field 'b': found null, expected the text of an answer \(no query has one\)"):
        texts_by_id({"x": "Oslo", "b": None}, ["a", "b"], FILE, "query", "queries")
