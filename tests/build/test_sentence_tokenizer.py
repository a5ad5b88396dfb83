"""Sentences tokenised as inside their paragraph, for every tokenizer family."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from loreweave.build.sentence_tokenizer import SentenceTokenizer, SubWords, tokenizer_fingerprint
from loreweave.errors import ConfigurationError


def tokens(tokenizer: PreTrainedTokenizerFast, sentence: str, spaced: bool) -> list[str]:
    (encoded,) = SentenceTokenizer(tokenizer).encode([sentence], [spaced], [True])
    return tokenizer.convert_ids_to_tokens(encoded.ids)


def test_byte_level_takes_the_space_that_is_there(byte_level: PreTrainedTokenizerFast) -> None:
    whole = byte_level.tokenize("x Tokyo is")
    assert tokens(byte_level, "Tokyo is", spaced=True) == whole[1:]
    assert tokens(byte_level, "Tokyo is", spaced=False) == byte_level.tokenize("Tokyo is")
    assert whole[1:] != byte_level.tokenize("Tokyo is")


def test_metaspace_adds_no_space_inside_a_run_of_text(metaspace: PreTrainedTokenizerFast) -> None:
    assert "".join(tokens(metaspace, "大阪は大きい。", spaced=True)) == "▁大阪は大きい。"
    assert "".join(tokens(metaspace, "大阪は大きい。", spaced=False)) == "大阪は大きい。"
    assert "".join(tokens(metaspace, "Tokyo is", spaced=True)) == "▁Tokyo▁is"


@pytest.mark.parametrize("family", ["byte_level", "metaspace"])
@pytest.mark.parametrize("spaced", [True, False])
def test_offsets_are_those_of_the_sentence(family: str, spaced: bool, request: pytest.FixtureRequest) -> None:
    tokenizer = request.getfixturevalue(family)
    sentence = "Tokyo, 東京 and Café"
    (encoded,) = SentenceTokenizer(tokenizer).encode([sentence], [spaced], [True])
    for word in ("Tokyo", "東京", "Café", "and"):
        start = sentence.index(word)
        first, last = encoded.range_of(start, start + len(word)) or (0, 0)
        assert tokenizer.decode(encoded.ids[first:last]).strip() == word
    assert all(0 <= start <= end <= len(sentence) for start, end in encoded.offsets)


def test_wordpiece_ignores_spaces(minilm_dir: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(minilm_dir)
    assert tokens(tokenizer, "Tokyo Café", True) == tokens(tokenizer, "Tokyo Café", False) == ["tokyo", "cafe"]


def test_literal_special_tokens_are_text(byte_level: PreTrainedTokenizerFast) -> None:
    assert "<mask>" in byte_level.tokenize("a <mask> b")
    assert "<mask>" not in tokens(byte_level, "a <mask> b", spaced=True)


def test_truncation_and_padding_of_the_original_do_not_act(byte_level: PreTrainedTokenizerFast) -> None:
    before = tokens(byte_level, "Tokyo is the capital", True)
    byte_level("Tokyo is the capital", truncation=True, max_length=3, padding="max_length")
    try:
        assert tokens(byte_level, "Tokyo is the capital", True) == before
    finally:
        byte_level.backend_tokenizer.no_truncation()
        byte_level.backend_tokenizer.no_padding()


def test_another_process_gets_the_same_tokenizer(byte_level: PreTrainedTokenizerFast) -> None:
    one = SentenceTokenizer(byte_level)
    two = pickle.loads(pickle.dumps(one))
    arguments = (["a <mask> Tokyo"], [True], [True])
    assert list(one.encode(*arguments)) == list(two.encode(*arguments))


def test_a_mention_takes_the_covering_sub_words() -> None:
    sub_words = SubWords([1, 2, 3, 4], [(0, 5), (5, 5), (6, 9), (9, 12)])
    assert sub_words.range_of(0, 5) == (0, 1)
    assert sub_words.range_of(7, 10) == (2, 4)
    assert sub_words.range_of(3, 7) == (0, 3)
    assert sub_words.range_of(5, 6) is None
    assert sub_words.range_of(12, 13) is None


def test_slow_tokenizers_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="slow tokenizer object"):
        SentenceTokenizer(object())  # a stand-in: transformers 5 has hardly any slow tokenizer left


def test_the_fingerprint_is_that_of_the_rules(byte_level: PreTrainedTokenizerFast, metaspace: PreTrainedTokenizerFast) -> None:
    assert tokenizer_fingerprint(byte_level) != tokenizer_fingerprint(metaspace)
    before = tokenizer_fingerprint(byte_level)
    byte_level.backend_tokenizer.enable_truncation(7)
    assert tokenizer_fingerprint(byte_level) == before
    byte_level.backend_tokenizer.no_truncation()


words = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=8)


@given(st.lists(words, min_size=1, max_size=6), st.booleans(), st.data())
def test_decoding_a_mention_gives_its_surface(
    byte_level: PreTrainedTokenizerFast, parts: list[str], spaced: bool, data: st.DataObject
) -> None:
    sentence = " ".join(parts)
    index = data.draw(st.integers(0, len(parts) - 1))
    start = len(" ".join(parts[:index])) + (index > 0)
    end = start + len(parts[index])
    (encoded,) = SentenceTokenizer(byte_level).encode([sentence], [spaced], [True])
    first, last = encoded.range_of(start, end) or (0, 0)
    assert byte_level.decode(encoded.ids[first:last], clean_up_tokenization_spaces=False).strip() == parts[index]


@given(st.text(min_size=1, max_size=30), st.data())
def test_any_mention_is_covered(byte_level: PreTrainedTokenizerFast, sentence: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(sentence) - 1))
    end = data.draw(st.integers(start + 1, len(sentence)))
    (encoded,) = SentenceTokenizer(byte_level).encode([sentence], [False], [True])
    place = encoded.range_of(start, end)
    if place is None:
        assert sentence[start:end].isspace() or sentence[start:end].strip() == ""
    else:
        decoded = byte_level.decode(encoded.ids[slice(*place)], clean_up_tokenization_spaces=False)
        assert sentence[start:end].strip() in decoded


@pytest.mark.parametrize(("family", "unknown"), [("byte_level", None), ("metaspace", "<unk>"), ("one_word_one_id", "[UNK]")])
def test_the_sub_word_for_what_is_unknown(family: str, unknown: str | None, request: pytest.FixtureRequest) -> None:
    tokenizer = request.getfixturevalue(family)
    made = pickle.loads(pickle.dumps(SentenceTokenizer(tokenizer)))
    assert made.unknown_id == (None if unknown is None else tokenizer.convert_tokens_to_ids(unknown))
