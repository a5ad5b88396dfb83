"""Words of raw text in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.words import word_offsets


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ann Hill's cat, U.S.", ["Ann", "Hill", "'s", "cat", ",", "U", ".", "S", "."]),
        ("don’t 'x' o'", ["don", "’t", "'", "x", "'", "o", "'"]),
        ("@user_1 #tag 3.5%", ["@", "user_1", "#", "tag", "3", ".", "5", "%"]),
        ("日本のiPhone5は", ["日", "本", "の", "iPhone5", "は"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("ที่ไทย", ["ที่", "ไ", "ท", "ย"]),
        ("한국어 서울", ["한국어", "서울"]),
        ("e\u0301te\u0301\u00a0x", ["e\u0301te\u0301", "x"]),
        (" \t\n", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in word_offsets(text)] == words


@given(st.text())
def test_all_characters_but_white_space_are_in_one_word(text: str) -> None:
    covered = [place for start, end in word_offsets(text) for place in range(start, end)]
    assert covered == [place for place, character in enumerate(text) if not character.isspace()]
