"""Mentions that are no whole words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.mentions.alignment import is_aligned, misaligned
from loreweave.corpus.words import word_offsets


@pytest.mark.parametrize(
    ("text", "surface", "found"),
    [
        ("Mia Brandt left", "Mia Brandt", None),
        ("Mia Brandt left", "Mia Bran", "'Mia Bran' cuts 'Brandt' in 'Mia Brandt left'"),
        ("Mia Brandt left", " Brandt", "' Brandt' has blanks at its edges in 'Mia Brandt left'"),
        ("Ann's cat", "Ann", None),
        ("東京都です", "京都", None),
    ],
)
def test_what_is_wrong_is_described(text: str, surface: str, found: str | None) -> None:
    span = (text.index(surface), text.index(surface) + len(surface))
    assert next(misaligned(word_offsets(text), text, [span]), None) == found
    assert is_aligned(text, *span) == (found is None)


@given(st.text(alphabet="ab1' .\u6771\n", min_size=1, max_size=30), st.data())
def test_the_words_that_a_mention_cuts_are_those_around_its_edges(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    words = word_offsets(text)
    cut = [text[first:last] for first, last in words if first < start < last or first < end < last]
    found = next(misaligned(words, text, [(start, end)]), "")
    if text[start:end] == text[start:end].strip():
        assert bool(found) == bool(cut)
        assert not cut or f" cuts {', '.join(map(repr, dict.fromkeys(cut)))} in " in found


@given(st.text(alphabet="ab1_'’ .\u0301\u200d\u6771\u0e17\U0001f600\n", max_size=60), st.data())
def test_the_characters_near_a_mention_decide(text: str, data: st.DataObject) -> None:
    """Also in the middle of a text, and with marks and apostrophes."""
    text = "x" + text
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert is_aligned(text, start, end) == (not list(misaligned(word_offsets(text), text, [(start, end)])))


@pytest.mark.parametrize("span", [(-1, 2), (2, 2), (0, 9)])
def test_a_span_outside_the_text_is_not_aligned(span: tuple[int, int]) -> None:
    assert not is_aligned("Mia left", *span)
