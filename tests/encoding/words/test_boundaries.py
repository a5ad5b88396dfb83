"""Which sub-words continue a word, for every algorithm of sub-words."""

from __future__ import annotations

from family_cases import byte_level_bpe, sentencepiece, wordpiece
from tokenizers import Tokenizer, models

from loreweave.encoding.words.boundaries import continuation_rule


def _continuing(backend: Tokenizer, tokens: list[str]) -> list[bool]:
    rule = continuation_rule(backend)
    assert rule is not None
    return [rule(token) for token in tokens]


def test_each_kind_by_its_mark() -> None:
    assert _continuing(wordpiece().backend_tokenizer, ["river", "##s", "▁a", "Ġa"]) == [False, True, False, False]
    assert _continuing(byte_level_bpe().backend_tokenizer, ["Ġriver", "s", "##", ",", "."]) == [
        False,
        True,
        False,
        False,
        False,
    ]
    assert _continuing(sentencepiece().backend_tokenizer, ["▁river", "s", "##"]) == [False, True, True]


def test_wordpiece_with_a_prefix_of_its_own() -> None:
    model = models.WordPiece({"[UNK]": 0, "a": 1, "@@b": 2}, unk_token="[UNK]", continuing_subword_prefix="@@")
    assert _continuing(Tokenizer(model), ["a", "@@b", "##b"]) == [False, True, False]


def test_whole_words_and_bpe_with_a_prefix() -> None:
    assert _continuing(Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="a")), ["a", "b"]) == [False, False]
    prefixed = models.BPE({"a": 0, "@@b": 1}, [], continuing_subword_prefix="@@")
    assert _continuing(Tokenizer(prefixed), ["a", "@@b"]) == [False, True]


def test_a_mark_at_the_end_of_a_word_says_nothing_of_one_token() -> None:
    assert continuation_rule(Tokenizer(models.BPE({"a": 0, "b</w>": 1}, [], end_of_word_suffix="</w>"))) is None
