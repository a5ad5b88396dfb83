"""Words that are one token: of the three kinds of tokenizers, with and without a space in front, and of several models."""

from __future__ import annotations

from pathlib import Path

import family_cases
import pytest
from tiny_tokenizers import write_byte_bpe, write_wordpiece
from transformers import AutoTokenizer, BertTokenizer, RobertaTokenizer

from loreweave.errors import DataError
from loreweave.tasks.fact_probing.words import WordVocabulary, common_words, read_words


@pytest.fixture(scope="module")
def wordpiece(tmp_path_factory: pytest.TempPathFactory) -> WordVocabulary:
    folder = write_wordpiece(tmp_path_factory.mktemp("wordpiece"))
    return WordVocabulary(BertTokenizer(str(folder / "vocab.txt")))


@pytest.fixture(scope="module")
def byte_bpe(tmp_path_factory: pytest.TempPathFactory) -> WordVocabulary:
    folder = write_byte_bpe(tmp_path_factory.mktemp("bpe"))
    RobertaTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    return WordVocabulary(AutoTokenizer.from_pretrained(folder))


@pytest.fixture(scope="module")
def sentencepiece() -> WordVocabulary:
    return WordVocabulary(family_cases.sentencepiece())


def test_wordpiece(wordpiece: WordVocabulary) -> None:
    ids = wordpiece.ids_of(["Tokyo", "japan", "Los Angeles", "xyz", "[MASK]", "ß"])
    vocabulary = wordpiece.tokenizer.get_vocab()
    assert ids == [vocabulary["tokyo"], vocabulary["japan"], None, None, None, None]
    assert wordpiece.ids_of(["tokyo"], after_space=False) == ids[:1]
    assert wordpiece.lowercases and wordpiece.space_before_text
    words = set(wordpiece.words())
    assert {"tokyo", "capital", "a"} <= words and not {"##a", "[MASK]", "[UNK]"} & words
    assert wordpiece.name_of(vocabulary["tokyo"]) == "tokyo" and wordpiece.name_of(vocabulary["##a"]) == "##a"


def test_byte_level_words_differ_with_the_space_in_front(byte_bpe: WordVocabulary) -> None:
    vocabulary = byte_bpe.tokenizer.get_vocab()
    assert byte_bpe.ids_of(["is", "Tokyo"]) == [vocabulary["Ġis"], vocabulary.get("ĠTokyo")]
    assert byte_bpe.ids_of(["Tokyo", "a"], after_space=False) == [vocabulary.get("Tokyo"), vocabulary["a"]]
    assert not byte_bpe.lowercases and not byte_bpe.space_before_text
    assert byte_bpe.is_after_space("in ") and not byte_bpe.is_after_space("(") and not byte_bpe.is_after_space("")
    assert "is" in set(byte_bpe.words()) and byte_bpe.name_of(vocabulary["Ġis"]) == "is"


def test_sentencepiece_words_differ_with_the_space_in_front(sentencepiece: WordVocabulary) -> None:
    vocabulary = sentencepiece.tokenizer.get_vocab()
    assert sentencepiece.ids_of(["oslo", "ann", "bergen"]) == [vocabulary["▁oslo"], vocabulary["▁ann"], None]
    assert sentencepiece.ids_of(["oslo", "<mask>"], after_space=False) == [vocabulary["oslo"], None]
    assert sentencepiece.space_before_text and sentencepiece.is_after_space("")
    assert not sentencepiece.is_after_space("は")
    assert "oslo" in set(sentencepiece.words()) and all(word and "▁" not in word for word in sentencepiece.words())
    assert sentencepiece.name_of(vocabulary["▁oslo"]) == "oslo"


def test_words_do_not_depend_on_padding_and_truncation(wordpiece: WordVocabulary, tmp_path: Path) -> None:
    """Published files may pad every text to 128 sub-words."""
    tokenizer = BertTokenizer(str(write_wordpiece(tmp_path) / "vocab.txt"))
    tokenizer.backend_tokenizer.enable_padding(length=8, pad_id=0, pad_token="[PAD]")
    padded = WordVocabulary(tokenizer)
    assert padded.ids_of(["Tokyo", "xyz"]) == wordpiece.ids_of(["Tokyo", "xyz"])
    assert padded.knows("Tokyo") and padded.lowercases and padded.space_before_text
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.backend_tokenizer.enable_truncation(1)
    assert WordVocabulary(tokenizer).ids_of(["Tokyo", "xyz"]) == wordpiece.ids_of(["Tokyo", "xyz"]), "xyz is not only x"


def test_a_tokenizer_that_puts_a_space_before_every_text(byte_bpe: WordVocabulary, tmp_path: Path) -> None:
    """But not before every word: `is` in `(is)` has none."""
    folder = write_byte_bpe(tmp_path)
    tokenizer = RobertaTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), add_prefix_space=True)
    spaced = WordVocabulary(tokenizer)
    assert spaced.space_before_text and spaced.is_after_space("") and not spaced.is_after_space("(")
    for after_space in (True, False):
        assert spaced.ids_of(["is", "a"], after_space=after_space) == byte_bpe.ids_of(["is", "a"], after_space=after_space)
    assert spaced.ids_of(["is"], after_space=False) == tokenizer("It (is)", add_special_tokens=False).input_ids[-2:-1]


def test_common_words_of_models_that_differ_in_case(wordpiece: WordVocabulary, byte_bpe: WordVocabulary) -> None:
    found = common_words([wordpiece, byte_bpe])
    assert "is" in found and found == sorted(found) and all(word == word.lower() for word in found)
    assert not {".", ",", "[mask]"} & set(found), "a word has a letter or a digit"
    assert set(found) <= set(wordpiece.words()) & {word.lower() for word in byte_bpe.words()}


def test_common_words_are_written_as_in_the_first_vocabulary(wordpiece: WordVocabulary, tmp_path: Path) -> None:
    """A cased model has no token for most names in small letters."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Tokyo", "Oslo", "IS", "is", "."]
    (tmp_path / "vocab.txt").write_text("\n".join(vocabulary))
    cased = WordVocabulary(BertTokenizer(str(tmp_path / "vocab.txt"), do_lower_case=False))
    assert common_words([cased, wordpiece]) == ["IS", "Tokyo", "is"] and None not in cased.ids_of(["IS", "Tokyo", "is"])
    assert common_words([wordpiece, cased]) == ["is", "tokyo"] and None not in wordpiece.ids_of(["is", "tokyo"])
    assert common_words([cased, wordpiece], ["tokyo", "Tokyo", "Oslo"]) == ["tokyo", "Tokyo"]


def test_common_words_among_those_of_a_list(wordpiece: WordVocabulary, byte_bpe: WordVocabulary) -> None:
    assert common_words([wordpiece, wordpiece], ["Tokyo", "Oslo", "is"]) == ["Tokyo", "is"]
    assert common_words([byte_bpe, byte_bpe], ["is", "IS"]) == ["is"], "no tokenizer here makes capital letters small"


def test_a_file_of_words(tmp_path: Path) -> None:
    path = tmp_path / "common_vocab_cased.txt"
    path.write_text("Paris\n\nOslo\nParis\n", encoding="utf-8")
    assert read_words(path) == ["Paris", "Oslo"]
    path.write_text("\n")
    with pytest.raises(DataError, match="found no word, expected one per line"):
        read_words(path)
