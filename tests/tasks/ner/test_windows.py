"""Windows: context as the original, parts that lose nothing, spaces in front of words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loreweave.corpus.words import word_offsets
from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError
from loreweave.tasks.ner.record import NerRecord, Sentence, joined
from loreweave.tasks.ner.windows import Limits, Window, WindowCutter, context_lengths, leading_spaces


@pytest.fixture(scope="module")
def tokenizer(tiny_luke: Path) -> EntityTokenizer:
    return EntityTokenizer.from_pretrained(tiny_luke)


def spaced(words: list[str]) -> Sentence:
    text = " ".join(words)
    places, start = [], 0
    for word in words:
        places.append((start, start + len(word)))
        start += len(word) + 1
    return Sentence(text, tuple(places))


def windows(tokenizer: EntityTokenizer, records: list[NerRecord], limits: Limits, documents: bool = True) -> list[list[Window]]:
    return list(WindowCutter(tokenizer, limits, documents).cut(records))


@pytest.mark.parametrize(
    ("before", "inside", "after", "expected"),
    [
        (0, 10, 0, (0, 0)),
        (3, 10, 100, (3, 17)),  # the right takes what the left does not need
        (100, 10, 3, (17, 3)),
        (100, 10, 100, (10, 10)),
        (100, 11, 100, (10, 9)),  # as the original: half is rounded down, the left takes the rest
        (100, 30, 100, (0, 0)),
    ],
)
def test_context_is_shared_out_as_in_the_original(before: int, inside: int, after: int, expected: tuple[int, int]) -> None:
    assert context_lengths(before, inside, after, 30) == expected


@given(st.integers(0, 600), st.integers(0, 510), st.integers(0, 600))
def test_context_fills_the_room_where_there_is_text(before: int, inside: int, after: int) -> None:
    left, right = context_lengths(before, inside, after, 510)
    assert 0 <= left <= before and 0 <= right <= after
    assert left + inside + right == min(510, before + inside + after)


def test_a_sentence_sees_its_document(tokenizer: EntityTokenizer) -> None:
    texts = [["ann", "lives"], ["bob", "works"], ["she", "is", "long"]]
    records = joined([NerRecord(str(n), spaced(words), metadata={"doc": 1}) for n, words in enumerate(texts)])
    names = tokenizer.word_tokenizer
    limits = Limits(room=5, beyond=1)
    (first,), (second,), (third,) = windows(tokenizer, records, limits)
    assert names.convert_ids_to_tokens(first.ids) == ["ann", "lives", "bob", "works", "she"]
    assert names.convert_ids_to_tokens(second.ids) == ["lives", "bob", "works", "she", "is"][:5]
    assert (second.first, second.last, second.starts, second.ends) == (0, 2, [1, 2], [2, 3])
    assert names.convert_ids_to_tokens(third.ids)[-3:] == ["she", "is", "long"] and third.starts == [2, 3, 4]
    alone = windows(tokenizer, records, limits, documents=False)
    assert names.convert_ids_to_tokens(alone[1][0].ids) == ["bob", "works"]


@given(st.lists(st.sampled_from(["ann", "oslo", "xyxyx", "zz", "."]), max_size=60), st.integers(9, 40), st.integers(1, 4))
def test_parts_lose_nothing(tokenizer: EntityTokenizer, words: list[str], room: int, beyond: int) -> None:
    """Every word is decided on once, and every span of up to `beyond` sub-words is in sight of the part it begins in."""
    limits = Limits(room=room, beyond=beyond)
    (found,) = windows(tokenizer, [NerRecord("0", spaced(words))], limits)
    decided = [word for window in found for word in range(window.first, window.last)]
    assert decided == list(range(len(words)))
    pieces = tokenizer.tokenize_pieces(words)
    for window in found:
        assert len(window.ids) <= room
        for word, (start, end) in enumerate(zip(window.starts, window.ends, strict=True), window.first):
            assert window.ids[start:end] == pieces[word][: limits.part]
        for word in range(window.first, window.last):
            length, last = 0, word
            while last < len(words) and (length := length + len(pieces[last][: limits.part])) <= beyond:
                assert last - window.first < len(window.ends)
                last += 1


def test_a_word_that_fills_a_window_is_cut_and_counted(tokenizer: EntityTokenizer) -> None:
    cutter = WindowCutter(tokenizer, Limits(room=20, beyond=4), True)
    (found,) = cutter.cut([NerRecord("0", spaced(["ann", "x" * 90, "bob"]))])
    assert cutter.counts["words cut"] == 1 and [(w.first, w.last) for w in found][-1][1] == 3


def test_too_little_room_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="max_length: found room for 30 sub-words, expected at least 33"):
        Limits(room=30, beyond=16)


def test_spaces_in_front_of_words() -> None:
    """As the original for tokens; raw text keeps together what touches."""
    tokens = spaced(["He", "'s", "(", "3.5", "'", "’t", "..."])
    assert leading_spaces(tokens) == [True, False, False, True, False, True, True]
    text = "Ann's U.S. (x)"
    raw = Sentence(text, tuple(word_offsets(text)))
    spaced_words = [text[start:end] for (start, end), space in zip(raw.words, leading_spaces(raw), strict=True) if space]
    assert spaced_words == ["Ann", "U"]


def test_words_that_the_tokenizer_removes_are_unknown_ones(tokenizer: EntityTokenizer) -> None:
    ((window,),) = windows(tokenizer, [NerRecord("0", spaced(["ann", "\u200b", "\u00a0"]))], Limits(room=20, beyond=4))
    unknown = tokenizer.word_tokenizer.unk_token_id
    assert window.ids[1:] == [unknown, unknown] and len(window.starts) == 3
