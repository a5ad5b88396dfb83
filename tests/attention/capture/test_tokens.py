import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loreweave.attention.capture.tokens import align, is_punctuation, with_entities, written_words
from loreweave.attention.captured import EntityToken, Tokens


def test_tokens_are_found_along_the_text() -> None:
    text = "Zoë's café, ﬁne; Zoë"
    assert [text[slice(*span)] for span in align(["zoe", "'", "s", "cafe", ",", "fine", ";", "zoe"], text) if span] == [
        "Zoë", "'", "s", "café", ",", "ﬁne", ";", "Zoë"
    ]  # fmt: skip


def test_a_token_that_is_not_in_the_text_has_no_characters() -> None:
    assert align([None, "Ann", "@", "lives", "xyz", "."], "Ann lives.") == [None, (0, 3), None, (4, 9), None, (9, 10)]


def test_an_input_that_is_a_later_part_of_the_text_is_found() -> None:
    text = "one two three four five six seven eight nine ten eleven twelve"
    assert align(["eight", "nine", "ten", "eleven"], text)[0] == (text.index("eight"), text.index("eight") + 5)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(["ann", "Åse", "in", "東京", "!", "3"]), min_size=1, max_size=12))
def test_the_words_of_any_text_are_found_in_order(words: list[str]) -> None:
    text, expected, at = " ".join(words), [], 0
    for word in words:
        expected.append((at, at + len(word)))
        at += len(word) + 1
    assert align(words, text) == expected


def test_pieces_of_one_written_word_have_one_number() -> None:
    text = "Zorkia's 東京"
    assert written_words(text, [0, 1, 3, 6, 9, 10, -1]) == [0, 0, 0, 1, 2, 3, -1]


def test_words_of_mentions_change_their_class_but_markers_do_not() -> None:
    names, classes = ["<ent>", "Ann", "."], ["marker", "word", "punctuation"]
    words = Tokens(names, names, classes, [-1, 0, 3], [-1, 3, 4], [-1, 0, 1])
    found = with_entities(words, [EntityToken(3, "[MASK]", 0, 3, [0, 1])], [(3, 4)])
    assert found.classes == ["marker", "mention", "mention", "entity"] and found.text[-1] == "[MASK]"
    assert found.starts[-1] == 0 and found.words[-1] == -1 and len(found) == 4


@pytest.mark.parametrize(
    ("text", "expected"), [(".", True), ("…", True), ("a.", False), ("", False), ("東", False), ("3", False), ("▁", False)]
)
def test_punctuation_has_neither_letters_nor_digits(text: str, expected: bool) -> None:
    assert is_punctuation(text) is expected
