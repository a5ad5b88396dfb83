"""The ids of `dict.txt` and the sub-words behind them."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_fairseq as tiny
from tokenizers import pre_tokenizers

from loreweave.corpus.fairseq_dictionary import (
    Gpt2SubWords,
    byte_alphabet,
    read_dictionary,
    read_gpt2_sub_words,
    sub_words_by_id,
    text_of,
    write_dictionary,
)
from loreweave.errors import DataError


def test_ids_are_lines_after_four_specials(tmp_path: Path) -> None:
    (tmp_path / "dict.txt").write_text("13 500\n262 400\nmadeupword0000 0\n")
    symbols = read_dictionary(tmp_path / "dict.txt")
    assert symbols == ["<s>", "<pad>", "</s>", "<unk>", "13", "262", "madeupword0000"]


def test_gpt2_ids_are_bytes_then_merges() -> None:
    # GPT-2's own: "!" is 0, "." 13, "a" 64, "Ġ" (the space) 220, the first merge 256
    alphabet = byte_alphabet()
    assert [alphabet.index(character) for character in "!.aĠ"] == [0, 13, 64, 220]
    assert set(alphabet) == set(pre_tokenizers.ByteLevel.alphabet())
    gpt2 = Gpt2SubWords.of_merges(["Ġ t", "Ġ a"])
    assert gpt2.ids["Ġt"] == 256 and gpt2.ids["<|endoftext|>"] == 258


def test_the_vocabulary_file_and_the_merges_say_the_same(tmp_path: Path) -> None:
    tiny.write_gpt2(tmp_path)
    with_ids = read_gpt2_sub_words(tmp_path)
    (tmp_path / "encoder.json").unlink()
    assert read_gpt2_sub_words(tmp_path) == with_ids == tiny.GPT2
    (tmp_path / "vocab.json").write_text('{"<s>": 0, "<mask>": 5}')  # RoBERTa's, which numbers otherwise
    assert read_gpt2_sub_words(tmp_path) == tiny.GPT2


def test_sub_words_by_fairseq_id(tmp_path: Path) -> None:
    (tmp_path / "dict.txt").write_text(f"{tiny.GPT2.ids['Ġthe']} 9\n64 3\nmadeupword0000 0\n")
    symbols = read_dictionary(tmp_path / "dict.txt")
    assert sub_words_by_id(symbols, tiny.GPT2)[4:] == ["Ġthe", "a", "madeupword0000"]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    sub_words = sub_words_by_id(list(tiny.SYMBOLS), tiny.GPT2)
    write_dictionary(tmp_path / "dict.txt", sub_words, tiny.GPT2)
    tiny.GPT2.save(tmp_path)
    assert read_dictionary(tmp_path / "dict.txt") == list(tiny.SYMBOLS)
    assert read_gpt2_sub_words(tmp_path) == tiny.GPT2


def test_text_is_made_of_bytes() -> None:
    assert text_of(["Ã©", "Ġthe", "Ġcity"]) == "é the city"
    assert text_of(["Ã"]) == "\ufffd"


@pytest.mark.parametrize(("content", "message"), [("13\n", "line 1: found '13'"), ("13 1\n13 2\n", "line 2.*second time")])
def test_broken_dictionaries_are_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "dict.txt").write_text(content)
    with pytest.raises(DataError, match=f"dict.txt, {message}"):
        read_dictionary(tmp_path / "dict.txt")


def test_symbols_that_gpt2_lacks_are_named() -> None:
    with pytest.raises(DataError, match=r"dict\.txt, line 2: found '9999', expected a GPT-2 id from 0 to 271"):
        sub_words_by_id(["<s>", "<pad>", "</s>", "<unk>", "1", "9999"], tiny.GPT2, "dict.txt")


def test_missing_merges_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no vocab\.bpe or merges\.txt"):
        read_gpt2_sub_words(tmp_path)
