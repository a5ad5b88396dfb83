from collections.abc import Iterator
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.surfaces import (
    _second_halves,
    check_given_surface,
    check_surface,
    check_token_surface,
    fits_utf16,
    from_utf16,
    surfaces_agree,
    utf16_words,
)
from loreweave.errors import DataError

TEXT = "Mia Brandt moved to Oslo."


@pytest.mark.parametrize("given_", ["Mia Brandt", "mia  BRANDT", " Mia Brandt ", "MiaBrandt", None])
def test_a_surface_that_differs_by_case_or_white_space_is_right(given_: str | None) -> None:
    check_surface(TEXT, 0, 10, given_, "text")


def test_composed_and_decomposed_accents_agree() -> None:
    assert surfaces_agree("Ame\u0301lie", "Am\u00e9lie")
    assert surfaces_agree("Stra\u00dfe", "STRASSE")
    assert not surfaces_agree("Amelie", "Am\u00e9lie")


def message(text: str, start: int, end: int, surface: object) -> str:
    with pytest.raises(DataError) as caught:
        check_surface(text, start, end, surface, "name")
    assert caught.value.field == "name"
    return str(caught.value)


def test_utf16_offsets_are_named() -> None:
    text = "\N{GRINNING FACE}\N{GRINNING FACE} Mia Brandt moved."  # two units each in UTF-16: Mia begins at 5 there, at 3 here
    assert "UTF-16" in message(text, 5, 15, "Mia Brandt")
    assert "UTF-16" not in message(text, 4, 14, "Mia Brandt")


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (0, 9, "add 1 to each end"),
        (1, 11, "subtract 1 from each offset"),
        (1, 10, "subtract 1 from each start"),
        (5, 14, "nearest such characters are at (0, 10)"),
        (90, 100, "nearest such characters are at (0, 10)"),
    ],
)
def test_other_ways_of_counting_are_named(start: int, end: int, said: str) -> None:
    assert said in message(TEXT, start, end, "Mia Brandt")


def test_offsets_in_bytes_are_named() -> None:
    text = "Zoë Mia, ééé Oslo"
    assert text.encode()[17:21] == b"Oslo" and text[13:17] == "Oslo"
    assert "the offsets fit bytes of UTF-8, where code points from 0" in message(text, 17, 21, "Oslo")
    assert "bytes of UTF-8, and characters that are counted from 1, where" in message(text, 5, 8, "Mia"), "both fit"
    assert "bytes" not in message(text, 14, 18, "Oslo")


def test_line_ends_that_count_once_are_named() -> None:
    """'add 1 to each end' would fit the first mention alone: a blank stands before it, and the next is two characters off."""
    text = "Ann\r\nMia Brandt\r\nOslo"
    assert text[4:14] == "\nMia Brand"
    for start, end, name in ((4, 14, "Mia Brandt"), (15, 19, "Oslo")):
        assert message(text, start, end, name).endswith("fit if a line end of two characters (CRLF) counts as one")


def test_a_surface_that_is_nowhere_is_said_so() -> None:
    assert "no such characters anywhere" in message(TEXT, 0, 3, "Leo")
    assert "no such characters anywhere" in message(TEXT, 0, 3, "")
    assert "expected a string" in message(TEXT, 0, 3, 5)


def test_each_key_of_a_surface_is_compared() -> None:
    for key in ("text", "name", "mention", "surface"):
        check_given_surface(TEXT, 20, 24, {key: "Oslo"})
        with pytest.raises(DataError, match=rf"mentions\.{key}"):
            check_given_surface(TEXT, 20, 24, {key: "Olso"}, "mentions.")


def test_tokens_are_compared_joined_or_not() -> None:
    tokens = ["The", "U.S", ".", "and", "Oslo"]
    check_token_surface(tokens, 1, 3, "U.S.", "name")
    with pytest.raises(DataError, match="the end is inclusive"):
        check_token_surface(tokens, 1, 2, "u.s.", "name")
    with pytest.raises(DataError, match="tokens 4 to 5") as caught:
        check_token_surface(tokens, 4, 5, "Bergen", "name")
    assert "included" not in str(caught.value)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.data())
def test_utf16_offsets_are_those_of_the_codec(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    units = len(text[:place].encode("utf-16-le")) // 2
    assert from_utf16(text, units) == place
    assert from_utf16(text, len(text.encode("utf-16-le")) // 2 + 1) is None


def test_offsets_within_a_pair_have_no_code_point() -> None:
    assert from_utf16("\N{GRINNING FACE}a", 1) is None
    assert from_utf16("abc", -1) is None
    assert not fits_utf16("abc", 0, 2, "ab")  # without such characters both ways of counting are one


def by_iteration(text: str, offset: int) -> int | None:
    """Code point at an offset in UTF-16 code units, found character by character."""
    starts = list(accumulate((len(character.encode("utf-16-le")) // 2 for character in text), initial=0))
    return starts.index(offset) if offset in starts else None


def test_offsets_of_several_texts_are_those_of_a_search() -> None:
    """In any order, as when the mentions of several texts are read in turn."""
    random = Random(0)
    characters = "aé日\uffff\U00010000\N{GRINNING FACE}\U0010ffff"
    for _ in range(100):
        texts = ["".join(random.choices(characters, k=random.randrange(12))) for _ in range(3)]
        asked = [(text, offset) for text in texts for offset in range(-2, 2 * len(text) + 3)]
        random.shuffle(asked)
        assert [from_utf16(text, offset) for text, offset in asked] == [by_iteration(text, offset) for text, offset in asked]


def test_a_text_is_searched_once_for_all_its_offsets() -> None:
    """Not once for each offset, which was quadratic: the characters that are looked at one by one are counted."""
    looked_at = 0

    class Counted(str):
        def __iter__(self) -> Iterator[str]:
            nonlocal looked_at
            for character in str.__iter__(self):
                looked_at += 1
                yield character

    text, misses = Counted("\N{GRINNING FACE} Mia " * 200), _second_halves.cache_info().misses
    assert [from_utf16(text, 7 * number) for number in range(200)] == [6 * number for number in range(200)]
    assert utf16_words(text, [(2, 5)], [(3, 6)] * 200) == (0, 200)
    assert looked_at <= len(text) and _second_halves.cache_info().misses == misses + 1


def test_words_show_what_offsets_count() -> None:
    text, words = "\N{GRINNING FACE}\N{GRINNING FACE} Mia left", [(0, 1), (1, 2), (3, 6), (7, 11)]
    assert utf16_words(text, words, [(5, 8), (9, 13), (3, 6), (4, 6)]) == (1, 2)
    assert utf16_words("Mia left", [(0, 3), (4, 8)], [(1, 3)]) == (0, 0), "without such characters nothing shows it"
    assert utf16_words("", [], []) == (0, 0)
