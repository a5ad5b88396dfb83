from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.mentions.boundaries import split_words
from loreweave.corpus.mentions.normalisation import Normalisation
from loreweave.corpus.words import word_offsets


def test_words_carry_the_space_after_them() -> None:
    assert split_words("o'neill's 7 up") == (["o", "'neill", "'s ", "7 ", "up"], [0, 1, 7, 10, 12])
    assert split_words("東京 tower") == (["東", "京 ", "tower"], [0, 1, 3])
    assert split_words("") == ([], [])


@given(st.text("aé_7'’.-$ βж½²\u0301東กa\U0001f600", max_size=12))
def test_words_are_those_of_word_offsets(raw: str) -> None:
    text = " ".join(raw.split())
    words, starts = split_words(text)
    assert "".join(words) == text
    found = [(start, start + len(word.rstrip(" "))) for word, start in zip(words, starts, strict=True)]
    assert found == word_offsets(text)


@given(st.text(max_size=20))
def test_any_normalised_text_has_the_words_of_word_offsets(raw: str) -> None:
    for piece in Normalisation().pieces(raw):
        words, starts = split_words(piece.text)
        ends = [start + len(word.rstrip(" ")) for word, start in zip(words, starts, strict=True)]
        assert list(zip(starts, ends, strict=True)) == word_offsets(piece.text)
