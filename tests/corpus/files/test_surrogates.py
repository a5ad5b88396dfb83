"""Halves of surrogate pairs."""

from __future__ import annotations

import pytest

from loreweave.corpus.files.surrogates import has_half, replace_halves


@pytest.mark.parametrize(
    ("text", "whole", "number"),
    [("plain", "plain", 0), ("é \U0001f600", "é \U0001f600", 0), ("\ud83dé\ude00", "\ufffdé\ufffd", 2), ("", "", 0)],
)
def test_halves_are_replaced_one_by_one(text: str, whole: str, number: int) -> None:
    assert replace_halves(text) == (whole, number)
    assert has_half(text) == (number > 0)
