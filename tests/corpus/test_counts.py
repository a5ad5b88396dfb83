"""Counts and lists in words."""

from __future__ import annotations

import pytest

from loreweave.corpus.counts import counted, listed, tallied


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 records"), (1, "1 record"), (2, "2 records"), (11, "11 records"), (1200, "1,200 records")]
)
def test_plural_by_s(number: int, words: str) -> None:
    assert counted(number, "record") == words


def test_plural_of_its_own() -> None:
    assert [counted(number, "copy", "copies") for number in (1, 2)] == ["1 copy", "2 copies"]


def test_names_beyond_the_shown_are_counted() -> None:
    assert listed(iter("abc")) == "a, b, c"
    assert listed([1, 2, 3], shown=2) == "1, 2 and 1 more"
    assert listed(["a", "b"], shown=1, total=1201) == "a and 1,200 more"
    assert listed([]) == ""


def test_counts_by_name() -> None:
    assert tallied({"words cut off": 1200, "empty": 0, "texts truncated": 1}) == "words cut off (1,200), texts truncated (1)"
    assert tallied({}) == tallied({"empty": 0}) == ""
