"""Counts in words."""

from __future__ import annotations

import pytest

from loreweave.corpus.counts import counted


@pytest.mark.parametrize(("number", "words"), [(0, "0 records"), (1, "1 record"), (2, "2 records"), (11, "11 records")])
def test_plural_by_s(number: int, words: str) -> None:
    assert counted(number, "record") == words


def test_plural_of_its_own() -> None:
    assert [counted(number, "copy", "copies") for number in (1, 2)] == ["1 copy", "2 copies"]
