from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.mentions.normalisation import Normalisation
from loreweave.errors import DataError

CHARACTERS = "aBßİΣςé\u0301½ﬁ´ \u00a0\t\n.東がｶﾞㅏ\u1161각ſᾷ\u0323'\u2019\u02bc\u2011-ŉ"
RULES = [Normalisation(), Normalisation("NFC"), Normalisation("none", "lower", "strip", "separate")]


def spans(text: str, rule: Normalisation) -> list[tuple[str, list[str]]]:
    """Each normalised part, and the original characters of each of its characters."""
    return [
        (piece.text, [text[slice(*piece.original(place, place + 1))] for place in range(len(piece.text))])
        for piece in rule.pieces(text)
    ]


def test_case_space_and_compatible_characters_are_united_and_lead_back_to_the_text() -> None:
    assert spans("Straße  ﬁn", Normalisation()) == [
        ("strasse fin", ["S", "t", "r", "a", "ß", "ß", "e", "", "ﬁ", "ﬁ", "n"]),
    ]
    assert spans("A\u0301\nB", Normalisation()) == [("á b", ["A\u0301", "", "B"])]


def test_a_blank_line_separates_parts_and_a_line_break_does_not() -> None:
    assert [piece.text for piece in Normalisation().pieces(" New\nYork \n \n City ")] == ["new york", "city"]
    assert list(Normalisation().pieces(" \n\n ")) == []


def test_the_middle_of_a_folded_character_is_no_boundary() -> None:
    (piece,) = Normalisation().pieces("aß")
    assert piece.inside == {2}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Normalisation(), "é u.s. ½東京x".replace("½", "1⁄2")),
        (Normalisation(case="keep"), "É U.S. 1⁄2東京x"),
        (Normalisation(unicode="none"), "é u.s. ½東京x"),
        (Normalisation("none", "lower", "strip", "separate"), "e u . s . ½ 東 京 x"),
    ],
)
def test_each_setting_does_what_it_says(rule: Normalisation, expected: str) -> None:
    assert rule.name("É U.S. ½東京x") == expected
    assert Normalisation.from_dict(rule.to_dict()) == rule


def test_typographic_apostrophes_and_hyphens_equal_plain_ones_at_their_places() -> None:
    rule = Normalisation()
    for apostrophe in "'\u2018\u2019\u02bc":
        text = f"In O{apostrophe}Brien we trust"
        assert rule.name(text) == "in o'brien we trust"
        assert spans(text, rule) == [("in o'brien we trust", list(text))]
    for hyphen in "-\u2010\u2011":
        assert spans(f"Rolls{hyphen}Royce", rule) == [("rolls-royce", list(f"Rolls{hyphen}Royce"))]
    assert rule.name("1914–18 — x") == "1914–18 — x"  # dashes are other signs
    kept = Normalisation(signs="keep")
    assert kept.name("O\u2019Brien") == "o\u2019brien" and kept.name("Rolls\u2011Royce") == "rolls\u2010royce"  # NFKC


def test_rules_without_a_word_about_signs_keep_them() -> None:
    older = {"unicode": "NFKC", "case": "fold", "accents": "keep", "punctuation": "keep"}
    assert Normalisation.from_dict(older) == Normalisation(signs="keep")


def test_an_unknown_value_is_named() -> None:
    with pytest.raises(DataError, match="field 'case': found 'upper', expected one of fold, lower, keep"):
        Normalisation.from_dict(Normalisation().to_dict() | {"case": "upper"})


def test_half_width_kana_with_sound_marks_are_usual_kana_at_their_places() -> None:
    assert spans("ｶﾞｲﾄﾞ!", Normalisation()) == [("ガイド!", ["ｶﾞ", "ｲ", "ﾄﾞ", "!"])]


@given(st.text(CHARACTERS), st.sampled_from(RULES))
def test_a_normalised_name_stays_as_it_is(text: str, rule: Normalisation) -> None:
    once = rule.name(text)
    assert rule.name(once) == once


@given(st.text(CHARACTERS), st.sampled_from(RULES))
def test_words_are_normalised_in_a_text_as_they_are_alone(text: str, rule: Normalisation) -> None:
    together = " ".join(piece.text for piece in rule.pieces(text))
    assert together == " ".join(filter(None, map(rule.name, text.split())))
    for piece in rule.pieces(text):
        places = [piece.original(place, place + 1) for place in range(len(piece.text))]
        assert all(before[1] <= after[1] and before[0] <= after[0] for before, after in zip(places, places[1:], strict=False))
        spans = [(start, end) for start in range(len(piece.text)) for end in range(start + 1, len(piece.text) + 1)]
        assert piece.originals(spans) == [piece.original(*span) for span in spans]
        assert all(0 <= start <= end <= len(text) for start, end in places)
