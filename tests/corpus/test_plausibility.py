"""What a reader made of a file: what cannot be, and what is said aloud."""

from __future__ import annotations

from collections import Counter

import pytest

from loreweave.corpus.column_formats.tag_schemes import TokenSpan
from loreweave.corpus.plausibility import counts_up, label_notes, mention_notes, refuse_labels, refuse_words, sentence_notes
from loreweave.errors import DataError


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        (["0 1 2", "0 1"], True), (["1 2 3", "1"], True), (["1 2", "3 4"], True), (["1 2 3 1 2"], True), (["1", "1"], False),
        (["1 2 4"], False), (["5 6"], False), (["0 0 0 1"], False), (["a b"], False), (["1 2", "a"], False), (["② ③"], False),
        (["1-2 1 2 3"], True), (["10 11 12", "13"], True), (["10 11 12"], False), (["1-1 1-2", "2-1"], True),
        (["0-3 4-8"], False), (["1. 2. 3.", "1. 2."], True), (["w1 w2 w3", "w1 w2"], True),
        (["s1_t1 s1_t2", "s2_t1 s2_t2"], True), (["(1) (2)"], True), (["Q5 Q6", "Q1"], False), (["a1 b2 c3"], False),
        (["U2", "G8"], False), (["1. 2.", "Mia"], False),
    ],
)  # fmt: skip
def test_words_that_count_up(sentences: list[str], expected: bool) -> None:
    assert counts_up([words.split() for words in sentences]) is expected


def test_an_index_is_refused_where_there_is_enough_of_it() -> None:
    with pytest.raises(DataError, match=r"field 'token': found words that count up like an index \(0, 1, 2\)"):
        refuse_words([["0", "1"], ["2"]])
    refuse_words([["1", "2"]])
    refuse_words([["In", "1984"], ["1", "2", "3"]])


@pytest.mark.parametrize(
    ("first", "second"),
    [("B_PER", "I_PER"), ("B-PER", "I-PER"), ("PER-B", "PER-I"), ("BPER", "IPER"), ("name=B-PER", "name=I-PER")],
)
def test_labels_that_are_tags_are_refused(first: str, second: str) -> None:
    with pytest.raises(DataError, match=f"found the labels '{first}' and '{second}', which are tags of one type"):
        refuse_labels(["LOC", second, first])
    refuse_labels(["LOC", second])


def test_labels_that_stand_for_none_or_differ_by_case_are_named() -> None:
    assert label_notes({"PER": 3, "LOC": 2, "per-son": 1}) == []
    assert label_notes({"+": 3, "-": 2}) == []  # of moods: without a letter there is nothing that is alike
    assert label_notes({"PER": 3, "o": 9, "0": 1}) == ["labels that usually mean 'no label': '0' (1), 'o' (9)"]
    assert label_notes({"\u0915\u093e\u0932": 1, "\u0915\u0932": 1}) == []  # a vowel sign is no punctuation
    assert label_notes({"caf\u00e9": 3, "cafe\u0301": 1}) == [  # look the same
        r"labels that differ only by case, blanks or punctuation: 'cafe\u0301' (1), 'caf\xe9' (3)"
    ]
    assert label_notes({"Per": 3, "PER": 1, "art work": 2, "art_work": 1}) == [
        "labels that differ only by case, blanks or punctuation: 'PER' (1), 'Per' (3)",
        "labels that differ only by case, blanks or punctuation: 'art work' (2), 'art_work' (1)",
    ]


NO_NAMES = ["PER O B-LOC", "left/O", "Mia/B-PER", "leave.01", "PER|B-ORG", "PER|O", "B-PER", "PER[1]", "'PER')]})]", "(0)", "7"]
NAMES = ["E-Mail", "Multi-tissue_structure", "location-GPE", "人名", "Organism/Animal kind", "B", "protein (human)", "v1.0"]


@pytest.mark.parametrize("label", NO_NAMES)
def test_labels_that_are_no_names_are_said(label: str) -> None:
    (note,) = mention_notes({"LOC": 2, label: 1}, {}, 40, 9)
    assert note.startswith(f"labels that look like tags or numbers: {label!r} (1)")


@pytest.mark.parametrize("label", NAMES)
def test_labels_with_signs_are_names(label: str) -> None:
    assert mention_notes({"LOC": 2, label: 1}, {}, 40, 9) == []


def test_mentions_that_cannot_be_meant_are_named() -> None:
    words = [["w"] * 10] * 6
    one = [[TokenSpan(0, 7, "X")]] * 6
    assert sentence_notes(words, one, {"X": 6}) == ["the label 'X' covers 42 of 60 words, as a label for 'no mention' would"]
    nested = [[TokenSpan(0, 7, "X"), TokenSpan(0, 1, "Y")]] * 6
    assert sentence_notes(words, nested, {"X": 6, "Y": 6}) == []
    assert sentence_notes(words, [[TokenSpan(0, 6, "X")]] * 6, {"X": 6}) == []
    assert sentence_notes(words, [[]] * 6, {})[0].startswith("NO MENTION in 6 sentences")
    many = Counter(str(number) + "x" for number in range(30))
    assert sentence_notes(words, [[]] * 6, many)[0].startswith(
        "30 labels in 30 mentions ('0x', '1x', '2x', '3x', '4x' and 25 more)"
    )
    assert sentence_notes([["1", "2", "9"], ["7", "w"]], [[], [TokenSpan(0, 1, "X")]], {"X": 1}) == [
        "4 of 5 words are numbers: is this the column of the words?"
    ]
    every = [[TokenSpan(place, place + 1, "X" if place % 2 else "Y") for place in range(5)]]
    assert sentence_notes([["w"] * 5], every, {"X": 2, "Y": 3}) == [
        "all 5 words are in mentions, none is outside (O): are these labels of mentions?"
    ]
    assert "2 mentions without a type, called '_'" in sentence_notes(words, [[]] * 6, {"_": 2})[0]


def test_parts_of_speech_are_no_words() -> None:
    """A column file whose first column has them, and the words behind."""
    spans = [[TokenSpan(0, 1, "PER")]]
    (note,) = sentence_notes([["NNP", "VBD", "NNP", "."]], spans, {"PER": 1})
    assert note == "3 of 4 words are names of parts of speech: is this the column of the words?"
    assert sentence_notes([["IN", "OSLO", "MIA", "LEFT"]], spans, {"PER": 1}) == []
