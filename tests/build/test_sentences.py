"""Sentence boundaries in English (nupunkt) and by rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.build.sentences import _outside, split_sentences


def split(text: str, language: str | None, mentions: list[tuple[int, int]] | None = None) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, language, mentions or [])]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["Dr. Smith went to  Washington, D.C., on Jan. 5.", "He left at 5 p.m. and slept.", '"Good."', "OK"]),
        ("de", ["Am 3. Oktober kam Dr. Weber, z.B. mit Prof. E. Noether.", "Er blieb!", "„Gut.“", "Es war 1999."]),
        ("fr", ["M. Dupont arrive.", "Qui est-ce ?", "C’est l’art. 5."]),
        ("ru", ["Он жил в г. Москва.", "Потом уехал…", "И всё."]),
        ("hi", ["यह पहला वाक्य है।", "यह दूसरा है।"]),
        ("ur", ["یہ پہلا جملہ ہے۔", "یہ دوسرا ہے؟", "ہاں"]),
        ("ar", ["هل هذا كتاب؟", "نعم، هذا كتاب."]),
        (None, ["One here.", "Two. lower J. Doe?!", "No Three..."]),
    ],
)
def test_sentences_of_spaced_languages(language: str | None, expected: list[str]) -> None:
    assert split("  ".join(expected) + " ", language) == expected


def test_sentences_without_spaces() -> None:
    assert split("東京は首都である。「大きい！」と言った。終わり", "ja") == [
        "東京は首都である。",
        "「大きい！」",
        "と言った。",
        "終わり",
    ]


def test_a_mention_is_never_cut() -> None:
    text = "He read Who? What? Where? and slept. Then Yahoo! Inc. came."
    start = text.index("Who")
    end = text.index(" and")
    assert "Who? What? Where?" in " ".join(split(text, None))
    assert split(text, None, [(start, end)])[0].startswith("He read Who? What? Where? and slept.")
    assert len(split(text, None)) > len(split(text, None, [(start, end)]))


class Counted(int):
    """A place that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) < other

    def __gt__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) > other


def test_many_mentions_are_not_all_compared_with_every_boundary() -> None:
    """1,000 sentences with a mention each: about 10 comparisons for each to sort, and 10 to find it."""
    text = "Ann kam nach Oslo. " * 1000
    mentions = [(Counted(start), Counted(start + 4)) for start in range(13, len(text), 19)]
    Counted.compared = 0
    assert split_sentences(text, "de", mentions) == split_sentences(text, "de")
    assert Counted.compared < 50_000


cuts = st.lists(st.integers(0, 20), max_size=8)


@given(cuts, st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda span: (min(span), max(span))), max_size=6))
def test_boundaries_are_those_inside_no_mention(ends: list[int], mentions: list[tuple[int, int]]) -> None:
    """Mentions may overlap, be nested, equal or empty."""
    assert _outside(ends, mentions) == [cut for cut in ends if not any(start < cut < end for start, end in mentions)]


def test_empty_paragraphs() -> None:
    for language in ("en", "de"):
        assert split_sentences("", language) == []
        assert split_sentences(" \n ", language) == []


texts = st.text(st.sampled_from('aB 5.?!")。」\n\u3000é\U0001f600।'), max_size=60)


@given(texts, st.sampled_from(["en", "de", "ja", None]), st.data())
def test_spans_hold_everything_but_space_and_cut_no_mention(text: str, language: str | None, data: st.DataObject) -> None:
    mentions = []
    if text:
        start = data.draw(st.integers(0, len(text) - 1))
        mentions = [(start, data.draw(st.integers(start + 1, len(text))))]
    spans = split_sentences(text, language, mentions)
    last = 0
    for start, end in spans:
        assert last <= start < end
        assert text[last:start].strip() == ""
        assert text[start:end] == text[start:end].strip()
        last = end
    assert text[last:].strip() == ""
    for start, end in mentions:
        stripped = text[start:end].strip()
        if stripped:
            first = start + len(text[start:end]) - len(text[start:end].lstrip())
            assert any(a <= first and first + len(stripped) <= b for a, b in spans)
